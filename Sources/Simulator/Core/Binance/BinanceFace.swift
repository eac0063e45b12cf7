import Domain
import Wire

/// Binance spot: REST under `/api/v3`, market streams under `/ws` and `/stream`, the WebSocket API with user data under `/ws-api/v3`,
/// all on one port.
public struct BinanceFace: VenueFace {
  /// The venue's limits on requests.
  public struct Limits: Sendable {
    /// Request weight in a minute.
    public var weightPerMinute: Int64 = 6_000
    /// Orders of an account in ten seconds.
    public var ordersPerTenSeconds: Int64 = 100
    /// Orders of an account in a day.
    public var ordersPerDay: Int64 = 200_000

    /// The real venue's limits.
    public init() {}
  }

  /// Refused orders leave no trace.
  public var keepsRejectedOrders: Bool { false }

  var limits: BinanceRateLimits
  var sockets = VenueSockets<BinanceSocket>()
  var depth: BinanceDepthStreams

  /// The venue with these limits. `depthIntervalNanoseconds` is the time between two diffs of the stream `@depth@100ms`: the real venue's
  /// 100 ms unless more load is wanted.
  public init(limits: Limits = Limits(), depthIntervalNanoseconds: Int64 = 100 * Interval.millisecond) {
    depth = BinanceDepthStreams(fastNanoseconds: depthIntervalNanoseconds)
    self.limits = BinanceRateLimits(
      BinanceRateLimits.Configuration(
        weightPerMinute: limits.weightPerMinute, ordersPerTenSeconds: limits.ordersPerTenSeconds,
        ordersPerDay: limits.ordersPerDay))
  }

  /// Answers under the venue's limits, with its weight headers.
  public mutating func answer(_ request: WebRequest, _ world: inout World) -> WebReply {
    var account: Int?
    var reply: WebReply
    do throws(BinanceError) {
      reply = try route(request, &account, &world)
    } catch {
      reply = WebReply(status: error.status, body: error.body)
      if let seconds = error.retryAfterSeconds { reply.headers.append((name: "retry-after", value: String(seconds))) }
    }
    reply.isAcknowledgement = BinanceEndpoint(rawValue: request.subject)?.isTrading ?? false
    reply.headers.append((name: "content-type", value: "application/json;charset=UTF-8"))
    reply.headers.append((name: "x-mbx-used-weight", value: String(limits.usedWeight)))
    reply.headers.append((name: "x-mbx-used-weight-1m", value: String(limits.usedWeight)))
    if request.subject == BinanceEndpoint.placeOrder.rawValue, reply.status == 200, let account {
      let counts = limits.orderCounts(of: account)
      reply.headers.append((name: "x-mbx-order-count-10s", value: String(counts.tenSeconds)))
      reply.headers.append((name: "x-mbx-order-count-1d", value: String(counts.day)))
    }
    return reply
  }

  private mutating func route(
    _ request: WebRequest, _ account: inout Int?, _ world: inout World
  ) throws(BinanceError) -> WebReply {
    let body = String(decoding: request.body, as: UTF8.self)
    var parameters = try BinanceParameters(query: request.query, body: body)
    guard let endpoint = BinanceEndpoint(rawValue: request.subject) else {
      try limits.spend(1, at: world.now)
      throw .unknownPath
    }
    try limits.spend(endpoint.weight(parameters), at: world.now)
    var json = JSONWriter(capacity: 4_096)
    if endpoint.isSigned {
      let client = try authenticate(request, body, &parameters, world)
      account = client.index
      try answer(endpoint, client, &parameters, &world, &json)
    } else {
      try BinanceMarketData.answer(endpoint, &parameters, world, limits.configuration, &json)
    }
    return WebReply(body: json.bytes)
  }

  private func authenticate(
    _ request: WebRequest, _ body: String, _ parameters: inout BinanceParameters, _ world: World
  ) throws(BinanceError) -> ClientAccount {
    let client = try BinanceSecurity.client(request.header("x-mbx-apikey"), world)
    let (payload, signature) = BinanceSecurity.signedPayload(query: request.query, body: body)
    try BinanceSecurity.verify(signature, over: payload, by: client)
    parameters.ignore(BinanceSecurity.signature)
    try BinanceSecurity.checkFreshness(&parameters, at: world.clock)
    return client
  }

  private mutating func answer(
    _ endpoint: BinanceEndpoint, _ client: ClientAccount, _ parameters: inout BinanceParameters, _ world: inout World,
    _ json: inout JSONWriter
  ) throws(BinanceError) {
    switch endpoint {
    case .placeOrder: try BinanceTrading.place(client, &parameters, &limits, &world, &json)
    case .testOrder: try BinanceTrading.test(client, &parameters, &world, &json)
    case .cancelOrder: try BinanceTrading.cancel(client, &parameters, &world, &json)
    case .cancelOpenOrders: try BinanceTrading.cancelAll(client, &parameters, &world, &json)
    case .orderRate:
      try parameters.finish()
      limits.appendOrderRate(of: client.index, to: &json)
    default: try BinanceAccountData.answer(endpoint, client, &parameters, &world, &json)
    }
  }
}

extension BinanceRateLimits {
  /// The limits as `exchangeInfo` lists them.
  static func append(_ configuration: Configuration, to json: inout JSONWriter) {
    json.beginArray()
    limit("REQUEST_WEIGHT", "MINUTE", 1, configuration.weightPerMinute, nil, &json)
    limit("ORDERS", "SECOND", 10, configuration.ordersPerTenSeconds, nil, &json)
    limit("ORDERS", "DAY", 1, configuration.ordersPerDay, nil, &json)
    json.endArray()
  }

  /// The weight limit with what is used of it, as the WebSocket API adds it to its answers.
  func appendWeight(to json: inout JSONWriter) {
    json.beginArray()
    Self.limit("REQUEST_WEIGHT", "MINUTE", 1, configuration.weightPerMinute, usedWeight, &json)
    json.endArray()
  }

  /// An account's order limits with what is used of them.
  func appendOrderRate(of account: Int, to json: inout JSONWriter) {
    let used = orderCounts(of: account)
    json.beginArray()
    Self.limit("ORDERS", "SECOND", 10, configuration.ordersPerTenSeconds, used.tenSeconds, &json)
    Self.limit("ORDERS", "DAY", 1, configuration.ordersPerDay, used.day, &json)
    json.endArray()
  }

  private static func limit(
    _ type: String, _ interval: String, _ number: Int64, _ limit: Int64, _ count: Int64?, _ json: inout JSONWriter
  ) {
    json.beginObject()
    json.member("rateLimitType", type)
    json.member("interval", interval)
    json.member("intervalNum", number)
    json.member("limit", limit)
    json.member("count", count)
    json.endObject()
  }
}
