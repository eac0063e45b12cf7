import Glibc

/// The process's environment.
func environment() -> [String: String] {
  var variables: [String: String] = [:]
  var entry = environ
  while let text = entry.pointee {
    let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
    entry += 1
  }
  return variables
}

/// Every connection and every segment takes a descriptor: as many as the system gives.
func raiseDescriptorLimit() {
  var limit = rlimit()
  guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
  limit.rlim_cur = limit.rlim_max
  setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}

/// Tells whoever started us where we listen; the file is whole when it appears.
func writePort(_ port: UInt16, to path: String) throws {
  let text = Array("\(port)\n".utf8)
  let descriptor = open(path + ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
  guard descriptor >= 0 else { throw PortFileError(path: path, code: errno) }
  let wrote = write(descriptor, text, text.count)
  close(descriptor)
  guard wrote == text.count, rename(path + ".new", path) == 0 else { throw PortFileError(path: path, code: errno) }
}

struct PortFileError: Error, CustomStringConvertible {
  var path: String
  var code: Int32
  var description: String { "port file \(path): \(String(cString: strerror(code)))" }
}

/// Calls `stop` on SIGTERM or SIGINT, from a thread that waits for nothing else.
func stopOnSignals(_ stop: @escaping @Sendable () -> Void) {
  signal(SIGPIPE, SIG_IGN)
  var signals = sigset_t()
  sigemptyset(&signals)
  sigaddset(&signals, SIGTERM)
  sigaddset(&signals, SIGINT)
  pthread_sigmask(SIG_BLOCK, &signals, nil)
  let context = Unmanaged.passRetained(StopContext(signals: signals, stop: stop)).toOpaque()
  var thread = pthread_t()
  pthread_create(
    &thread, nil,
    { raw in
      guard let raw else { return nil }
      let context = Unmanaged<StopContext>.fromOpaque(raw).takeRetainedValue()
      var received: Int32 = 0
      sigwait(&context.signals, &received)
      context.stop()
      return nil
    }, context)
  pthread_detach(thread)
}

private final class StopContext {
  var signals: sigset_t
  let stop: @Sendable () -> Void

  init(signals: sigset_t, stop: @escaping @Sendable () -> Void) {
    self.signals = signals
    self.stop = stop
  }
}
