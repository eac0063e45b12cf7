import Domain
import OrderManagerCore
import Runtime
import Venues

/// What other threads have for the shell's.
enum InboxEvent: Sendable {
  /// The end of a wire call of a partition's core; `generation` tells it from an earlier core's.
  case answered(partition: Int32, generation: UInt64, token: UInt64, AccountAnswer)
  /// A venue's clock was measured, or could not be.
  case clock(Venue, VenueClock?)
  /// The last price of a pair that converts fees.
  case price(Symbol, Price)
  /// Something on the private stream `number` of a route.
  case stream(Route, number: UInt64, PrivateStream.Event)
  /// Redis may be empty.
  case redisLost
}

/// A bounded queue toward the shell's thread. Nobody waits on it: what does not fit is refused, and the sender copes.
final class Inbox: Sendable {
  let wakeup: Wakeup
  private static let capacity = 16_384
  private let queue: BoundedQueue<InboxEvent>

  init() throws(SystemError) {
    wakeup = try Wakeup()
    queue = BoundedQueue(capacity: Self.capacity, wakeup: wakeup)
  }

  /// False when it is full. For streams it is full earlier: an answer that found no room would leave its order waiting for ever.
  @discardableResult
  func offer(_ event: InboxEvent) -> Bool {
    if case .stream = event, queue.count >= Self.capacity / 2 { return false }
    return queue.push(event, timeoutMilliseconds: 0) == .pushed
  }

  func takeAll() -> [InboxEvent] { queue.popAll() }
}
