import Domain
import ReconcilerCore
import Wire

/// Values made for the tests; what they are made from is legal.
enum Sample {
  static let account = identifier("main") as Account
  static let symbol = Symbol("BTC-USDT") ?? { preconditionFailure("a legal symbol") }()
  static let start = Timestamp(nanoseconds: 1_700_000_000_000_000_000)

  static func identifier<Kind>(_ text: String) -> Identifier<Kind> {
    guard let identifier = Identifier<Kind>(text) else { preconditionFailure("\(text) is no identifier") }
    return identifier
  }

  static func decimal<Value: FixedPoint>(_ text: String) -> Value {
    guard let value = try? Value(text) else { preconditionFailure("\(text) is no decimal") }
    return value
  }

  static func source(_ offset: Int64) -> RecordSource {
    RecordSource(topic: Topic.orders, partition: 0, offset: offset, timestamp: start)
  }

  static func request(_ id: String, side: Side = .buy, quantity: String = "0.25", action: OrderAction = .new) -> OrderRequest {
    OrderRequest(
      action: action, account: account, clientOrderID: identifier(id), symbol: symbol, side: action == .new ? side : nil,
      quantity: action == .new ? decimal(quantity) : nil, target: action == .cancel ? identifier("target") : nil)
  }

  static func approval(_ id: String, quantity: String = "0.25", action: OrderAction = .new, isDuplicate: Bool = false) -> Approval
  {
    Approval(
      request: Shared(request(id, quantity: quantity, action: action)), clientOrderID: identifier(id),
      quantity: action == .new ? decimal(quantity) : nil, limitPrice: decimal("28000"), timeInForce: .ioc,
      validUntil: start + Interval.second, controlVersion: 1, limitsVersion: 1, decidedAt: start, source: source(0),
      isDuplicate: isDuplicate)
  }

  static func rejection(_ id: String, code: RejectionCode = .orderSize, reason: String = "Order rejected.") -> Rejection {
    Rejection(
      account: account, clientOrderID: identifier(id), code: code, reason: reason, request: request(id), decidedAt: start,
      source: source(0))
  }

  static func event(
    _ id: String, _ status: OrderStatus, filled: String = "0", trade: String? = nil, of part: String = "0.1"
  ) -> OrderEvent {
    let price: Price = decimal("26796.1")
    let cumulative: Quantity = decimal(filled)
    let fill = trade.map {
      Fill(
        tradeID: $0, price: price, quantity: decimal(part), fee: decimal("0.0001"), feeAsset: "BTC", liquidity: .taker,
        time: start)
    }
    return OrderEvent(
      account: account, clientOrderID: identifier(id), venue: .binance, symbol: symbol, side: .buy, quantity: decimal("0.25"),
      venueClientID: "apus-\(id)", venueOrderID: "v-\(id)", status: status, fill: fill, cumulativeQuantity: cumulative,
      cumulativeQuote: price * cumulative, provenance: .venue, time: start)
  }

  /// By default one of the first owner, whose marker lies at offset 0.
  static func record(_ topic: String, _ offset: Int64, _ value: [UInt8]?, epoch: Int64? = 0) -> LogRecord {
    LogRecord(
      place: LogPlace(topic: topic, partition: 0, offset: offset, appendedAt: start + offset * Interval.millisecond),
      epoch: epoch,
      value: value, newestEpoch: 1_000)
  }

  static func execution(_ offset: Int64, _ event: OrderEvent, epoch: Int64? = 0) -> LogRecord {
    record(Topic.executions, offset, ExecutionRecord.order(event).encoded(), epoch: epoch)
  }

  static func marker(_ topic: String, _ offset: Int64 = 0, epoch: Int64 = -1) -> LogRecord {
    let epoch = topic == Topic.rejected ? max(0, epoch) : epoch
    return record(topic, offset, EpochMarker(epoch: epoch, owner: "ordermanager/a").encoded(), epoch: nil)
  }
}
