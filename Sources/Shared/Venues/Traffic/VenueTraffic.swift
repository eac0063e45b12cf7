import Domain

/// The gate that every request of this process to one venue passes: rate budgets of the address and of each account, the venue's wish
/// for silence, its circuit breaker, and bounded queues from which cancels go before orders and orders before questions.
///
/// A pure state machine over any clock that does not go back. The caller gives each request a number, carries out what the gate says,
/// and tells it how each request that was sent ended. Nothing waits for ever: a request is sent, or refused before its deadline.
public struct VenueTraffic: Sendable {
  /// A request that wants to go.
  public struct Request: Hashable, Sendable {
    /// The caller's number of it.
    public var number: UInt64
    /// Whose keys sign it; nil for public data.
    public var account: Account?
    /// What it is for.
    public var purpose: VenueRequest.Purpose
    /// What it costs.
    public var weight: Int64
    /// It must not go later.
    public var deadline: Timestamp

    /// A request.
    public init(number: UInt64, account: Account?, purpose: VenueRequest.Purpose, weight: Int64, deadline: Timestamp) {
      self.number = number
      self.account = account
      self.purpose = purpose
      self.weight = weight
      self.deadline = deadline
    }
  }

  /// Why a request is not sent. Certain: nothing of it has left.
  public enum Refusal: String, Sendable {
    /// As many of its class wait as may.
    case queueFull = "the local queue is full"
    /// The venue does not answer.
    case circuitOpen = "the venue's circuit is open"
    /// Its time passed while it waited for the rate budget.
    case tooLate = "the rate budget left no room in time"
  }

  /// What the caller does.
  public enum Effect: Hashable, Sendable {
    /// Send it now.
    case send(UInt64)
    /// Tell whoever asked that it was not sent.
    case refuse(UInt64, Refusal)
  }

  /// How a request that was sent ended.
  public struct Ending: Sendable {
    /// What it says about the venue's health.
    public var outcome: CircuitBreaker.Outcome
    /// The venue wants silence (429, 418, 403): for so long in nanoseconds, or for as long as we think right.
    public var silence: Silence?
    /// What the answer says of the limits.
    public var readings: [RateReading]

    /// An ending.
    public init(_ outcome: CircuitBreaker.Outcome, silence: Silence? = nil, readings: [RateReading] = []) {
      self.outcome = outcome
      self.silence = silence
      self.readings = readings
    }
  }

  /// Silence that a venue asks for.
  public struct Silence: Hashable, Sendable {
    /// Nanoseconds; nil when the venue names none.
    public var length: Int64?
    /// True when it is meant for the account's requests of this kind alone: its others, and everybody else's, may go on.
    public var isForPurposeAlone: Bool

    /// A wish for silence.
    public init(length: Int64?, isForPurposeAlone: Bool = false) {
      self.length = length
      self.isForPurposeAlone = isForPurposeAlone
    }
  }

  /// Requests of each class that may wait.
  public static let maximumWaiting = 1_024

  /// Requests of one class of an account.
  private struct AccountTraffic: Hashable {
    var account: Account
    var traffic: TrafficClass
  }

  private let rules: [RateRule]
  private let sharePercent: Int64
  private let asksOnly: Bool
  private var now = Timestamp(nanoseconds: .min)
  /// Of the address, in the order of the rules.
  private var addressBudgets: [RateBudget]
  private var accountBudgets: [Account: [RateBudget]] = [:]
  private var breaker: CircuitBreaker
  private var generator: SeededGenerator
  private var silentUntil = Timestamp(nanoseconds: .min)
  private var partlySilentUntil: [AccountTraffic: Timestamp] = [:]
  private var silences = Backoff(initialMilliseconds: 1_000, maximumMilliseconds: 120_000)
  private var waiting = [[Request]](repeating: [], count: TrafficClass.allCases.count)
  private var underWay: [UInt64: (request: Request, isProbe: Bool)] = [:]
  /// Requests that were not sent since the start.
  public private(set) var refused: Int64 = 0
  /// Answers since the start that wanted silence: too much was asked all the same, by us or by others.
  public private(set) var silencesWanted: Int64 = 0

  /// The prices of all requests since the start: how many nanoseconds the limits would want for them, one after another. Whoever asks
  /// again and again and takes that long for it never meets a limit.
  public private(set) var spentTime: Int64 = 0

