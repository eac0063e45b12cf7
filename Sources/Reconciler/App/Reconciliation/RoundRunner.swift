import Domain
import Kafka
import Postgres
import ReconcilerCore
import Runtime
import Venues
import Wire

/// The thread that compares each account of our partitions with its venues, every few seconds and at once when a partition comes.
/// It concludes nothing about orders: what it saw goes to `executions`, and OrderManager decides.
final class RoundRunner {
  private static let soonMilliseconds = 1_000
  private static let barrierMilliseconds = 5_000

  private let settings: ReconcilerSettings
  private let outbox: Outbox
  private let ownership: Ownership
  private let logger: Logger
  private let meters: ReconcilerMeters
  private let stop: Latch
  private let desks: [Venue: VenueDesk]
  private let log: KafkaReader

  private var store: ReconciliationStore?
  private var accounts: [AccountSchedule]
  private var nextTidying = Deadline(afterMilliseconds: 60_000)

  /// An account, what is remembered of it, and when it is its turn.
  private struct AccountSchedule {
    let subject: Subject
    let keys: any AccountData
    let desk: VenueDesk
    let partition: Int32
    /// Nil until read from the database, and again whenever the partition or the database was lost.
    var memory: AccountReconciliation?
    var next = Deadline(afterMilliseconds: 0)
    var backoff = Backoff(initialMilliseconds: 500, maximumMilliseconds: 30_000)
    var hasFailed = false
  }

  init(
    settings: ReconcilerSettings, outbox: Outbox, ownership: Ownership, metrics: Metrics, logger: Logger, stop: Latch
  ) throws {
    self.settings = settings
    self.outbox = outbox
    self.ownership = ownership
    self.logger = logger
    self.stop = stop
    meters = ReconcilerMeters(metrics)
    var desks: [Venue: VenueDesk] = [:]
    for (venue, endpoints) in settings.venue.endpoints {
      desks[venue] = try VenueDesk(venue, at: endpoints.rest, traffic: settings.venue.traffic, metrics: metrics, stop: stop)
    }
    self.desks = desks
    log = try KafkaReader(settings.kafka)
    accounts = settings.venue.accounts.compactMap { subject, keys in
      guard let desk = desks[subject.venue] else { return nil }
      let partition = Partitioner.partition(forKey: Array(subject.account.text.utf8), count: settings.accountPartitions)
      return AccountSchedule(subject: subject, keys: keys, desk: desk, partition: partition)
    }
  }

  func run() throws {
    defer { desks.values.forEach { $0.shutDown() } }
    while !stop.isSet {
      // Where not all can have their turn at once, whoever has waited the longest comes first.
      for index in accounts.indices.sorted(by: { accounts[$0].next.nanoseconds < accounts[$1].next.nanoseconds })
      where !stop.isSet {
        visit(&accounts[index])
      }
      tidy()
      stop.wait(timeoutMilliseconds: 50)
    }
  }

  private func visit(_ account: inout AccountSchedule) {
    guard ownership.owns(account.partition) else {
      account.memory = nil
      account.next = Deadline(afterMilliseconds: 0)
      return
    }
    guard account.next.isPast, account.desk.silenceMilliseconds == nil, account.desk.allowsRound else { return }
    let startedAt = wallClock()
    do {
      let conclusion = try account.desk.counted { try reconcile(&account, startedAt: startedAt) }
      account.backoff.reset()
      account.hasFailed = false
      let interval = settings.venue.intervalMilliseconds
      account.next = Deadline(
        afterMilliseconds: conclusion.wantsNextRoundSoon ? min(interval, Self.soonMilliseconds) : interval)
    } catch {
      fail(&account, startedAt: startedAt, error)
    }
  }

  private func reconcile(_ account: inout AccountSchedule, startedAt: Timestamp) throws -> AccountReconciliation.Conclusion {
    // Nothing is asked of the venue while the log has not been read as far as it goes.
    try awaitLog(account.partition)
    let store = try store ?? ReconciliationStore(url: settings.databaseURL)
    self.store = store
    let comparison = Comparison(deployment: settings.venue.deployment, tradeOrder: account.keys.tradeOrder)
    var memory = try account.memory ?? store.memory(of: account.subject, comparison: comparison)
    let isFirst = memory.cursors.isEmpty
    let beginning = isFirst ? try store.firstDecision(of: account.subject.account) ?? startedAt : startedAt
    let symbols = try account.desk.listed(settings.venue.symbols)
    var round = memory.round(
      symbols: symbols, beginning: beginning, startedAt: startedAt, venueTime: try account.desk.venueTime())
    while round.step != .finished {
      switch round.step {
      case .ask(let question):
        round.take(try account.desk.ask(question, account.subject.account, account.keys))
        boundary("reconciler.round.asked")
      case .consult(let question):
        try awaitLog(account.partition)
        round.take(try store.answer(question, of: account.subject))
      case .finished: break
      }
    }
    let conclusion = memory.conclude(round.evidence)
    let finishedAt = wallClock()
    // What was seen is told before it is remembered: after a crash in between it is seen and told again.
    publish(conclusion, memory, finishedAt: finishedAt)
    boundary("reconciler.round.told")
    try store.store(conclusion, memory, round.evidence, finishedAt: finishedAt)
    account.memory = memory
    return conclusion
  }

