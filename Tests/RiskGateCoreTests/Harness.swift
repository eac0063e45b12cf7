import Domain
import RiskGateCore
import Testing
import Wire

/// A partition with a log around it: what is appended can be read again, by the engine or by its successor.
struct Harness {
  static let start = Timestamp(nanoseconds: 1_800_000_000 * Interval.second)
  static let btc = symbol("BTC-USDT")
  static let main = account("main")

  var engine: RiskEngine
  var settings: RiskSettings
  var now = Harness.start
  /// The offset of the owner's marker on `approved`.
  var epoch: Int64 = 0
  /// The topics of the partition.
  var orders: [OrderRecord] = []
  var executions: [(value: [UInt8]?, epoch: Int64?)] = []
  var approved: [(value: [UInt8], epoch: Int64)] = []
  var rejected: [(value: [UInt8], epoch: Int64)] = []
  var state: [(key: String, value: [UInt8], epoch: Int64)] = []
  var effects: [RiskEffect] = []
  /// What the market topics say last.
  var instruments: [Instrument] = []
  var books: [BookRecord] = []
  var controls: [(Control, RecordSource)] = []
  var limits: [Limits] = []

  init(partition: Int32 = 0, partitionCount: Int32 = 1, isReady: Bool = true) {
    settings = RiskSettings(
      partition: partition, partitionCount: partitionCount,
      defaults: OrderDefaults(account: Harness.main, symbol: Harness.btc))
    engine = RiskEngine(settings)
    mark()
    do { engine = try RiskRestore(settings, epoch: epoch).engine() } catch { preconditionFailure("nothing can be restored") }
    execute(bytes: EpochMarker(epoch: -1, owner: "ordermanager/test").encoded())
    list(Harness.instrument("BTC-USDT"))
    quote("BTC-USDT", bid: "26795.4", ask: "26796.1")
    if isReady { apply(.ready) }
  }

  static func symbol(_ text: String) -> Symbol {
    guard let symbol = Symbol(text) else { preconditionFailure("\(text) is no symbol") }
    return symbol
  }
  static func account(_ text: String) -> Account {
    guard let account = Account(text) else { preconditionFailure("\(text) is no account") }
    return account
  }
  static func id(_ text: String) -> ClientOrderID {
    guard let id = ClientOrderID(text) else { preconditionFailure("\(text) is no id") }
    return id
  }
  static func price(_ text: String) -> Price { (try? Price(text)) ?? .zero }
  static func quantity(_ text: String) -> Quantity { (try? Quantity(text)) ?? .zero }
  static func money(_ text: String) -> Money { (try? Money(text)) ?? .zero }

  static func instrument(_ name: String, venue: Venue = .binance) -> Instrument {
    Instrument(
      venue: venue, symbol: symbol(name), venueSymbol: name, tick: price("0.01"), minimumPrice: price("0.01"),
      maximumPrice: price("1000000"), lot: quantity("0.00001"), minimumQuantity: quantity("0.00001"),
      maximumQuantity: quantity("9000"), minimumNotional: money("5"))
  }

  // MARK: Inputs

  mutating func apply(_ event: RiskEvent) {
    let first = effects.count
    engine.apply(event, at: now, into: &effects)
    for effect in effects[first...] { append(effect) }
  }

  private mutating func append(_ effect: RiskEffect) {
    switch effect {
    case .approve(let approval): approved.append((approval.encoded(), epoch))
    case .reject(let rejection): rejected.append((rejection.encoded(), epoch))
    case .snapshot(let key, let value): state.append((key, value, epoch))
    default: break
    }
  }

  mutating func list(_ instrument: Instrument) {
    instruments.append(instrument)
    apply(.instrument(instrument))
  }

