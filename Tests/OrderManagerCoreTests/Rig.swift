import Domain
import OrderManagerCore
import Venues
import Wire

/// A core whose log acknowledges at once, and whose venue is the test itself.
struct Rig {
  var core: OrderManagerPartition
  var now = Timestamp(nanoseconds: 1_700_000_000 * Interval.second)
  /// Wire calls that the test has not answered.
  var calls: [VenueCall] = []
  /// How many orders were sent.
  var places: [NewOrder] = []
  var records: [ExecutionRecord] = []
  var alerts: [Alert] = []
  var balances: [Balances] = []
  var deadLetters: [DeadLetter] = []
  var lines: [String] = []
  var redis: [RedisUpdate] = []
  var measuresClock = 0
  var isFenced = false
  var states: [(key: String, record: InputRecord)] = []
  var acknowledges = true
  var renewsLease = true
  private var unacknowledged: [UInt64] = []
  var nextApproval: Int64 = 0
  private var nextOffset: Int64 = 0

  /// `firstApproval` is where the log of approvals begins.
  init(firstApproval: Int64 = 0, _ configure: (inout OrderManagerSettings) -> Void = { _ in }) {
    // Only what the test does leads to questions.
    var settings = World.settings()
    settings.sweepInterval = Interval.day
    settings.connectedSweepInterval = Interval.day
    configure(&settings)
    core = OrderManagerPartition(settings)
    feed(.restored(RestoredOrders(epoch: 0, nextApproval: firstApproval)))
    feed(.instrument(World.instrument))
    feed(.clock(.binance, VenueClock(offset: 0, uncertainty: Interval.millisecond)))
    feed(.lease(until: now + 2 * Interval.second, committed: 0))
    feed(.connected(World.route, true))
    nextApproval = firstApproval
    if firstApproval == 0 { approve(bytes: EpochMarker(epoch: -1, owner: "riskgate").encoded(), epoch: nil) }
    wait(milliseconds: 300)
    calls = []
    states = []
  }

  /// How many approvals are done; RiskGate's marker before them is not counted.
  var committed: Int64 { core.committable - 1 }

  var events: [OrderEvent] { records.compactMap { if case .order(let event) = $0 { event } else { nil } } }
  func events(of id: String) -> [OrderEvent] { events.filter { $0.clientOrderID.text == id } }
  func statuses(of id: String) -> [OrderStatus] { events(of: id).map(\.status) }

  mutating func feed(_ event: OrderManagerEvent) {
    var effects: [OrderManagerEffect] = []
    core.apply(event, at: now, into: &effects)
    for effect in effects { carryOut(effect) }
  }

  private mutating func carryOut(_ effect: OrderManagerEffect) {
    switch effect {
    case .publish(let publication): publish(publication)
    case .call(let call):
      calls.append(call)
      if case .place(let order) = call.action { places.append(order) }
    case .log(let line): lines.append(line)
    case .measureClock: measuresClock += 1
    case .fenced: isFenced = true
    case .redis(let update): redis.append(update)
    }
  }

  private mutating func publish(_ publication: Publication) {
    switch publication.topic {
    case Topic.executions: if let record = try? ExecutionRecord(publication.value ?? []) { records.append(record) }
    case Topic.alerts: if let alert = try? Alert(publication.value ?? []) { alerts.append(alert) }
    case Topic.balances: if let record = try? Balances(publication.value ?? []) { balances.append(record) }
    case Topic.deadLetters: if let letter = try? DeadLetter(publication.value ?? []) { deadLetters.append(letter) }
    default:
      let source = RecordSource(topic: publication.topic, partition: 0, offset: Int64(states.count), timestamp: now)
      states.append((publication.key, InputRecord(source: source, value: publication.value, headers: publication.headers)))
    }
    unacknowledged.append(publication.token)
    if acknowledges { acknowledge() }
  }

  /// The log acknowledges what it was given, or the first records of it.
  mutating func acknowledge(_ count: Int = .max) {
    var left = count
    while !unacknowledged.isEmpty, left > 0 {
      let token = unacknowledged.removeFirst()
      nextOffset += 1
      left -= 1
      feed(.acknowledged(token: token, offset: nextOffset))
    }
  }

