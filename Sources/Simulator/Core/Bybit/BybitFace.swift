import Domain
import Wire

/// Bybit v5: REST under `/v5`, public streams under `/v5/public/<category>`, private ones under `/v5/private`, all on one port.
///
/// An order, an amendment or a cancel is only accepted when it is answered; what became of it is told on the private streams.
public struct BybitFace: VenueFace {
  /// The venue's limits, and how long it takes for what it has accepted.
  public struct Limits: Sendable {
    /// Orders, amendments and cancels of an account in a second, each kind for itself.
    public var ordersPerSecond: Int64 = 20
    /// Requests of one address in five seconds.
    public var requestsPerFiveSeconds: Int64 = 600
    /// How far a buy's limit may be above the last price, and a sell's below it.
    public var priceBandBasisPoints: Int64 = 1_000
    /// Between accepting and matching, drawn evenly from this range of nanoseconds; the order of requests is kept.
    public var matchingDelayNanoseconds: ClosedRange<Int64> = 5 * Interval.millisecond...50 * Interval.millisecond

    /// The real venue's limits on requests; its price band differs by symbol (1 % for BTCUSDT) and is wide here.
    public init() {}
  }

  /// Refusals come after the acknowledgement.
  public var keepsRejectedOrders: Bool { true }

  let rules: BybitRules
  var limits: BybitRateLimits
  var queue: BybitQueue
  var sockets = VenueSockets<BybitSocket>()
  var books = BybitOrderBooks()
  var tickers = BybitTickerStreams()

  /// The venue with these limits.
  public init(limits: Limits = Limits()) {
    rules = BybitRules(priceBandBasisPoints: limits.priceBandBasisPoints)
    self.limits = BybitRateLimits(limits)
    queue = BybitQueue(delayNanoseconds: limits.matchingDelayNanoseconds)
  }

  /// Answers under the venue's limits, with its limit headers.
  public mutating func answer(_ request: WebRequest, _ world: inout World) -> WebReply {
    var quota: BybitRateLimits.Quota?
    var reply: WebReply
    do throws(BybitError) {
      reply = WebReply(body: BybitEnvelope.bytes(try route(request, &quota, &world), at: world.clock))
    } catch {
      reply = WebReply(status: error.status, body: error.body(at: world.clock))
    }
    reply.isAcknowledgement = BybitEndpoint(rawValue: request.subject)?.isTrading ?? false
    reply.headers.append((name: "content-type", value: "application/json; charset=utf-8"))
    if let quota {
      reply.headers.append((name: "x-bapi-limit", value: String(quota.limit)))
      reply.headers.append((name: "x-bapi-limit-status", value: String(max(0, quota.left))))
      reply.headers.append((name: "x-bapi-limit-reset-timestamp", value: String(quota.reset.milliseconds)))
    }
    return reply
  }

  /// The `result` of a request.
  private mutating func route(
    _ request: WebRequest, _ quota: inout BybitRateLimits.Quota?, _ world: inout World
  ) throws(BybitError) -> [UInt8] {
    try limits.admit(at: world.now)
    guard let endpoint = BybitEndpoint(rawValue: request.subject) else { throw .route }
    var json = JSONWriter(capacity: 4_096)
    if endpoint.isSigned {
      let client = try BybitSecurity.authenticate(request, world)
      quota = limits.spend(endpoint, of: client.index, at: world.now)
      if let quota, quota.left < 0 { throw .tooMany }
      let parameters =
        request.method == "GET" ? try BybitParameters(query: request.query) : try BybitParameters(body: request.body)
      if endpoint.isTrading {
        try trade(endpoint, client, parameters, &world, &json)
      } else {
        try BybitAccountData.answer(endpoint, client, parameters, &world, &json)
      }
    } else {
      try BybitMarketData.answer(endpoint, try BybitParameters(query: request.query), rules, world, &json)
    }
    return json.bytes
  }

  /// Carries out what was accepted, and sends what is due.
  public mutating func tick(_ world: inout World) {
    queue.carryOut(&world)
    books.flush(sockets, &world)
    tickers.flush(sockets, &world)
    closeIdleSockets(&world)
  }
}
