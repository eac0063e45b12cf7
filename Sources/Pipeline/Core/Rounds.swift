import Domain
import OrderManagerCore
import ReconcilerCore
import Venues
import Wire

/// Reconciler's comparisons of an account with a venue: the same steps in the same order as `Sources/Reconciler/App/Reconciliation`.
final class Rounds {
  private static let interval = 5 * Interval.second
  private unowned let process: ReconcilerProcess
  private let subject: Subject
  private var memory: AccountReconciliation?

  init(_ process: ReconcilerProcess, _ subject: Subject) {
    self.process = process
    self.subject = subject
  }

  /// A round after a while, and so on.
  func keepGoing(after delay: Int64 = Rounds.interval) {
    process.deliver(after: delay) { self.awaitLog { self.begin() } }
  }

  private func fail() {
    memory = nil
    keepGoing(after: Interval.second)
  }

  /// Goes on when all that lies in `executions` now is stored.
  private func awaitLog(_ done: @escaping () -> Void) {
    let world = process.world
    awaitStored(world.broker.end(Place(Topic.executions, process.partition)), until: world.now + 5 * Interval.second, done)
  }

  private func awaitStored(_ end: Int64, until deadline: Timestamp, _ done: @escaping () -> Void) {
    if process.storedUpTo >= end { return done() }
    guard process.world.now < deadline else { return fail() }
    process.deliver(after: 50 * Interval.millisecond) { self.awaitStored(end, until: deadline, done) }
  }

  private func begin() {
    let world = process.world
    guard world.now >= world.databaseDownUntil else { return fail() }
    let startedAt = process.wallClock
    let memory = memory ?? world.database.memory(of: subject, tradeOrder: world.venue(subject.venue).declaration.tradeOrder)
    let beginning = world.database.firstDecision(of: subject.account) ?? startedAt
    let round = memory.round(
      symbols: [World.symbol], beginning: memory.cursors.isEmpty ? beginning : startedAt, startedAt: startedAt,
      venueTime: world.venue(subject.venue).clock(world.now))
    go(on: round, memory)
  }

  private func go(on round: Round, _ memory: AccountReconciliation) {
    var round = round
    switch round.step {
    case .ask(let question):
      process.deliver(after: Interval.millisecond + process.world.upTo(10 * Interval.millisecond)) {
        guard let answer = self.ask(question) else { return self.fail() }
        self.process.deliver(after: self.process.world.upTo(10 * Interval.millisecond)) {
          round.take(answer)
          self.go(on: round, memory)
        }
      }
    case .consult(let question):
      awaitLog {
        guard self.process.world.now >= self.process.world.databaseDownUntil else { return self.fail() }
        round.take(self.process.world.database.answer(question, of: self.subject))
        self.go(on: round, memory)
      }
    case .finished: conclude(round, memory)
    }
  }

  /// What was seen is told before it is remembered.
  private func conclude(_ round: Round, _ memory: AccountReconciliation) {
    var memory = memory
    let conclusion = memory.conclude(round.evidence)
    let world = process.world
    if let observation = conclusion.observation {
      world.trace(
        "\(process) saw at \(subject.venue) \(observation.orders.count) orders, \(observation.fills.count) fills, "
          + "\(observation.missing) missing")
      process.perform { [process, subject] in
        let value = ExecutionRecord.observation(observation).encoded()
        let place = Place(Topic.executions, process.partition)
        process.produce(place, key: Array(subject.account.text.utf8), value: value, headers: RecordHeaders()) { _ in }
      }
    }
    process.perform { [self] in
      guard world.now >= world.databaseDownUntil else { return fail() }
      world.database.remember(memory)
      self.memory = memory
      keepGoing(after: conclusion.wantsNextRoundSoon ? Interval.second : Self.interval)
    }
  }

  /// The venue's answer; nil when it gives none.
  private func ask(_ question: VenueQuestion) -> VenueAnswer? {
    let venue = process.world.venue(subject.venue)
    let request = question.request(venueSymbol: venue.instrument.venueSymbol)
    return VenueAnswer(venue.look(request, subject.account, process.world))
  }
}