  mutating func approve(
    _ id: String, action: OrderAction = .new, side: Side? = .buy, quantity: String? = "1", price: String? = "100",
    timeInForce: TimeInForce = .ioc, venue: Venue = .best, target: String? = nil, validFor: Int64 = 5 * Interval.second,
    control: Int64 = 0,
    reduceOnly: Bool = false, symbol: Symbol? = nil, epoch: Int64? = 0, isDuplicate: Bool = false
  ) {
    let request = OrderRequest(
      action: action, account: World.account, venue: venue, symbol: symbol ?? World.instrument.symbol,
      side: action == .new ? side : nil,
      type: .limit, quantity: quantity.flatMap { try? Quantity($0) }, price: price.flatMap { try? Price($0) },
      timeInForce: timeInForce, reduceOnly: reduceOnly, target: target.flatMap { ClientOrderID($0) }, allSymbols: symbol == nil)
    let source = RecordSource(topic: Topic.orders, partition: 0, offset: nextApproval, timestamp: now)
    let approval = Approval(
      request: Shared(request), clientOrderID: World.known(ClientOrderID(id)), quantity: request.quantity,
      limitPrice: request.price,
      timeInForce: timeInForce, validUntil: now + validFor, controlVersion: control, limitsVersion: 0, decidedAt: now,
      source: source, isDuplicate: isDuplicate)
    approve(bytes: approval.encoded(), epoch: epoch)
  }

  mutating func approve(bytes: [UInt8]?, epoch: Int64? = 0) {
    let source = RecordSource(topic: Topic.approved, partition: 0, offset: nextApproval, timestamp: now)
    nextApproval += 1
    feed(.approved(InputRecord(source: source, value: bytes, headers: RecordHeaders(epoch: epoch))))
  }

  /// Answers the oldest call that waits.
  mutating func answer(_ answer: AccountAnswer) {
    let call = calls.removeFirst()
    feed(.answered(token: call.token, answer))
  }

  mutating func confirm(_ report: VenueOrderReport) { answer(.order(.confirmed(report))) }
  mutating func refuse(_ kind: VenueFailure.Kind, code: Int64? = nil) {
    answer(.order(.failed(VenueFailure(kind, code: code, reason: "refused"))))
  }
  mutating func loseReply() { answer(.order(.unknown(VenueFailure(.transient, reason: "timed out")))) }

  /// Time passes, in steps of 10 ms.
  mutating func wait(milliseconds: Int64) {
    let end = now + milliseconds * Interval.millisecond
    while now < end {
      now = min(end, now + 10 * Interval.millisecond)
      if renewsLease { feed(.lease(until: now + 2 * Interval.second, committed: core.committable)) }
      feed(.tick)
    }
  }

  mutating func control(_ state: TradingState, version: Int64) {
    feed(.control(Control(account: World.account, version: version, state: state, reason: "", time: now)))
  }

  /// What the venue says of the order sent as number `place`.
  func report(
    _ state: VenueOrderState?, place: Int = 0, filled: String? = "0", fills: [Fill] = [], venueOrderID: String? = nil
  ) -> VenueOrderReport {
    VenueOrderReport(
      venueSymbol: VenueModel.symbol, venueOrderID: venueOrderID ?? "\(place + 1)", clientID: places[place].clientID,
      state: state,
      cumulativeQuantity: filled.flatMap { try? Quantity($0) }, fills: fills, time: now)
  }

  func fill(_ trade: String, _ quantity: String, at price: String = "100", fee: String = "0", asset: String = "USDT") -> Fill {
    Fill(
      tradeID: trade, price: World.known(try? Price(price)), quantity: World.known(try? Quantity(quantity)),
      fee: World.known(try? Money(fee)), feeAsset: asset, time: now)
  }

  mutating func stream(_ report: VenueOrderReport) { feed(.stream(World.route, .order(report))) }

  /// The question that waits first, by name.
  var question: String? { calls.first.map { Self.name($0.action) } }

  static func name(_ action: AccountRequest) -> String {
    switch action {
    case .place: "place"
    case .cancel: "cancel"
    case .order: "order"
    case .openOrders: "openOrders"
    case .allOrders: "allOrders"
    case .trades: "trades"
    case .account: "account"
    }
  }

  /// Answers one question after the other with "there is no such thing" for so long.
  mutating func denyAll(milliseconds: Int64) {
    let end = now + milliseconds * Interval.millisecond
    while now < end {
      while let question, question != "place" {
        switch question {
        case "order": refuse(.noSuchOrder, code: -2013)
        case "trades": answer(.trades(.confirmed([])))
        case "account": answer(.account(.confirmed(AccountReport(balances: []))))
        case "cancel": refuse(.noSuchOrder, code: -2011)
        default: answer(.orders(.confirmed([])))
        }
      }
      if question == "place" { return }
      wait(milliseconds: 50)
    }
  }
}
