import Domain

/// What may still be asked of a venue under one rule.
///
/// Counts what was sent in a sliding window a little longer than the venue's, so that no window of the venue, wherever it begins and
/// however requests are delayed on their way by up to a sixtieth of it, holds more than the limit. Beside that it heeds the venue's own
/// count, which has in it what others send: neither may pass the limit.
public struct RateBudget: Sendable {
  /// The rule, and how much of it is ours.
  public let rule: RateRule
  /// True in a process that has nothing more urgent than questions: of its own share it need not leave room.
  private let asksOnly: Bool
  /// The venue's limit for everybody together, as its documents have it.
  private let documentedLimit: Int64
  /// The limit that the venue named last.
  private var statedLimit: Int64?
  private var window: SlidingCount
  /// The venue's count when it was last heard, and what was sent since; counts until `reportedUntil`.
  private var reported: Int64 = 0
  private var reportedUntil = Timestamp(nanoseconds: .min)
  /// Sent and not answered: the venue's count may lack it.
  private var inFlight: Int64 = 0

  /// A budget of `sharePercent` of the rule, in a process that does or does not ask questions only.
  public init(_ rule: RateRule, sharePercent: Int64 = 100, asksOnly: Bool = false) {
    self.rule = rule.share(percent: sharePercent)
    self.asksOnly = asksOnly
    documentedLimit = rule.limit
    window = SlidingCount(window: rule.window)
  }

  /// What of our share is used up.
  public func used(at now: Timestamp) -> Int64 { window.total(at: now) }

  /// What the venue counts, as far as is known; nil when it has not said so for a window's length.
  public func reportedUse(at now: Timestamp) -> Int64? { now < reportedUntil ? reported : nil }

  /// True when something of this cost and class may go now.
  public func admits(_ cost: Int64, _ traffic: TrafficClass, at now: Timestamp) -> Bool {
    guard cost > 0 else { return true }
    let limits = limits(of: traffic)
    return window.total(at: now) + cost <= limits.ours && (now >= reportedUntil || reported + cost <= limits.everybodys)
  }

  /// How long (nanoseconds) the class must be content with something of this cost, if nothing of its part is to be used up.
  func price(of cost: Int64, _ traffic: TrafficClass) -> Int64 { rule.window / limits(of: traffic).ours * cost }

  private func limits(of traffic: TrafficClass) -> (ours: Int64, everybodys: Int64) {
    let portion = rule.countsSeveralPurposes ? traffic.portion : 100
    let venueLimit = min(documentedLimit, statedLimit ?? .max)
    return (max(1, min(rule.limit, venueLimit) * (asksOnly ? 100 : portion) / 100), max(1, venueLimit * portion / 100))
  }

  /// Something of this cost goes now.
  public mutating func spend(_ cost: Int64, at now: Timestamp) {
    window.add(cost, at: now)
    inFlight += cost
    if now < reportedUntil { reported += cost }
  }

  /// Something of this cost has been answered, or will never be.
  public mutating func settle(_ cost: Int64) { inFlight -= cost }

  /// The venue has said what it counts. Answers may overtake each other: within one window its count only grows.
  public mutating func take(_ reading: RateReading, at now: Timestamp) {
    statedLimit = reading.limit ?? statedLimit
    let count = reading.used + inFlight
    let until = now + reading.remaining
    let isSameWindow = !reading.isRolling && now < reportedUntil && until - reportedUntil < rule.window / 2
    reported = isSameWindow ? max(reported, count) : count
    reportedUntil = max(reportedUntil, until)
  }

  /// The next instant at which more may be admitted than now.
  public func nextRelief(after now: Timestamp) -> Timestamp {
    let own = window.nextRelief(after: now)
    return now < reportedUntil ? min(own, reportedUntil) : own
  }
}

/// A count over the last `window` nanoseconds in sixty steps; what falls out of it does so up to two steps late, never early.
struct SlidingCount: Sendable {
  private static let steps: Int64 = 60
  private let step: Int64
  private var counts = [Int64](repeating: 0, count: Int(steps) + 2)
  /// Number of the newest step since the clock's zero.
  private var newest: Int64 = -1
  private var sum: Int64 = 0

  init(window: Int64) { step = max(1, (window + Self.steps - 1) / Self.steps) }

  func total(at now: Timestamp) -> Int64 {
    leaving(at: now).reduce(sum) { $0 - counts[index($1)] }
  }

  mutating func add(_ amount: Int64, at now: Timestamp) {
    for number in leaving(at: now) {
      sum -= counts[index(number)]
      counts[index(number)] = 0
    }
    newest = max(newest, now.nanoseconds / step)
    counts[index(newest)] += amount
    sum += amount
  }

  /// The steps that have begun since the newest one, and so take the places of the oldest.
  private func leaving(at now: Timestamp) -> Range<Int64> {
    let current = max(newest, now.nanoseconds / step)
    return max(newest, current - Int64(counts.count)) + 1..<current + 1
  }

  func nextRelief(after now: Timestamp) -> Timestamp { Timestamp(nanoseconds: (now.nanoseconds / step + 1) * step) }

  private func index(_ number: Int64) -> Int {
    let count = Int64(counts.count)
    return Int(((number % count) + count) % count)
  }
}
