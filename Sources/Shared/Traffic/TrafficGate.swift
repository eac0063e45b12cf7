import Domain
import Runtime
import Synchronization
import Venues

/// One venue's traffic gate for all threads of a process: keeps `VenueTraffic`, and sends or refuses when that says so. What it is given to
/// call runs on whichever thread made room, never under its lock; it must not block.
public final class TrafficGate: Sendable {
  /// Sends the request of this number; `ended` must follow.
  public typealias Send = @Sendable (UInt64) -> Void
  /// Hears that the request was not sent, and why.
  public typealias Refuse = @Sendable (VenueTraffic.Refusal) -> Void

  /// A question that has waited for so long (nanoseconds) is refused: whoever asked may want to ask something else by now.
  public static let longestQuestion = 5 * Interval.second

  private struct State: Sendable {
    var traffic: VenueTraffic
    var waiting: [UInt64: (send: Send, refuse: Refuse)] = [:]
    var next: UInt64 = 1
  }

  private let state: Mutex<State>

  /// A gate for a venue with these rules, of which `sharePercent` is this process's; `asksOnly` says that it neither places nor cancels.
  public init(_ venue: Venue, rules: [RateRule], sharePercent: Int64, asksOnly: Bool, metrics: Metrics) {
    let seed = UInt64(bitPattern: monotonicNanoseconds())
    state = Mutex(State(traffic: VenueTraffic(rules: rules, sharePercent: sharePercent, asksOnly: asksOnly, seed: seed)))
    show(venue.text, in: metrics)
  }

  /// A request wants to go, at the latest at `deadline` (monotonic nanoseconds).
  public func submit(
    account: Account?, purpose: VenueRequest.Purpose, weight: Int64, deadline: Int64, send: @escaping Send,
    refuse: @escaping Refuse
  ) {
    let now = monotonicNanoseconds()
    let isQuestion = TrafficClass(purpose) == .queries
    let latest = isQuestion ? min(deadline, now + Self.longestQuestion) : deadline
    change { state in
      let number = state.next
      state.next += 1
      state.waiting[number] = (send, refuse)
      return state.traffic.submit(
        VenueTraffic.Request(
          number: number, account: account, purpose: purpose, weight: weight, deadline: Timestamp(nanoseconds: latest)),
        at: Timestamp(nanoseconds: now))
    }
  }

  /// A request that was sent has ended.
  public func ended(_ number: UInt64, _ ending: VenueTraffic.Ending) {
    change { $0.traffic.end(number, ending, at: Timestamp(nanoseconds: monotonicNanoseconds())) }
  }

  /// Time has passed: to be called every few hundredths of a second.
  public func tick() {
    change { $0.traffic.tick(at: Timestamp(nanoseconds: monotonicNanoseconds())) }
  }

  /// How many nanoseconds the limits would want for all requests since the start, one after another.
  public var spentTime: Int64 { state.withLock { $0.traffic.spentTime } }

  /// True while the venue does not answer or wants silence.
  public var isCut: Bool { state.withLock { $0.traffic.circuit != .closed || $0.traffic.silence != nil } }

  /// True when the circuit breaker would let a probe through and nothing waits that could be it.
  public var wantsProbe: Bool { state.withLock { $0.traffic.wantsProbe } }

  /// What the gate looks like now, for people.
  public var view: View { state.withLock { View($0.traffic) } }

  /// A gate's state, for people.
  public struct View: Sendable {
    /// Where the circuit breaker stands.
    public let circuit: CircuitBreaker.State
    /// How often it has opened.
    public let openings: Int64
    /// Requests that wait.
    public let waiting: Int
    /// Requests under way.
    public let underWay: Int
    /// Requests that were not sent since the start.
    public let refused: Int64
    /// Answers since the start that wanted silence.
    public let silencesWanted: Int64
    /// Milliseconds of silence that the venue still wants.
    public let silenceMilliseconds: Int64
    /// How much of each of the address's limits is used.
    public let usage: [(rule: String, used: Int64, limit: Int64, reported: Int64?)]

    init(_ traffic: VenueTraffic) {
      circuit = traffic.circuit
      openings = traffic.openings
      waiting = traffic.waitingCount
      underWay = traffic.underWayCount
      refused = traffic.refused
      silencesWanted = traffic.silencesWanted
      let now = Timestamp(nanoseconds: monotonicNanoseconds())
      silenceMilliseconds = traffic.silence.map { max(0, $0 - now) / Interval.millisecond } ?? 0
      usage = traffic.usage
    }
  }

  private func change(_ body: (inout State) -> [VenueTraffic.Effect]) {
    let actions = state.withLock { state in
      body(&state).map { effect -> @Sendable () -> Void in
        switch effect {
        case .send(let number):
          let send = state.waiting.removeValue(forKey: number)?.send
          return { send?(number) }
        case .refuse(let number, let refusal):
          let refuse = state.waiting.removeValue(forKey: number)?.refuse
          return { refuse?(refusal) }
        }
      }
    }
    for action in actions { action() }
  }

  private func show(_ venue: String, in metrics: Metrics) {
    let figures: [(String, String, @Sendable (View) -> Int64)] = [
      (
        "circuit", "Circuit breaker: 0 closed, 1 half open, 2 open",
        { $0.circuit == .closed ? 0 : $0.circuit == .halfOpen ? 1 : 2 }
      ),
      ("circuit_openings", "How often the circuit breaker has opened", { $0.openings }),
      ("requests_waiting", "Requests that wait for the rate budget", { Int64($0.waiting) }),
      ("requests_refused", "Requests that were not sent", { $0.refused }),
      ("silences_wanted", "Answers that wanted silence", { $0.silencesWanted }),
      ("silence_milliseconds", "Silence that the venue still wants", { $0.silenceMilliseconds }),
    ]
    for (name, help, figure) in figures {
      metrics.gauge("apus_venue_\(name)", help: help, labels: ["venue": venue]) { [weak self] in self.map { figure($0.view) } ?? 0
      }
    }
    for (index, rule) in view.usage.enumerated() {
      let labels: KeyValuePairs = ["venue": venue, "rule": rule.rule]
      metrics.gauge("apus_venue_rate_used", help: "Used of this process's share of a rate limit", labels: labels) { [weak self] in
        self?.view.usage[index].used ?? 0
      }
      metrics.gauge("apus_venue_rate_limit", help: "This process's share of a rate limit", labels: labels) { rule.limit }
    }
  }
}
