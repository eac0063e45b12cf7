import Domain
import Postgres
import ReconcilerCore
import Runtime
import Wire

/// Reconciliation's side of PostgreSQL: what the log says, and what the rounds came to.
final class ReconciliationStore {
  private let connection: PostgresConnection

  init(url: Secret) throws {
    connection = try PostgresConnection(url, applicationName: "apus-reconciler")
  }

  /// What was remembered of a subject.
  func memory(of subject: Subject, comparison: Comparison) throws -> AccountReconciliation {
    let parameters = [subject.account.text, subject.venue.text]
    let cursors = try connection.query(ReconciliationSQL.cursors, parameters).rows.compactMap { row -> TradeCursor? in
      guard let symbol = row[0].flatMap({ Symbol($0) }), let settled = row[1].flatMap({ Int64($0) }),
        let counted = row[2].flatMap({ Int64($0) })
      else { return nil }
      return TradeCursor(symbol: symbol, settled: settled, counted: counted, newest: row[3])
    }
    var expected: [String: Money] = [:]
    for row in try connection.query(ReconciliationSQL.expected, parameters).rows {
      if let asset = row[0], let amount = row[1].flatMap({ try? Money($0) }) { expected[asset] = amount }
    }
    var open: [Difference.Name: Timestamp] = [:]
    for row in try connection.query(ReconciliationSQL.openDiscrepancies, parameters).rows {
      guard let code = row[0].flatMap(DiscrepancyCode.init(rawValue:)), let subject = row[1],
        let time = row[2].flatMap({ Int64($0) })
      else { continue }
      open[Difference.Name(code: code, subject: subject)] = Timestamp(nanoseconds: time)
    }
    return AccountReconciliation(
      subject: subject, comparison: comparison, cursors: cursors,
      expectedBalances: cursors.isEmpty || expected.isEmpty ? nil : expected, open: open)
  }

  /// When the account's first order was decided; nil before that.
  func firstDecision(of account: Account) throws -> Timestamp? {
    try connection.query(ReconciliationSQL.firstDecision, [account.text]).rows.first?[0].flatMap { Int64($0) }
      .map(Timestamp.init(nanoseconds:))
  }

  /// What the log says of everything that the question names.
  func answer(_ question: LedgerQuestion, of subject: Subject) throws -> LedgerAnswer {
    let parameters = [
      subject.account.text, subject.venue.text, textArray(question.venueClientIDs), textArray(question.venueOrderIDs),
    ]
    let orders = try connection.query(ReconciliationSQL.orders, parameters).rows.compactMap(LedgerOrder.init(row:))
    var known: Set<TradeName> = []
    for trades in question.trades where !trades.tradeIDs.isEmpty {
      let ids = textArray(trades.tradeIDs)
      let rows = try connection.query(
        ReconciliationSQL.knownTrades, [subject.account.text, subject.venue.text, trades.symbol.description, ids]
      ).rows
      for row in rows { if let id = row[0] { known.insert(TradeName(symbol: trades.symbol, tradeID: id)) } }
    }
    return LedgerAnswer(orders: orders, knownTrades: known)
  }

  /// What a round came to, or that it came to nothing.
  func store(
    _ conclusion: AccountReconciliation.Conclusion, _ memory: AccountReconciliation, _ evidence: Evidence, finishedAt: Timestamp
  ) throws {
    let subject = [memory.subject.account.text, memory.subject.venue.text]
    var statements = balances(memory, evidence)
    for cursor in memory.cursors {
      statements.append(
        PostgresStatement(
          ReconciliationSQL.keepCursor,
          subject + [cursor.symbol.description, String(cursor.settled), String(cursor.counted), storable(cursor.newest)]))
    }
    for difference in conclusion.opened {
      let since = memory.open[difference.name] ?? evidence.startedAt
      statements.append(
        PostgresStatement(
          ReconciliationSQL.open,
          subject + [
            difference.name.code.rawValue, storable(difference.name.subject), difference.clientOrderID?.text,
            storable(difference.ours),
            storable(difference.venues), since.description,
          ]))
    }
    for resolved in conclusion.resolved {
      statements.append(
        PostgresStatement(
          ReconciliationSQL.resolve,
          subject + [resolved.name.code.rawValue, storable(resolved.name.subject), finishedAt.description, resolved.resolution]))
    }
    let outcome = evidence.isPartial || evidence.lacksTrades ? "partial" : conclusion.differenceCount == 0 ? "agrees" : "differs"
    statements.append(
      PostgresStatement(
        ReconciliationSQL.round,
        subject + [
          evidence.startedAt.description, finishedAt.description, outcome, String(evidence.open.count),
          String(evidence.histories.reduce(0) { $0 + $1.trades.count }), String(conclusion.differenceCount), nil,
        ]))
    try connection.batch(statements)
  }

  /// A round that could not be finished.
  func storeFailure(of subject: Subject, startedAt: Timestamp, finishedAt: Timestamp, reason: String) throws {
    try connection.query(
      ReconciliationSQL.round,
      [
        subject.account.text, subject.venue.text, startedAt.description, finishedAt.description, "failed", "0", "0", "0",
        storable(reason),
      ])
  }

  /// Rounds older than a month tell nobody anything.
  func forgetOldRounds() throws {
    try connection.query(ReconciliationSQL.forgetRounds)
  }

  private func balances(_ memory: AccountReconciliation, _ evidence: Evidence) -> [PostgresStatement] {
    let subject = [memory.subject.account.text, memory.subject.venue.text]
    let seen = Dictionary(evidence.balances.map { ($0.asset, $0) }, uniquingKeysWith: { first, _ in first })
    let expected = memory.balanceCheck.expected
    return Set(seen.keys).union(expected?.keys.map { $0 } ?? []).sorted().map { asset in
      PostgresStatement(
        ReconciliationSQL.keepBalance,
        subject + [
          storable(asset), (seen[asset]?.free ?? .zero).text(), (seen[asset]?.locked ?? .zero).text(),
          expected.map { ($0[asset] ?? .zero).text() }, evidence.startedAt.description,
        ])
    }
  }
}

extension LedgerOrder {
  /// A row of `ReconciliationSQL.orders`.
  fileprivate init?(row: [String?]) {
    guard let clientID = row[0], let order = row[2].flatMap({ ClientOrderID($0) }), let symbol = row[3].flatMap({ Symbol($0) }),
      let status = row[4].flatMap(OrderStatus.init(rawValue:)), let filled = row[5].flatMap({ try? Quantity($0) }),
      let changed = row[6].flatMap({ Int64($0) }), let decided = row[7].flatMap({ Int64($0) })
    else { return nil }
    self.init(
      venueClientID: clientID, venueOrderID: row[1], clientOrderID: order, symbol: symbol, status: status,
      cumulativeQuantity: filled,
      decidedAt: Timestamp(nanoseconds: decided), changedAt: Timestamp(nanoseconds: changed))
  }
}

/// PostgreSQL's text of an array of texts.
private func textArray(_ texts: [String]) -> String {
  let elements = texts.map { text in
    "\"" + (storable(text) ?? "").replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }
  return "{" + elements.joined(separator: ",") + "}"
}
