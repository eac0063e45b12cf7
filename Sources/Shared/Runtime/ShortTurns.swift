import CShim

/// How long the calling thread may stay on a processor while others want it, in nanoseconds; nil where the kernel does not tell.
public func turnNanoseconds() -> Int64? {
  let turn = apus_turn()
  return turn == 0 ? nil : Int64(clamping: turn)
}

/// Asks the kernel for short turns on a processor (0.1 ms), for the calling thread and those that it starts from then on; false where there are
/// none to be had. Linux 6.12 and later let a thread that wakes up run at once in place of one with longer turns, which else stays
/// for some milliseconds. Nobody gets more or less of the processor by it: this is for programs that do little at a time and whom others wait for.
@discardableResult
public func takeShortTurns() -> Bool {
  apus_set_turn(100_000) == 0 && turnNanoseconds() == 100_000
}
