import Glibc
import Runtime

/// What a process takes, read from `/proc`.
struct ProcessUsage {
  /// Processor time of its threads so far, in nanoseconds.
  let processorNanoseconds: Int64
  /// Memory that it holds, in bytes.
  let residentBytes: Int64

  init(of process: pid_t) throws {
    let threads = try listDirectory("/proc/\(process)/task")
    processorNanoseconds = threads.reduce(0) { sum, thread in
      // A thread may have ended meanwhile.
      let text = (try? readFile("/proc/\(process)/task/\(thread)/schedstat")).map { String(decoding: $0, as: UTF8.self) } ?? ""
      return sum + (text.split(separator: " ").first.flatMap { Int64($0) } ?? 0)
    }
    let status = String(decoding: try readFile("/proc/\(process)/status"), as: UTF8.self)
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    residentBytes =
      (line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int64($0) } ?? 0) * 1_024
  }
}

/// The part of one core in percent that each process takes while `body` runs.
func corePercent(of processes: [pid_t], during body: () throws -> Void) throws -> [Double] {
  let start = monotonicNanoseconds()
  let before = try processes.map { try ProcessUsage(of: $0).processorNanoseconds }
  try body()
  let after = try processes.map { try ProcessUsage(of: $0).processorNanoseconds }
  let elapsed = Double(monotonicNanoseconds() - start)
  return zip(before, after).map { Double($1 - $0) / elapsed * 100 }
}