  /// A gate for a venue with these rules, of which `sharePercent` is this process's; `asksOnly` says that it neither places nor cancels.
  public init(rules: [RateRule], sharePercent: Int64 = 100, asksOnly: Bool = false, seed: UInt64) {
    self.rules = rules
    self.sharePercent = sharePercent
    self.asksOnly = asksOnly
    addressBudgets = rules.filter { $0.scope == .address }.map {
      RateBudget($0, sharePercent: sharePercent, asksOnly: asksOnly)
    }
    breaker = CircuitBreaker(seed: seed)
    generator = SeededGenerator(seed: seed &+ 1)
  }

  /// Where the circuit breaker stands.
  public var circuit: CircuitBreaker.State { breaker.state }
  /// How often it has opened.
  public var openings: Int64 { breaker.openings }
  /// Requests that wait.
  public var waitingCount: Int { waiting.reduce(0) { $0 + $1.count } }
  /// Requests that were sent and have not ended.
  public var underWayCount: Int { underWay.count }
  /// Until then nothing goes, because the venue wants so; nil when it does not.
  public var silence: Timestamp? { silentUntil > now ? silentUntil : nil }
  /// True when the breaker would let a probe through and nothing waits that could be it: any cheap question will do.
  public var wantsProbe: Bool { breaker.probeAt.map { $0 <= now } == true && waitingCount == 0 && silence == nil }

  /// How much of each of the address's limits is used: ours of our share, and what the venue says of everybody's.
  public var usage: [(rule: String, used: Int64, limit: Int64, reported: Int64?)] {
    addressBudgets.map { ($0.rule.name, $0.used(at: now), $0.rule.limit, $0.reportedUse(at: now)) }
  }

  /// A request wants to go.
  public mutating func submit(_ request: Request, at time: Timestamp) -> [Effect] {
    now = max(now, time)
    let traffic = TrafficClass(request.purpose)
    if let refusal = refusal(of: request, traffic) {
      refused += 1
      return [.refuse(request.number, refusal)]
    }
    waiting[traffic.rawValue].append(request)
    return pump()
  }

  /// A request that was sent has ended.
  public mutating func end(_ number: UInt64, _ ending: Ending, at time: Timestamp) -> [Effect] {
    now = max(now, time)
    guard let (request, isProbe) = underWay.removeValue(forKey: number) else { return [] }
    settle(request)
    for reading in ending.readings { take(reading, of: request) }
    if let silence = ending.silence { be(silence, request) } else if ending.outcome == .success { silences.reset() }
    let wasClosed = breaker.state == .closed
    breaker.end(ending.outcome, wasProbe: isProbe, at: now)
    return (wasClosed && breaker.state != .closed ? refuseWaiting() : []) + pump()
  }

  /// Time has passed.
  public mutating func tick(at time: Timestamp) -> [Effect] {
    now = max(now, time)
    return waitingCount == 0 ? [] : pump()
  }

  /// When to call `tick` at the latest; nil while nothing waits.
  public var nextTick: Timestamp? {
    guard var next = waiting.joined().map(\.deadline).min() else { return nil }
    next = next + 1
    for budget in addressBudgets { next = min(next, budget.nextRelief(after: now)) }
    for budgets in accountBudgets.values {
      for budget in budgets { next = min(next, budget.nextRelief(after: now)) }
    }
    return [silence, breaker.probeAt].compactMap { $0 }.filter { $0 > now }.reduce(next, min)
  }

  // MARK: Who may go

  private func refusal(of request: Request, _ traffic: TrafficClass) -> Refusal? {
    // Cancels wait for the circuit: they are the first to go when it lets one through.
    if traffic != .cancels, !breaker.admits(at: now) { return .circuitOpen }
    return waiting[traffic.rawValue].count >= Self.maximumWaiting ? .queueFull : nil
  }

  private mutating func pump() -> [Effect] {
    var effects: [Effect] = []
    for traffic in TrafficClass.allCases { pump(traffic, into: &effects) }
    return effects
  }