  mutating func quote(_ name: String, bid: String, ask: String, venue: Venue = .binance, isValid: Bool = true) {
    let top = TopOfBook(
      bid: BookLevel(price: Harness.price(bid), quantity: Harness.quantity("1")),
      ask: BookLevel(price: Harness.price(ask), quantity: Harness.quantity("1")))
    let book = BookRecord(
      kind: .diff, venue: venue, symbol: Harness.symbol(name), updateID: 1, isValid: isValid, ingestTime: now, top: top)
    books.removeAll { $0.venue == venue && $0.symbol == book.symbol }
    books.append(book)
    apply(.book(book))
  }

  mutating func invalidate(_ name: String, venue: Venue = .binance) {
    apply(
      .book(
        BookRecord(
          kind: .status, venue: venue, symbol: Harness.symbol(name), updateID: 1, isValid: false, ingestTime: now,
          top: TopOfBook(bid: nil, ask: nil))))
  }

  mutating func limit(_ account: Account = Harness.main, _ change: (inout Limits) -> Void) {
    var changed = limits.last { $0.account == account } ?? Limits(account: account)
    changed.version += 1
    change(&changed)
    limits.append(changed)
    apply(.limits(changed))
  }

  mutating func control(_ state: TradingState, account: Account = Harness.main) {
    let version = Int64(controls.filter { $0.0.account == account }.count + 1)
    let control = Control(account: account, version: version, state: state, reason: "test", time: now)
    let source = RecordSource(topic: Topic.control, partition: 0, offset: Int64(controls.count), timestamp: now)
    controls.append((control, source))
    apply(.control(control, source: source))
  }

  /// Sends JSON and gives the decision on it.
  @discardableResult
  mutating func send(_ json: String, age: Int64 = 0) -> Answer { send(bytes: Array(json.utf8), age: age) }

  @discardableResult
  mutating func send(bytes: [UInt8]?, age: Int64 = 0, origin: RecordSource? = nil) -> Answer {
    let source = RecordSource(
      topic: Topic.orders, partition: settings.partition, offset: Int64(orders.count), timestamp: now + -age)
    let record = OrderRecord(payload: bytes, source: source, origin: origin, defaults: settings.defaults)
    orders.append(record)
    let first = effects.count
    apply(.order(record))
    return Answer(effects: Array(effects[first...]))
  }

  mutating func execute(_ record: ExecutionRecord) {
    execute(bytes: record.encoded(), epoch: record.isOrderManagers ? 0 : nil)
  }

  /// OrderManager's own, unless another epoch is said.
  mutating func execute(bytes: [UInt8]?, epoch: Int64? = 0) {
    let source = RecordSource(
      topic: Topic.executions, partition: settings.partition, offset: Int64(executions.count), timestamp: now)
    executions.append((bytes, epoch))
    apply(.execution(payload: bytes, source: source, epoch: epoch))
  }

  /// An event of OrderManager on an order of a single child.
  mutating func event(
    _ id: String, _ status: OrderStatus, side: Side = .buy, quantity: String, cumulative: String = "0", fill: Fill? = nil,
    symbol: String = "BTC-USDT", account: Account = Harness.main
  ) {
    execute(
      .order(
        OrderEvent(
          account: account, clientOrderID: Harness.id(id), venue: .binance, symbol: Harness.symbol(symbol), side: side,
          quantity: Harness.quantity(quantity), venueClientID: "v-\(id)", venueOrderID: "o-\(id)", status: status, fill: fill,
          cumulativeQuantity: Harness.quantity(cumulative), provenance: .venue, time: now)))
  }

  static func fill(
    _ trade: String, price: String, quantity: String, fee: String = "0", asset: String = "USDT", feePrice: String? = nil
  ) -> Fill {
    Fill(
      tradeID: trade, price: Harness.price(price), quantity: Harness.quantity(quantity), fee: money(fee), feeAsset: asset,
      feePrice: feePrice.map { Harness.price($0) }, time: start)
  }

  /// A position out of nothing.
  mutating func hold(_ quantity: String, at price: String, id: String, symbol: String = "BTC-USDT") {
    execute(
      .adjustment(
        Adjustment(
          account: Harness.main, id: id, symbol: Harness.symbol(symbol), quantity: Harness.quantity(quantity),
          price: Harness.price(price), reason: "test", time: now)))
  }

