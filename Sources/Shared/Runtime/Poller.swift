import CShim
import Glibc

/// Descriptors that one thread waits on at once. The kernel keeps the list (`epoll`), so that a wait costs what has happened and not what is
/// watched. Watching may change from any thread, during a wait too.
public final class Poller: Sendable {
  /// What a descriptor is watched for. That its peer has gone, or an error, is told in any case.
  public struct Interest: OptionSet, Sendable {
    /// epoll's bits.
    public let rawValue: UInt32

    /// A set of epoll's bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// There is something to read, or to accept.
    public static let readable = Interest(rawValue: EPOLLIN.rawValue)
    /// There is room to write.
    public static let writable = Interest(rawValue: EPOLLOUT.rawValue)
    /// An error, or a peer that has gone: only ever told, never asked for.
    public static let failed = Interest(rawValue: EPOLLERR.rawValue | EPOLLHUP.rawValue)
  }

  /// Descriptors told of by one wait: as many as fit on the stack.
  private static let batch = 64
  private let descriptor: Int32

  /// Watches nothing yet.
  public init() throws(SystemError) {
    descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard descriptor >= 0 else { throw SystemError("epoll_create1") }
  }

  deinit { close(descriptor) }

  /// Begins to watch an open descriptor, which will be told of by `token`. Its close ends that.
  public func add(_ descriptor: Int32, token: UInt64, _ interest: Interest) {
    control(EPOLL_CTL_ADD, descriptor, token, interest)
  }

  /// Watches a descriptor for something else from now on; one that was closed meanwhile and opened anew is added.
  public func change(_ descriptor: Int32, token: UInt64, _ interest: Interest) {
    control(EPOLL_CTL_MOD, descriptor, token, interest)
  }

  /// Watches a descriptor no more; one that was closed is not watched anyway.
  public func remove(_ descriptor: Int32) { control(EPOLL_CTL_DEL, descriptor, 0, []) }

  /// Waits until something happens, at most so long (-1: for ever), and tells what, up to some dozens of descriptors. An interruption looks
  /// like the end of the time.
  public func wait(timeoutMilliseconds: Int32, _ body: (_ token: UInt64, _ happened: Interest) throws -> Void) throws {
    try withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: Self.batch) { events in
      let count = epoll_wait(descriptor, events.baseAddress, Int32(Self.batch), timeoutMilliseconds)
      guard count >= 0 || errno == EINTR else { throw SystemError("epoll_wait") }
      for index in 0..<max(0, Int(count)) { try body(events[index].data.u64, Interest(rawValue: events[index].events)) }
    }
  }

  private func control(_ operation: Int32, _ watched: Int32, _ token: UInt64, _ interest: Interest) {
    var event = epoll_event()
    event.events = interest.rawValue
    event.data.u64 = token
    guard epoll_ctl(descriptor, operation, watched, &event) != 0 else { return }
    switch (operation, errno) {
    case (EPOLL_CTL_MOD, ENOENT): control(EPOLL_CTL_ADD, watched, token, interest)
    case (EPOLL_CTL_DEL, ENOENT), (EPOLL_CTL_DEL, EBADF): break
    default: preconditionFailure("epoll takes any open descriptor, each once")
    }
  }
}
