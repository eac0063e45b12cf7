import Glibc
import Synchronization

/// The life of a program: start its parts in order, run until a signal or the death of a part, stop the parts in reverse order.
///
/// ```swift
/// var configuration = Configuration.ofProcess()
/// let logger = Logger(service: "RiskGate", configuration: &configuration)
/// configuration.finish(program: "RiskGate")
/// let service = try Service(logger: logger)
/// service.add("health") {
///   let server = try HealthServer(…)
///   return { server.shutDown() }
/// }
/// service.addThread("core") { stop in while !stop.isSet { … } }
/// exit(service.run())
/// ```
///
/// Parts added first stop last: add what others need (producers, writers, the health server) before what needs it.
public final class Service: Sendable {
  /// The time in which all parts must have stopped after a signal, in milliseconds.
  public static let stopMilliseconds = 5_000

  private struct Part: Sendable {
    let name: String
    let start: @Sendable () throws -> Void
    /// Gets the milliseconds that are left; false when the part did not stop in them.
    let stop: @Sendable (Int) -> Bool
  }

  /// Set when the program must end: by SIGTERM or SIGINT, by a part that died, or by whoever wants to end it.
  public let shutdown: Latch
  private let logger: Logger
  private let parts = Mutex<[Part]>([])
  private let failure = Mutex<String?>(nil)

  /// Takes over SIGTERM and SIGINT unless a latch is given. Call it before any other thread exists. `isPrompt` is for a program that others
  /// wait for at every record: all its threads take short turns on the processors.
  public init(logger: Logger, isPrompt: Bool = false, shutdown: Latch? = nil) throws(SystemError) {
    self.logger = logger
    if isPrompt, !takeShortTurns() { logger.debug("this kernel gives no short turns: busy neighbours delay records") }
    if let shutdown { self.shutdown = shutdown } else { self.shutdown = try Signals.install() }
  }

  /// Adds a part that runs by itself between `start` and `stop`. `stop` must return within a second or so.
  public func add(
    _ name: String, start: @escaping @Sendable () throws -> Void, stop: @escaping @Sendable () -> Void
  ) {
    append(
      Part(
        name: name, start: start,
        stop: { _ in
          stop()
          return true
        }))
  }

  /// Adds a part that runs by itself from its start, which gives the way to stop it. The stop must return within a second or so.
  public func add(_ name: String, start: @escaping @Sendable () throws -> @Sendable () -> Void) {
    let running = Cell<@Sendable () -> Void>()
    add(name, start: { running.set(try start()) }, stop: { running.value?() })
  }

  /// Adds a thread. `body` returns soon after its latch is set; `wake` is called right after that, to end a blocking wait.
  /// A body that returns or throws before is a failure: the whole program stops with a code other than 0, so that its
  /// supervisor starts it afresh.
  public func addThread(
    _ name: String, stackBytes: Int = 8 << 20, wake: @escaping @Sendable () -> Void = {},
    body: @escaping @Sendable (_ stop: Latch) throws -> Void
  ) {
    let stop = Latch()
    let thread = Cell<NamedThread>()
    append(
      Part(
        name: name,
        start: { [self] in
          let started = try NamedThread(name, stackBytes: stackBytes) {
            do {
              try body(stop)
              if !stop.isSet { self.fail("thread \(name) ended by itself") }
            } catch {
              self.fail("thread \(name) failed: \(error)")
            }
          }
          thread.set(started)
        },
        stop: { milliseconds in
          stop.set()
          wake()
          return thread.value?.join(timeoutMilliseconds: milliseconds) ?? true
        }))
  }

  /// Ends the program with a code other than 0, from any thread.
  public func fail(_ reason: String) {
    let isFirst = failure.withLock { failure in
      defer { failure = failure ?? reason }
      return failure == nil
    }
    if isFirst { logger.critical(reason) }
    shutdown.set()
  }

  /// Starts the parts, waits for the end, stops them in reverse order, and returns the exit code: 0 after a signal, 70 after a
  /// failure, 75 when a part did not stop within five seconds.
  public func run() -> Int32 {
    let parts = parts.withLock { $0 }
    var started: [Part] = []
    for part in parts where !shutdown.isSet {
      do {
        try part.start()
        started.append(part)
      } catch {
        fail("\(part.name) did not start: \(error)")
      }
    }
    if !shutdown.isSet { logger.info("started") }
    shutdown.wait()
    logger.info("stopping")
    let deadline = Deadline(afterMilliseconds: Service.stopMilliseconds)
    for part in started.reversed() {
      guard part.stop(Int(deadline.remainingMilliseconds)) else {
        logger.critical("\(part.name) did not stop in time")
        return 75
      }
    }
    let failed = failure.withLock { $0 } != nil
    logger.info("stopped")
    return failed ? 70 : 0
  }

  private func append(_ part: Part) {
    parts.withLock { $0.append(part) }
  }
}

/// Where the start of a part leaves what its stop needs.
private final class Cell<Value: Sendable>: Sendable {
  private let stored = Mutex<Value?>(nil)

  var value: Value? { stored.withLock { $0 } }
  func set(_ value: Value) { stored.withLock { $0 = value } }
}
