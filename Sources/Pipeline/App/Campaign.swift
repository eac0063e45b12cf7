import Glibc
import PipelineSimulation
import Synchronization

/// Many runs on several threads.
final class Campaign: Sendable {
  private struct Totals {
    var runs = 0
    var submitted = 0
    var accepted = 0
    var crashes = 0
    var stalls = 0
    var handOvers = 0
    var failed: [UInt64] = []
  }

  private let arguments: PipelineArguments
  private let next = Atomic<Int>(0)
  private let totals = Mutex(Totals())
  private static let maximumFailures = 20

  init(_ arguments: PipelineArguments) { self.arguments = arguments }

  /// The process's exit code: 1 when something did not hold. With a mutation, that is what is wanted: then 1 when nothing was found.
  func run() -> Int32 {
    let threads = (0..<min(arguments.threads, arguments.runs)).map { _ in start() }
    for thread in threads { pthread_join(thread, nil) }
    return totals.withLock { totals in
      print(
        "\(totals.runs) runs, \(totals.submitted) orders, \(totals.accepted) at the venue, \(totals.crashes) crashes, "
          + "\(totals.stalls) stalls, \(totals.handOvers) hand-overs: \(totals.failed.count) runs with a violation")
      let hasFailed = !totals.failed.isEmpty
      return hasFailed == (arguments.mutation != nil) ? 0 : 1
    }
  }

  private func start() -> pthread_t {
    var thread = pthread_t()
    let campaign = Unmanaged.passRetained(self)
    let result = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        Unmanaged<Campaign>.fromOpaque(context).takeRetainedValue().work()
        return nil
      }, campaign.toOpaque())
    precondition(result == 0, "a thread can be started")
    return thread
  }

  private func work() {
    while true {
      let index = next.add(1, ordering: .relaxed).oldValue
      guard index < arguments.runs, !isEnough else { return }
      let seed = arguments.from + UInt64(index)
      note(PipelineRun(seed: seed, mutation: arguments.mutation, isTracing: arguments.isTracing))
    }
  }

  /// A mutation is caught by its first violation; elsewhere a handful is enough to work on.
  private var isEnough: Bool {
    totals.withLock { $0.failed.count >= (arguments.mutation == nil ? Self.maximumFailures : 1) }
  }

  private func note(_ run: PipelineRun) {
    totals.withLock { totals in
      totals.runs += 1
      totals.submitted += run.submitted
      totals.accepted += run.accepted
      totals.crashes += run.crashes
      totals.stalls += run.stalls
      totals.handOvers += run.handOvers
      if !run.violations.isEmpty { totals.failed.append(run.seed) }
      guard !run.violations.isEmpty || arguments.isTracing else { return }
      let mutation = arguments.mutation.map { " --mutation \($0.rawValue)" } ?? ""
      let replay = "Pipeline --runs 1 --from \(run.seed) --threads 1\(mutation) --trace"
      print(
        (run.trace + ["seed \(run.seed):"] + run.violations.map { "  \($0)" } + ["  again: \(replay)"]).joined(separator: "\n"))
    }
  }

  private func print(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }
}
