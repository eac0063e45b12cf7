import Domain
import Wire

/// RiskGate for one partition of `orders`: takes what happens, decides, and says what is to be done. The same events give the same
/// effects and the same state.
public struct RiskEngine: Sendable {
  let settings: RiskSettings
  /// The latest time of any event.
  var now = Timestamp.zero
  var market: Market
  var accounts = KeyedArray<Account, AccountState>()
  /// How far the inputs are in, and the outputs are known to be.
  public internal(set) var checkpoint = Checkpoint()
  /// True once orders may be approved.
  public private(set) var isReady = false
  /// Unknown fields of requests that were ignored.
  public private(set) var unknownFields: Int64 = 0
  /// A person was told that strangers write to `executions`.
  var hasToldOfStrangers = false
  /// Offsets on `orders` whose decision was found in the log at the take-over: they are not decided again.
  var decided: Set<Int64> = []
  /// Behind the last of those.
  var decidedEnd: Int64 = 0
  /// The offset on `orders` that is being decided.
  var deciding: Int64?
  /// The day that the accounts are in.
  var day: Int64 = 0
  var lastSnapshot = Timestamp.zero
  /// The checkpoint that was written last.
  var writtenCheckpoint = Checkpoint()
  var decisionsSinceSnapshot = 0
  var lastShown = Timestamp.zero
  var lastRefresh = Timestamp.zero

  /// An engine that knows nothing: cancels pass, everything else is refused until `ready`.
  public init(_ settings: RiskSettings) {
    self.settings = settings
    market = Market(stablecoins: settings.stablecoins)
  }

  /// Takes one event and appends what is to be done. `time` is when it was read; the core's time never goes back.
  public mutating func apply(_ event: consuming RiskEvent, at time: Timestamp, into effects: inout [RiskEffect]) {
    advance(to: time)
    switch consume event {
    case .order(let record): apply(record, into: &effects)
    case .execution(let payload, let source, let epoch):
      applyExecution(payload, source: source, epoch: epoch, into: &effects)
    case .book(let book): market.apply(book, at: now)
    case .instrument(let instrument): market.apply(instrument)
    case .control(let control, let source): apply(control, source: source, into: &effects)
    case .limits(let limits): apply(limits, into: &effects)
    case .acknowledged(let approved, let rejected):
      checkpoint.approved = max(checkpoint.approved, approved)
      checkpoint.rejected = max(checkpoint.rejected, rejected)
    case .ready: isReady = true
    case .tick: tick(into: &effects)
    case .flush: writeSnapshots(into: &effects)
    case .refresh:
      for index in accounts.indices {
        accounts[index].isShownChanged = true
        accounts[index].arePositionsChanged = true
      }
    }
  }

  /// Reading of `orders` begins at `offset`: everything before it has its outcome in the log.
  public mutating func beginReading(at offset: Int64) { checkpoint.orders = max(checkpoint.orders, offset) }

  /// Moves time on; the first event of a day fixes what each account's profit of that day is counted from.
  mutating func advance(to time: Timestamp) {
    now = max(now, time)
    guard now.day > day else { return }
    day = now.day
    for index in accounts.indices where accounts[index].day.day < day {
      let equity = equity(of: index)
      accounts[index].day = DayLoss(day: day)
      accounts[index].day.baseline = equity
      accounts[index].isChanged = true
      lastSnapshot = .zero
    }
  }

  /// Profit since midnight in dollars.
  mutating func dailyProfit(of account: Int) -> Money {
    Money(units: equity(of: account).units - accounts[account].day.baseline.units)
  }

  /// Realised and unrealised profit in dollars at the last marks.
  mutating func equity(of account: Int) -> Money {
    if !accounts[account].isValued(at: market.version) { accounts[account].value(in: market) }
    return accounts[account].valuation.equity
  }

  /// The account's state; nil when it is new and there is no room.
  mutating func position(of account: Account) -> Int? {
    if let known = accounts.position(of: account) { return known }
    guard accounts.count < RiskSettings.maximumAccounts else { return nil }
    return accounts.position(of: account, adding: AccountState(account: account, day: day))
  }

