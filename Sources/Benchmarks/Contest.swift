import Glibc
import Measuring
import Runtime

/// What one run took, and what came out: who does less work shall not win by it.
struct Sample {
  /// Time of the thread on a processor, in nanoseconds: neighbours on the same machine hardly show in it.
  let nanoseconds: Int64
  let result: UInt64

  /// Runs the work once.
  init(_ work: () throws -> UInt64) rethrows {
    let start = threadNanoseconds()
    result = try work()
    nanoseconds = threadNanoseconds() - start
  }

  init(nanoseconds: Int64, result: UInt64) {
    self.nanoseconds = nanoseconds
    self.result = result
  }
}

/// One piece of work, done by the project and by the least program that does it too, turn by turn.
struct Contest {
  /// They did not do the same.
  struct Disagreement: Error, CustomStringConvertible {
    let description: String
  }

  let name: String
  let unit: String
  /// How many are done in a run.
  let operations: Int
  var target: Line.Target?
  /// False where the results cannot be the same.
  var comparesResults = true
  let floor: () throws -> Sample
  let ours: () throws -> Sample

  /// Runs both once for warmth, then by turns.
  func run(_ options: Options) throws -> Line {
    var floors: [Double] = []
    var times: [Double] = []
    for run in 0...options.runs {
      let (least, own) = (try floor(), try ours())
      guard !comparesResults || least.result == own.result else {
        throw Disagreement(description: "\(name): the floor comes to \(least.result), the project to \(own.result)")
      }
      guard run > 0 else { continue }
      floors.append(Double(least.nanoseconds) / Double(operations))
      times.append(Double(own.nanoseconds) / Double(operations))
    }
    return Line(name, unit: unit, target: target, ours: times, floor: floors)
  }
}

/// Processor time of the calling thread.
func threadNanoseconds() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
