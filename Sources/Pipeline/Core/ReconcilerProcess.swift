import Domain
import ReconcilerCore
import Wire

/// Reconciler's projection, which also looks after the comparisons: the same steps in the same order as `Sources/Reconciler/App/Projection`.
final class ReconcilerProcess: SimulatedProcess {
  private var inputs: [Place: InputState] = [:]
  private var waiting: [LogRecord] = []
  private var isReading = false
  private var isStoring = false
  private lazy var rounds = world.accounts(of: partition).flatMap { account in
    world.venues.map { Rounds(self, Subject(account: account, venue: $0.name)) }
  }

  /// The executions below this offset are in the database, stored by this process.
  var storedUpTo: Int64 { inputs[Place(Topic.executions, partition)]?.nextOffset ?? -1 }

  private var places: [Place] { [Topic.approved, Topic.rejected, Topic.executions].map { Place($0, partition) } }

  override func start() {
    guard world.now >= world.databaseDownUntil else { return pause() }
    if !isReady { for rounds in rounds { rounds.keepGoing(after: 0) } }
    isReady = true
    isReading = true
    for place in places {
      inputs[place] = world.database.input(place)
      follow(place, from: world.database.input(place).nextOffset)
    }
  }

  override func receive(_ record: LoggedRecord, at place: Place) {
    guard isReading, inputs[place] != nil else { return }
    let source = record.source
    let lies = LogPlace(topic: source.topic, partition: source.partition, offset: source.offset, appendedAt: source.timestamp)
    let newest = world.broker.end(Place(Topic.approved, partition)) - 1
    waiting.append(LogRecord(place: lies, epoch: record.epoch, value: record.value, newestEpoch: newest))
    guard !isStoring else { return }
    isStoring = true
    deliver(after: world.upTo(20 * Interval.millisecond)) { self.store() }
  }

  private func store() {
    isStoring = false
    guard isReading else { return }
    var batch = Batch()
    for record in waiting {
      guard let stored = inputs[Place(record.place.topic, record.place.partition)] else { continue }
      batch.add(record, stored: stored)
    }
    waiting = []
    for letter in batch.unreadable where letter.error.code != .unfenced {
      world.history.violations.append("\(self) cannot read a record: \(letter.error.reason)")
    }
    let isDown = world.now < world.databaseDownUntil
    // A commit whose answer is lost has happened all the same.
    let isCommitted = !isDown && world.database.store(batch)
    guard isCommitted, !world.chance(world.faults.databaseDown / 10) else { return pause() }
    for advance in batch.advances { inputs[Place(advance.after.topic, advance.after.partition)] = advance.after }
  }

  /// Drops what is in memory and begins again from the database's offsets.
  private func pause() {
    isReading = false
    waiting = []
    inputs = [:]
    deliver(after: 100 * Interval.millisecond + world.upTo(Interval.second)) { self.start() }
  }
}