  mutating func wait(_ nanoseconds: Int64) { now = now + nanoseconds }

  /// Time passes and the book stays young.
  mutating func waitWithBook(_ nanoseconds: Int64) {
    wait(nanoseconds)
    for index in books.indices {
      books[index].ingestTime = now
      apply(.book(books[index]))
    }
  }

  // MARK: Outputs

  var lastRisk: RiskView? {
    for effect in effects.reversed() { if case .risk(let view) = effect { return view } }
    return nil
  }
  var positions: [PositionView] { effects.compactMap { if case .position(let view) = $0 { view } else { nil } } }
  var alerts: [Alert] { effects.compactMap { if case .alert(let alert) = $0 { alert } else { nil } } }
  var deadLetters: [DeadLetter] { effects.compactMap { if case .deadLetter(let letter) = $0 { letter } else { nil } } }

  /// The exposure of a base asset as Redis would show it.
  mutating func exposure(_ asset: String = "BTC") -> RiskView.BaseExposure? {
    wait(10 * Interval.second)
    apply(.tick)
    return lastRisk?.exposures.first { $0.asset == asset }
  }

  // MARK: Restart

  /// A successor that has nothing but the logs; it may end again before it has read an order.
  mutating func restart(readsOrders: Bool = true) throws {
    mark()
    var restore = RiskRestore(settings, epoch: epoch)
    for record in state { try restore.readState(key: Array(record.key.utf8), value: record.value, epoch: record.epoch) }
    let from = restore.checkpoint
    for (offset, record) in approved.enumerated() where Int64(offset) >= from.approved {
      try restore.readDecision(topic: Topic.approved, value: record.value, epoch: record.epoch, offset: Int64(offset))
    }
    for (offset, record) in rejected.enumerated() where Int64(offset) >= from.rejected {
      try restore.readDecision(topic: Topic.rejected, value: record.value, epoch: record.epoch, offset: Int64(offset))
    }
    engine = try restore.engine()
    effects = []
    for instrument in instruments { apply(.instrument(instrument)) }
    for (offset, record) in executions.enumerated() where Int64(offset) >= from.executions {
      let source = RecordSource(topic: Topic.executions, partition: settings.partition, offset: Int64(offset), timestamp: now)
      apply(.execution(payload: record.value, source: source, epoch: record.epoch))
    }
    for limits in limits { apply(.limits(limits)) }
    for (control, source) in controls { apply(.control(control, source: source)) }
    for book in books { apply(.book(book)) }
    apply(.ready)
    guard readsOrders else { return }
    let replayed = orders.dropFirst(Int(from.orders))
    for record in replayed { apply(.order(record)) }
  }

  /// An owner takes the partition.
  private mutating func mark() {
    epoch = Int64(approved.count)
    approved.append((EpochMarker(epoch: -1, owner: "riskgate").encoded(), epoch))
    let marker = EpochMarker(epoch: epoch, owner: "riskgate").encoded()
    rejected.append((marker, epoch))
    state.append(("@epoch", marker, epoch))
  }

  /// The broker has acknowledged every decision.
  mutating func acknowledge() {
    apply(.acknowledged(approved: Int64(approved.count), rejected: Int64(rejected.count)))
  }
}

/// What came of one record on `orders`.
struct Answer {
  let effects: [RiskEffect]

  var approvals: [Approval] { effects.compactMap { if case .approve(let approval) = $0 { approval } else { nil } } }
  var rejections: [Rejection] { effects.compactMap { if case .reject(let rejection) = $0 { rejection } else { nil } } }
  var letters: [DeadLetter] { effects.compactMap { if case .deadLetter(let letter) = $0 { letter } else { nil } } }
  var approval: Approval? { approvals.first }
  var code: RejectionCode? { rejections.first?.code }
  var reason: String? { rejections.first?.reason }
  var passed: Bool { !approvals.isEmpty && rejections.isEmpty }
}
