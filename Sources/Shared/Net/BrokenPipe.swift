import Glibc

/// A peer that has gone must be an error of the write, not a signal that ends the process: OpenSSL inside libcurl and in our own sessions
/// writes without `MSG_NOSIGNAL`. Done once, before the first thread of this module starts.
let ignoreBrokenPipes: Void = {
  signal(SIGPIPE, SIG_IGN)
}()
