import CShim
import Glibc

/// An event counter of the kernel (`eventfd`) on which one thread waits for several sources at once: Kafka queues, bounded
/// queues, other threads. Any number of signals before a wait are one wake-up, so drain every source after each:
///
/// ```swift
/// consumer.attach(wakeup); producer.attach(wakeup)
/// while !stop.isSet {
///   wakeup.wait(timeoutMilliseconds: 100)
///   while let event = consumer.poll(timeoutMilliseconds: 0) { handle(event) }
///   for report in try producer.poll(timeoutMilliseconds: 0) { handle(report) }
/// }
/// ```
public final class Wakeup: Sendable {
  /// The descriptor; sources that only know descriptors write an 8-byte 1 to it.
  public let descriptor: Int32

  /// A counter that nobody has signalled.
  public init() throws(SystemError) {
    descriptor = apus_eventfd()
    guard descriptor >= 0 else { throw SystemError("eventfd") }
  }

  deinit { close(descriptor) }

  /// Wakes the waiter. Callable from any thread.
  public func signal() {
    // The only failure is a counter at its maximum, which is a signal already.
    var one: UInt64 = 1
    _ = write(descriptor, &one, 8)
  }

  /// Waits for a signal and consumes it; false when the time was over first.
  @discardableResult
  public func wait(timeoutMilliseconds: Int) -> Bool {
    var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&watched, 1, Int32(clamping: timeoutMilliseconds)) > 0 else { return false }
    var count: UInt64 = 0
    return read(descriptor, &count, 8) == 8
  }
}
