import Glibc

/// SIGTERM and SIGINT as a latch; SIGPIPE ignored.
public enum Signals {
  /// Ignores SIGPIPE: writing to a peer that hung up is an error code, not a death.
  public static func ignoreBrokenPipes() {
    signal(SIGPIPE, SIG_IGN)
  }

  /// Blocks both signals in this thread and every thread started after, ignores SIGPIPE, and returns a latch that the first SIGTERM or SIGINT sets. The second ends the process at once with
  /// 128 + its number. Call it first thing in `main`, before any other thread exists.
  public static func install() throws(SystemError) -> Latch {
    ignoreBrokenPipes()
    var watched = sigset_t()
    sigemptyset(&watched)
    sigaddset(&watched, SIGTERM)
    sigaddset(&watched, SIGINT)
    let code = pthread_sigmask(SIG_BLOCK, &watched, nil)
    guard code == 0 else { throw SystemError("block signals", code: code) }
    let latch = Latch()
    let set = watched
    _ = try NamedThread("signals", stackBytes: 512 << 10) {
      while true {
        var set = set
        var number: Int32 = 0
        guard sigwait(&set, &number) == 0 else { continue }
        if latch.isSet { _exit(128 + number) }
        latch.set()
      }
    }
    return latch
  }
}
