import Domain

/// One rate limit of a venue, as its documents state it.
public struct RateRule: Hashable, Sendable {
  /// Whom the venue counts.
  public enum Scope: Hashable, Sendable {
    /// Everything from one address.
    case address
    /// Everything of one account.
    case account
  }

  /// What the venue counts.
  public enum Counted: Hashable, Sendable {
    /// The weights of all requests.
    case weight
    /// Requests of one purpose.
    case requests(VenueRequest.Purpose)
    /// All requests.
    case allRequests
  }

  /// Tells the rule from the venue's others: part of metrics' names.
  public var name: String
  /// Whom it counts.
  public var scope: Scope
  /// What it counts.
  public var counted: Counted
  /// Its length, in nanoseconds.
  public var window: Int64
  /// The largest count within one window.
  public var limit: Int64

  /// A rule; window and limit are above zero.
  public init(name: String, scope: Scope, counted: Counted, window: Int64, limit: Int64) {
    precondition(window > 0 && limit > 0, "a rate rule has a window and a limit")
    self.name = name
    self.scope = scope
    self.counted = counted
    self.window = window
    self.limit = limit
  }

  /// What a request costs under this rule; zero when it is not counted.
  public func cost(of purpose: VenueRequest.Purpose, weight: Int64) -> Int64 {
    switch counted {
    case .weight: weight
    case .requests(let counted): counted == purpose ? 1 : 0
    case .allRequests: 1
    }
  }

  /// True when requests of several purposes count together, so that room must be left for the more urgent ones.
  var countsSeveralPurposes: Bool {
    if case .requests = counted { return false }
    return true
  }

  /// The part of the limit that one process may use, in per cent; at least 1 of the count. What changes an account's state comes from
  /// one process alone, which has all of a limit on that.
  public func share(percent: Int64) -> RateRule {
    if case .requests(let purpose) = counted, purpose.changesState { return self }
    var share = self
    share.limit = max(1, limit * percent / 100)
    return share
  }
}

/// What a venue's answer says of a rate limit.
public struct RateReading: Hashable, Sendable {
  /// The rule that it is about.
  public var rule: String
  /// Counted so far in the venue's current window, by whoever shares the limit.
  public var used: Int64
  /// The limit as the venue has it; nil where it does not say so.
  public var limit: Int64?
  /// Nanoseconds until that window is over, at the latest.
  public var remaining: Int64
  /// True when the window is the time before the answer, so that each answer stands for itself; false when windows follow one another,
  /// so that within one the count only grows.
  public var isRolling: Bool

  /// A reading.
  public init(rule: String, used: Int64, limit: Int64? = nil, remaining: Int64, isRolling: Bool = false) {
    self.rule = rule
    self.used = used
    self.limit = limit
    self.remaining = remaining
    self.isRolling = isRolling
  }
}

/// What goes first when there is not enough for all.
public enum TrafficClass: Int, CaseIterable, Comparable, Sendable {
  case cancels, orders, queries

  /// The class of a request.
  public init(_ purpose: VenueRequest.Purpose) {
    switch purpose {
    case .cancelOrder: self = .cancels
    case .placeOrder: self = .orders
    case .query, .marketData: self = .queries
    }
  }

  /// What of a shared limit the class may use up, in per cent: a fifth is left for cancels alone, another for cancels and orders.
  var portion: Int64 {
    switch self {
    case .cancels: 100
    case .orders: 80
    case .queries: 60
    }
  }

  /// More urgent comes first.
  public static func < (left: TrafficClass, right: TrafficClass) -> Bool { left.rawValue < right.rawValue }
}
