import Domain

/// The venue's counters: requests of one address (all clients here come from one) in five seconds, and requests of an account to each
/// endpoint in a second.
struct BybitRateLimits: Sendable {
  /// What is left of an endpoint's limit, as the answer's headers tell it.
  struct Quota {
    let limit: Int64
    let left: Int64
    let reset: Timestamp
  }

  private struct Key: Hashable {
    let account: Int
    let endpoint: BybitEndpoint
  }

  private static let addressWindow = 5 * Interval.second
  private static let ban = 10 * Interval.minute

  private let limits: BybitFace.Limits
  private var address = CountingWindow()
  private var bannedUntil = Timestamp.zero
  private var endpoints: [Key: CountingWindow] = [:]

  init(_ limits: BybitFace.Limits) { self.limits = limits }

  /// Counts a request of the address, or refuses it: beyond the limit nothing is answered for ten minutes.
  mutating func admit(at now: Timestamp) throws(BybitError) {
    guard now >= bannedUntil else { throw .address }
    address.roll(to: now, length: Self.addressWindow)
    address.count += 1
    guard address.count > limits.requestsPerFiveSeconds else { return }
    bannedUntil = now + Self.ban
    throw .address
  }

  /// Counts a request of an account and gives what is left; nil where the endpoint has no limit. Below zero: the request is refused.
  mutating func spend(_ endpoint: BybitEndpoint, of account: Int, at now: Timestamp) -> Quota? {
    guard let limit = endpoint.limitPerSecond(orders: limits.ordersPerSecond) else { return nil }
    var window = endpoints[Key(account: account, endpoint: endpoint)] ?? CountingWindow()
    window.roll(to: now, length: Interval.second)
    window.count += 1
    endpoints[Key(account: account, endpoint: endpoint)] = window
    let end = Timestamp(nanoseconds: (window.index + 1) * Interval.second)
    return Quota(limit: limit, left: limit - window.count, reset: window.count > limit ? end : now)
  }
}
