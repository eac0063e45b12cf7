import Crypto
import Domain
import Wire

/// An account's state as it is kept on `risk.state`. Orders beyond the first page go into records of their own, under keys that
/// alternate between two generations: a crash between two records leaves the generation before intact.
struct AccountSnapshot: Sendable {
  var account: Account
  /// Number of this snapshot.
  var number: Int64
  var time: Timestamp
  var control: Control
  var limits: Limits
  var day: DayLoss
  var executionsNext: Int64
  var lastOrderNumber: Int64
  var approvals: [Timestamp]
  var ledgers: [LedgerEntry]
  var adjustments: [String]
  var identifiers: RecentIdentifiers
  var orders: [OrderEntry]
  var ended: [ClientOrderID]
  /// How many records the orders take, this one included.
  var pages = 1

  /// A ledger with the mark that its position is valued at.
  struct LedgerEntry: Sendable {
    var symbol: Symbol
    var ledger: Ledger
    var mark: Mark?
  }

  /// An order and its symbol by name.
  struct OrderEntry: Sendable {
    var symbol: Symbol
    var order: TrackedOrder
    var fillSymbols: [Symbol]
  }

  /// A record takes no further order beyond this many bytes, so that it stays below the broker's limit of a megabyte: the ids of a day
  /// take 350 KB beside the first page, and the last order on a page may hold 4,096 fills.
  static let pageBytes = 100_000

  init(_ state: AccountState, _ market: Market, now: Timestamp) {
    account = state.account
    number = state.snapshots
    time = now
    control = state.control
    limits = state.limits
    day = state.day
    executionsNext = state.executionsNext
    lastOrderNumber = state.orders.lastNumber
    approvals = state.approvals.times(at: now)
    ledgers = state.ledgers.indices.map { index in
      let symbol = market.symbols[state.ledgers.keys[index]]
      return LedgerEntry(symbol: symbol.symbol, ledger: state.ledgers[index], mark: symbol.mark)
    }.sorted { $0.symbol < $1.symbol }
    adjustments = Array(state.counted.order)
    identifiers = state.identifiers
    orders = state.orders.all.map { order in
      OrderEntry(
        symbol: market.symbols[order.symbol].symbol, order: order,
        fillSymbols: order.fills.map { market.symbols[$0.symbol].symbol })
    }
    ended = state.orders.endedIDs
  }

  /// The records to append, in this order; the one under the account's own key makes them count.
  func records() -> [(key: String, value: [UInt8])] {
    let pages = pagesOfOrders()
    let generation = number.isMultiple(of: 2) ? "a" : "b"
    var records: [(key: String, value: [UInt8])] = []
    for (index, page) in pages.enumerated().dropFirst() {
      let value = JSONWriter.object(capacity: page.count + 256) { writer in
        writer.member("v", 1)
        writer.member("type", "orders")
        writer.member("snapshot", number)
        writer.name("orders")
        writer.raw(String(decoding: page, as: UTF8.self))
      }
      records.append((AccountSnapshot.pageKey(account, generation, index), value))
    }
    records.append((account.text, encoded(firstPage: pages[0], pageCount: pages.count)))
    return records
  }

  /// The keys of the further pages that this snapshot refers to.
  var pageKeys: [String] {
    (1..<max(1, pages)).map { Self.pageKey(account, number.isMultiple(of: 2) ? "a" : "b", $0) }
  }

  private static func pageKey(_ account: Account, _ generation: String, _ index: Int) -> String {
    "\(account)/\(generation)/\(index)"
  }

  /// JSON arrays of orders, each short enough for a record; at least one.
  private func pagesOfOrders() -> [[UInt8]] {
    var pages: [[UInt8]] = []
    var writer = JSONWriter(capacity: 4_096)
    writer.beginArray()
    for order in orders {
      if writer.bytes.count > Self.pageBytes {
        writer.endArray()
        pages.append(writer.bytes)
        writer.removeAll()
        writer.beginArray()
      }
      order.write(to: &writer)
    }
    writer.endArray()
    return pages + [writer.bytes]
  }

  private func encoded(firstPage: [UInt8], pageCount: Int) -> [UInt8] {
    JSONWriter.object(capacity: firstPage.count + 4_096) { writer in
      writer.member("v", 1)
      writer.member("type", "account")
      writer.member("account", account)
      writer.member("snapshot", number)
      writer.member("pages", pageCount)
      writer.member("time", time)
      writer.member("control_version", control.version)
      writer.member("limits_version", limits.version)
      writeState(to: &writer)
      writer.name("orders")
      writer.raw(String(decoding: firstPage, as: UTF8.self))
    }
  }

  /// What is the same in every run that saw the same events.
  private func writeState(to writer: inout JSONWriter) {
    writer.name("control")
    writer.raw(String(decoding: control.encoded(), as: UTF8.self))
    writer.name("limits")
    writer.raw(String(decoding: limits.encoded(), as: UTF8.self))
    writer.member("day", day.day)
    writer.member("day_baseline", day.baseline)
    writer.member("daily_loss_reached", day.isReached)
    writer.member("executions_offset", executionsNext)
    writer.member("last_order_number", lastOrderNumber)
    writer.name("approvals")
    writer.beginArray()
    for approval in approvals { writer.value(approval) }
    writer.endArray()
    writer.name("positions")
    writer.beginArray()
    for entry in ledgers { entry.write(to: &writer) }
    writer.endArray()
    writer.name("adjustments")
    writer.beginArray()
    for adjustment in adjustments { writer.value(adjustment) }
    writer.endArray()
    writer.member("identifiers", identifiers.text)
    writer.name("ended")
    writer.beginArray()
    for id in ended { writer.value(id.text) }
    writer.endArray()
  }

  /// The bytes that a state hash is computed over.
  var canonical: [UInt8] {
    var bytes = JSONWriter.object(capacity: 4_096) { writer in
      writer.member("account", account)
      writeState(to: &writer)
    }
    for page in pagesOfOrders() { bytes += page }
    return bytes
  }
}

extension RiskEngine {
  /// SHA-256 over the state of every account: equal for any two runs that saw the same events, a restart in between or not.
  public var stateHash: String { SHA256.digest(of: stateText).hex }

  /// What `stateHash` is computed over: the state of every account, in the order of their names.
  public var stateText: String {
    var bytes: [UInt8] = []
    for name in accounts.keys.sorted() {
      guard let index = accounts.position(of: name) else { continue }
      bytes += AccountSnapshot(accounts[index], market, now: now).canonical
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