  /// The partition on which the account's records belong.
  func partition(of account: Account) -> Int32 {
    Partitioner.partition(forKey: account.text.utf8, count: settings.partitionCount)
  }

  func isOurs(_ account: Account) -> Bool { partition(of: account) == settings.partition }
}

// MARK: - Records on orders

extension RiskEngine {
  private mutating func apply(_ record: OrderRecord, into effects: inout [RiskEffect]) {
    checkpoint.orders = max(checkpoint.orders, record.source.offset + 1)
    guard decided.isEmpty || decided.remove(record.source.offset) == nil else { return }
    deciding = record.source.offset
    defer { deciding = nil }
    let origin = trustedOrigin(of: record)
    let source = origin?.wrappedValue ?? record.source
    switch record.reading {
    case .unreadable(let error): deadLetter(error, record, source, into: &effects)
    case .refused(let error, let account, let id):
      guard belongsHere(account, record, source, wasMoved: origin != nil, into: &effects) else { return }
      if error.code == .malformed || error.code == .unknownValue { deadLetter(error, record, source, into: &effects) }
      effects.append(.reject(rejection(Refusal(error), account, id ?? .derived(from: source), source)))
    case .request(let request, let unknown):
      unknownFields += Int64(unknown)
      let known = accounts.position(of: request.account)
      // Only accounts that belong here are known.
      guard known != nil || belongsHere(request.account, record, source, wasMoved: origin != nil, into: &effects) else { return }
      decide(request, record.content, known, source, into: &effects)
      decisionsSinceSnapshot += 1
      if decisionsSinceSnapshot >= settings.snapshotDecisions { writeSnapshots(into: &effects) }
    }
  }

  /// The origin that RiskGate itself wrote when it re-keyed the record. Anyone may write headers, so it must at least be possible.
  private mutating func trustedOrigin(of record: OrderRecord) -> Shared<RecordSource>? {
    guard let origin = record.origin, origin.topic == Topic.orders, origin.partition != settings.partition,
      (0..<settings.partitionCount).contains(origin.partition), origin.timestamp <= record.source.timestamp
    else { return nil }
    return origin
  }

  /// True on the right partition. A record without a key lands anywhere: it is moved once.
  private mutating func belongsHere(
    _ account: Account, _ record: OrderRecord, _ source: RecordSource, wasMoved: Bool, into effects: inout [RiskEffect]
  ) -> Bool {
    let right = partition(of: account)
    guard right != settings.partition else { return true }
    if wasMoved {
      let error = RecordError(.wrongPartition, "The record of \(account) belongs on partition \(right) and was moved already.")
      deadLetter(error, record, source, into: &effects)
    } else {
      effects.append(.rekey(account: account, partition: right, payload: record.payload ?? [], origin: source))
    }
    return false
  }

  private func deadLetter(_ error: RecordError, _ record: OrderRecord, _ source: RecordSource, into effects: inout [RiskEffect]) {
    effects.append(.deadLetter(DeadLetter(service: "riskgate", error: error, source: source, payload: record.payload)))
  }

  mutating func rejection(
    _ refusal: Refusal, _ account: Account, _ id: ClientOrderID, _ source: RecordSource, request: Shared<OrderRequest>? = nil,
    isDuplicate: Bool = false, figures: DecisionFigures = DecisionFigures()
  ) -> Rejection {
    let known = accounts.position(of: account)
    var figures = figures
    figures.executionsOffset = checkpoint.executions
    figures.ordersOffset = deciding
    return Rejection(
      account: account, clientOrderID: id, code: refusal.code, reason: refusal.sentence, request: request?.wrappedValue,
      controlVersion: known.map { accounts[$0].control.version } ?? 0,
      limitsVersion: known.map { accounts[$0].limits.version } ?? 0,
      decidedAt: now, source: source, isDuplicate: isDuplicate, figures: figures)
  }
}