  /// Waits until all that lies on the partition of `executions` now is in the database.
  private func awaitLog(_ partition: Int32) throws {
    let end = try log.watermarks(Topic.executions, partition, timeoutMilliseconds: 2_000).high
    let deadline = Deadline(afterMilliseconds: Self.barrierMilliseconds)
    while !ownership.waitUntilStored(partition, upTo: end, timeoutMilliseconds: 100) {
      guard !stop.isSet, !deadline.isPast else { throw ProjectionFailure("the log has not been stored up to \(end) yet") }
    }
  }

  private func publish(_ conclusion: AccountReconciliation.Conclusion, _ memory: AccountReconciliation, finishedAt: Timestamp) {
    let account = memory.subject.account
    if let observation = conclusion.observation { outbox.send(observation) }
    for difference in conclusion.opened {
      outbox.raise(
        difference.severity, difference.name.code.rawValue,
        "\(memory.subject.venue) \(difference.name.subject): ours \(difference.ours), the venue's \(difference.venues).",
        account: account, clientOrderID: difference.clientOrderID)
    }
    if conclusion.balancesAccepted {
      outbox.raise(.info, "balance_accepted", "A balance moved outside of trading; it is the new beginning.", account: account)
    }
    for resolved in conclusion.resolved {
      meters.convergence.observe(nanoseconds: finishedAt - resolved.since)
      if resolved.name.code == .accountCannotTrade {
        outbox.raise(.info, "account_can_trade", "\(memory.subject.venue) lets the account trade again.", account: account)
      }
      logger.info(
        "a discrepancy is gone",
        [
          "account": .string(account.text), "code": .string(resolved.name.code.rawValue),
          "subject": .string(resolved.name.subject),
        ])
    }
    meters.rounds.add()
    meters.foreignTrades.add(Int64(conclusion.foreignTradeCount))
    meters.open(memory.subject).set(Int64(memory.open.count))
  }

  /// Forgets what it knew, waits longer from time to time, and says so once.
  private func fail(_ account: inout AccountSchedule, startedAt: Timestamp, _ error: any Error) {
    guard !stop.isSet else { return }
    var generator = SystemRandomNumberGenerator()
    meters.failures.add()
    account.memory = nil
    account.next = Deadline(
      afterMilliseconds: min(settings.venue.intervalMilliseconds, 200) + account.backoff.nextDelayMilliseconds(using: &generator))
    if let error = error as? PostgresError, error.isConnectionLost { store = nil }
    logger.warning(
      "a round could not be finished", ["account": .string(account.subject.account.text), "error": .init(describing: error)])
    if let error = error as? VenueDesk.Failure, !account.hasFailed {
      account.hasFailed = true
      outbox.raise(
        error.needsAlert ? .critical : .warning, "venue_unreachable",
        "\(account.subject.venue) does not answer as it should: \(error)", account: account.subject.account)
    }
    do {
      try store?.storeFailure(of: account.subject, startedAt: startedAt, finishedAt: wallClock(), reason: "\(error)")
    } catch {
      store = nil
    }
  }

  private func tidy() {
    guard nextTidying.isPast else { return }
    nextTidying = Deadline(afterMilliseconds: 3_600_000)
    do { try store?.forgetOldRounds() } catch {
      logger.warning("old rounds cannot be removed", ["error": .init(describing: error)])
    }
  }
}

/// What reconciliation counts.
struct ReconcilerMeters: Sendable {
  let rounds: Counter
  let failures: Counter
  let foreignTrades: Counter
  let convergence: Histogram
  private let metrics: Metrics

  init(_ metrics: Metrics) {
    self.metrics = metrics
    rounds = metrics.counter("apus_reconciler_rounds_total", help: "Comparisons with a venue that were finished")
    failures = metrics.counter("apus_reconciler_failed_rounds_total", help: "Comparisons that could not be finished")
    foreignTrades = metrics.counter("apus_reconciler_foreign_trades_total", help: "Trades on our accounts that are not ours")
    convergence = metrics.histogram(
      "apus_reconciler_converge_seconds", help: "Time from the first sight of a difference to the first round that agrees")
  }

  func open(_ subject: Subject) -> Gauge {
    metrics.gauge(
      "apus_reconciler_open_discrepancies", help: "Differences that were reported and are still there",
      labels: ["account": subject.account.text, "venue": subject.venue.text])
  }
}
