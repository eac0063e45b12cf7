import CShim
import Glibc

/// A POSIX thread with a name that shows in `top -H` and a stack of a stated size.
public final class NamedThread: Sendable {
  /// The name as given; the kernel keeps its first 15 bytes.
  public let name: String
  private let finished = Latch()

  /// Starts a thread that runs `body` and ends with it.
  public init(_ name: String, stackBytes: Int = 8 << 20, body: @escaping @Sendable () -> Void) throws(SystemError) {
    self.name = name
    let finished = self.finished
    let start = Start(name: name) {
      body()
      finished.set()
    }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, stackBytes)
    // Detached: `finished` is what joiners wait for, which unlike pthread_join can time out and be asked more than once.
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    var thread = pthread_t()
    let boxed = Unmanaged.passRetained(start)
    let code = pthread_create(
      &thread, &attributes,
      { pointer in
        guard let pointer else { return nil }
        let start = Unmanaged<Start>.fromOpaque(pointer).takeRetainedValue()
        _ = apus_name_this_thread(String(decoding: start.name.utf8.prefix(15), as: UTF8.self))
        start.body()
        return nil
      }, boxed.toOpaque())
    guard code == 0 else {
      boxed.release()
      throw SystemError("start thread \(name)", code: code)
    }
  }

  /// True once the body has returned.
  public var isFinished: Bool { finished.isSet }

  /// Waits until the body has returned; false when the time is over first. nil waits for ever.
  @discardableResult
  public func join(timeoutMilliseconds: Int? = nil) -> Bool {
    finished.wait(timeoutMilliseconds: timeoutMilliseconds)
  }

  /// What the new thread needs, boxed for the trip through C.
  private final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }
}
