import CCurl
import CShim
import Glibc
import Runtime

/// Drives libcurl's transfers, from any thread under one lock. `begin` goes as far as it can at once; what then waits for a socket or a time
/// is taken further by the thread that calls `wait`.
final class HTTPDriver: Sendable {
  /// A request that has ended, and whose it was.
  struct Ended: Sendable {
    let submission: HTTPClient.Submission
    let completion: HTTPCompletion
  }

  private let transfers: Monitor<CurlTransfers>
  private let poller: Poller
  private let timer: Timer
  private let wakeup: Wakeup

  /// What the poller calls the wake-up and the timer; sockets go by their descriptors.
  private static let wakeupToken = UInt64.max
  private static let timerToken = UInt64.max - 1

  init(_ configuration: HTTPClient.Configuration) throws {
    poller = try Poller()
    timer = try Timer()
    wakeup = try Wakeup()
    poller.add(wakeup.descriptor, token: Self.wakeupToken, .readable)
    poller.add(timer.descriptor, token: Self.timerToken, .readable)
    transfers = Monitor(try CurlTransfers(configuration, poller: poller, timer: timer))
  }

  /// Begins a request: on a connection that stands its bytes have left when this returns.
  func begin(_ submission: HTTPClient.Submission) {
    let hasEnded = transfers.withLock { transfers in
      transfers.begin(submission)
      return !transfers.ended.isEmpty
    }
    if hasEnded { wakeup.signal() }
  }

  /// What has ended since the last call.
  func takeEnded() -> [Ended] {
    transfers.withLock { transfers in
      defer { transfers.ended.removeAll() }
      return transfers.ended
    }
  }

  /// Ends everything under way, and whatever is begun from now on.
  func endAll() -> [Ended] {
    transfers.withLock { $0.endAll() }
    return takeEnded()
  }

  /// Waits for sockets, times and `wakeUp`, at most so long (-1: for ever), and drives what they concern.
  func wait(timeoutMilliseconds: Int32) {
    do {
      try poller.wait(timeoutMilliseconds: timeoutMilliseconds) { token, happened in
        switch token {
        case Self.wakeupToken: wakeup.wait(timeoutMilliseconds: 0)
        case Self.timerToken: transfers.withLock { $0.timeHasCome() }
        default: transfers.withLock { $0.socketIsReady(Int32(truncatingIfNeeded: token), happened) }
        }
      }
    } catch {
      preconditionFailure("an open poller can be waited on: \(error)")
    }
  }

  /// Ends a `wait`, from any thread.
  func wakeUp() { wakeup.signal() }
}

/// An alarm that shows as a readable descriptor (`timerfd`).
final class Timer: Sendable {
  let descriptor: Int32

  init() throws(SystemError) {
    descriptor = timerfd_create(CLOCK_MONOTONIC, Int32(TFD_NONBLOCK | TFD_CLOEXEC))
    guard descriptor >= 0 else { throw SystemError("timerfd_create") }
  }

  deinit { close(descriptor) }

  /// Goes off at `instant` (monotonic nanoseconds) and at no other.
  func set(_ instant: Int64) {
    // Zero would mean never.
    let instant = max(1, instant)
    var time = itimerspec()
    time.it_value = timespec(tv_sec: Int(instant / 1_000_000_000), tv_nsec: Int(instant % 1_000_000_000))
    timerfd_settime(descriptor, Int32(TFD_TIMER_ABSTIME), &time, nil)
  }

  /// Has gone off, and is heard.
  func reset() {
    var count: UInt64 = 0
    _ = read(descriptor, &count, 8)
  }
}
