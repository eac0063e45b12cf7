import Domain
import OrderManagerCore

/// OrderManager's private stream at one venue, for its accounts there: it comes up after a while, brings what the venue says in its order,
/// and may break.
final class PrivateStream {
  let venue: Venue
  private unowned let process: OrderManagerProcess
  private var isConnected = false
  /// What belongs to an earlier connection does not count.
  private var connection = 0
  private var lastEvent = Timestamp.zero

  init(_ process: OrderManagerProcess, _ venue: Venue) {
    self.process = process
    self.venue = venue
  }

  func connect() {
    connection += 1
    let number = connection
    process.deliver(after: process.world.upTo(200 * Interval.millisecond)) {
      guard number == self.connection else { return }
      self.set(true)
    }
    breakSometime(number)
  }

  /// The process has gone.
  func close() { connection += 1 }

  private func set(_ isConnected: Bool) {
    self.isConnected = isConnected
    for account in process.world.accounts(of: process.partition) { process.connected(Route(account, venue), isConnected) }
  }

  private func breakSometime(_ number: Int) {
    process.deliver(after: Interval.second) {
      guard number == self.connection else { return }
      let world = self.process.world
      guard world.chance(world.faults.disconnect) else { return self.breakSometime(number) }
      world.trace("\(self.process) loses its private stream at \(self.venue)")
      self.connection += 1
      if self.isConnected { self.set(false) }
      self.process.deliver(after: world.upTo(2 * Interval.second)) { self.connect() }
    }
  }

  /// Brings what the venue says, late or at once.
  func hear(_ say: @escaping () -> Void) {
    guard isConnected else { return }
    let number = connection
    let world = process.world
    let isLate = world.chance(0.05)
    let at = max(lastEvent, world.now + world.upTo((isLate ? 500 : 20) * Interval.millisecond))
    lastEvent = at
    process.deliver(after: at - world.now) { if number == self.connection { say() } }
  }
}