  /// Sends what may go of one class, in order. Whoever is short of the address's budget holds up those behind, so that nothing large
  /// starves; an account that is short of its own holds up only itself.
  private mutating func pump(_ traffic: TrafficClass, into effects: inout [Effect]) {
    let queue = waiting[traffic.rawValue]
    guard !queue.isEmpty else { return }
    var left: [Request] = []
    var isHeld = false
    var heldAccounts: Set<Account> = []
    for request in queue {
      guard now <= request.deadline else {
        refused += 1
        effects.append(.refuse(request.number, .tooLate))
        continue
      }
      isHeld = isHeld || !addressAdmits(request, traffic)
      if let account = request.account, !isHeld, !heldAccounts.contains(account), !accountAdmits(account, request, traffic) {
        heldAccounts.insert(account)
      }
      if isHeld || request.account.map(heldAccounts.contains) == true {
        left.append(request)
      } else {
        start(request)
        effects.append(.send(request.number))
      }
    }
    waiting[traffic.rawValue] = left
  }

  private func addressAdmits(_ request: Request, _ traffic: TrafficClass) -> Bool {
    guard now >= silentUntil, breaker.admits(at: now) else { return false }
    return addressBudgets.allSatisfy { budget in
      budget.admits(budget.rule.cost(of: request.purpose, weight: request.weight), traffic, at: now)
    }
  }

  private func accountAdmits(_ account: Account, _ request: Request, _ traffic: TrafficClass) -> Bool {
    if let until = partlySilentUntil[AccountTraffic(account: account, traffic: traffic)], now < until { return false }
    return budgets(of: account).allSatisfy { budget in
      budget.admits(budget.rule.cost(of: request.purpose, weight: request.weight), traffic, at: now)
    }
  }

  private func budgets(of account: Account) -> [RateBudget] {
    accountBudgets[account]
      ?? rules.filter { $0.scope == .account }.map { RateBudget($0, sharePercent: sharePercent, asksOnly: asksOnly) }
  }

  // MARK: Beginning and end

  private mutating func start(_ request: Request) {
    underWay[request.number] = (request, breaker.begin())
    spentTime += price(of: request)
    for index in addressBudgets.indices {
      addressBudgets[index].spend(addressBudgets[index].rule.cost(of: request.purpose, weight: request.weight), at: now)
    }
    guard let account = request.account else { return }
    var budgets = budgets(of: account)
    for index in budgets.indices {
      budgets[index].spend(budgets[index].rule.cost(of: request.purpose, weight: request.weight), at: now)
    }
    accountBudgets[account] = budgets
  }

  /// By the limit that is the scarcest for it.
  private func price(of request: Request) -> Int64 {
    let budgets = addressBudgets + (request.account.map(budgets) ?? [])
    let prices = budgets.map { budget in
      budget.price(of: budget.rule.cost(of: request.purpose, weight: request.weight), TrafficClass(request.purpose))
    }
    return prices.max() ?? 0
  }

  private mutating func settle(_ request: Request) {
    for index in addressBudgets.indices {
      addressBudgets[index].settle(addressBudgets[index].rule.cost(of: request.purpose, weight: request.weight))
    }
    guard let account = request.account else { return }
    var budgets = budgets(of: account)
    for index in budgets.indices {
      budgets[index].settle(budgets[index].rule.cost(of: request.purpose, weight: request.weight))
    }
    accountBudgets[account] = budgets
  }

  private mutating func take(_ reading: RateReading, of request: Request) {
    for index in addressBudgets.indices where addressBudgets[index].rule.name == reading.rule {
      addressBudgets[index].take(reading, at: now)
    }
    guard let account = request.account else { return }
    var budgets = budgets(of: account)
    for index in budgets.indices where budgets[index].rule.name == reading.rule { budgets[index].take(reading, at: now) }
    accountBudgets[account] = budgets
  }

  private mutating func be(_ silence: Silence, _ request: Request) {
    silencesWanted += 1
    let ours = Int64(1_000 + silences.nextDelayMilliseconds(using: &generator)) * Interval.millisecond
    let until = now + (silence.length ?? ours)
    if silence.isForPurposeAlone, let account = request.account {
      let part = AccountTraffic(account: account, traffic: TrafficClass(request.purpose))
      partlySilentUntil[part] = max(until, partlySilentUntil[part] ?? until)
    } else {
      silentUntil = max(silentUntil, until)
    }
  }

  /// The circuit has opened: only cancels wait for it to close.
  private mutating func refuseWaiting() -> [Effect] {
    var effects: [Effect] = []
    for traffic in [TrafficClass.orders, .queries] {
      for request in waiting[traffic.rawValue] { effects.append(.refuse(request.number, .circuitOpen)) }
      refused += Int64(waiting[traffic.rawValue].count)
      waiting[traffic.rawValue] = []
    }
    return effects
  }
}
