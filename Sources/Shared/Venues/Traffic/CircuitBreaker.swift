import Domain

/// Keeps us from asking a venue that does not answer: opens after some failures in a row, lets one probe through after a while, closes
/// when a probe succeeds. Pure: the jitter comes from a seed, the time from the caller.
public struct CircuitBreaker: Sendable {
  /// Where it stands.
  public enum State: String, Sendable, CaseIterable {
    /// Everything goes.
    case closed
    /// Nothing goes.
    case open
    /// One probe is out.
    case halfOpen = "half_open"
  }

  /// How a request ended, as far as the venue's health is concerned.
  public enum Outcome: Sendable {
    /// The venue answered, be it with a refusal.
    case success
    /// No connection, no answer, or one that says that the venue is out of order.
    case failure
    /// Nothing that says anything about the venue.
    case nothing
  }

  /// Failures in a row that open it.
  public static let threshold = 3

  /// Where it stands.
  public private(set) var state = State.closed
  /// How often it has opened, probes that failed included.
  public private(set) var openings: Int64 = 0
  private var failures = 0
  private var retryAt = Timestamp.zero
  private var backoff: Backoff
  private var generator: SeededGenerator

  /// Closed. The first probe comes within `initialMilliseconds` of the opening; the bound doubles with each probe that fails, up to
  /// `maximumMilliseconds`, and the delay is uniform below it.
  public init(seed: UInt64, initialMilliseconds: Int = 1_000, maximumMilliseconds: Int = 30_000) {
    generator = SeededGenerator(seed: seed)
    backoff = Backoff(initialMilliseconds: initialMilliseconds, maximumMilliseconds: maximumMilliseconds)
  }

  /// True when a request may go now; while it is not closed that request is the probe.
  public func admits(at now: Timestamp) -> Bool {
    switch state {
    case .closed: true
    case .open: now >= retryAt
    case .halfOpen: false
    }
  }

  /// When a probe may go; nil while closed, or while one is out.
  public var probeAt: Timestamp? { state == .open ? retryAt : nil }

  /// A request goes that `admits` has let through; true when it is the probe.
  public mutating func begin() -> Bool {
    guard state == .open else { return false }
    state = .halfOpen
    return true
  }

  /// A request has ended. Requests that went before the opening say nothing about what came after it.
  public mutating func end(_ outcome: Outcome, wasProbe: Bool, at now: Timestamp) {
    if wasProbe {
      guard state == .halfOpen else { return }
      switch outcome {
      case .success: close()
      case .failure: open(at: now)
      case .nothing: state = .open  // Another may try at once.
      }
    } else if state == .closed {
      switch outcome {
      case .success: failures = 0
      case .failure:
        failures += 1
        if failures >= Self.threshold { open(at: now) }
      case .nothing: break
      }
    }
  }

  private mutating func open(at now: Timestamp) {
    state = .open
    openings += 1
    retryAt = now + Int64(backoff.nextDelayMilliseconds(using: &generator)) * Interval.millisecond
  }

  private mutating func close() {
    state = .closed
    failures = 0
    backoff.reset()
  }
}
