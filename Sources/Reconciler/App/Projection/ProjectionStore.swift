import Postgres
import ReconcilerCore
import Runtime

/// The projection's side of PostgreSQL: rows and input offsets, always in one transaction.
final class ProjectionStore {
  /// Another process has stored records of the same input: what was read here is not ours to store.
  struct InputMoved: Error, CustomStringConvertible {
    let topic: String
    let partition: Int32
    var description: String { "\(topic)[\(partition)] was moved on by another process" }
  }

  private let connection: PostgresConnection

  /// Connects and brings the schema up to date.
  init(url: Secret, migrations: String) throws {
    connection = try PostgresConnection(url, applicationName: "apus-reconciler")
    try Migrations.apply(directory: migrations, to: connection)
    // Each row is found by its key, however many a batch has and however young the table is: nothing is to be planned anew, and a plan
    // made on an empty table must not read a full one.
    try connection.script("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off")
  }

  /// Where an input goes on.
  func input(topic: String, partition: Int32) throws -> InputState {
    try connection.query(RowSQL.enterInput, [topic, String(partition)])
    let result = try connection.query(RowSQL.readInput, [topic, String(partition)])
    guard let row = result.rows.first, let next = row[0].flatMap({ Int64($0) }), let epoch = row[1].flatMap({ Int64($0) }) else {
      throw PostgresError(sqlState: "08P01", reason: "input_offsets has no row for \(topic)[\(partition)]")
    }
    return InputState(topic: topic, partition: partition, nextOffset: next, epoch: epoch)
  }

  /// Stores the batch, or nothing of it.
  func store(_ batch: Batch) throws {
    guard !batch.isEmpty else { return }
    try connection.transaction {
      // First the offsets: their row locks make a second writer wait, and then fail.
      let moved = try connection.batch(batch.advances.map(\.statement))
      for (advance, count) in zip(batch.advances, moved) where count != 1 {
        throw InputMoved(topic: advance.before.topic, partition: advance.before.partition)
      }
      try connection.batch(batch.runs.flatMap(\.statements))
      boundary("reconciler.transaction.filled")
    }
  }
}

extension Batch.Advance {
  fileprivate var statement: PostgresStatement {
    PostgresStatement(
      RowSQL.advanceInput,
      [
        before.topic, String(before.partition), String(before.nextOffset), String(after.nextOffset), String(after.fence.epoch),
      ])
  }
}

extension PostgresError {
  /// The fault lies in the values of a statement (data exceptions, integrity violations, a limit such as an index' row size), so that
  /// repeating it is pointless and leaving it out is safe for everything else.
  var isFaultOfTheRecord: Bool { ["22", "23", "54"].contains { sqlState.hasPrefix($0) } }
}
