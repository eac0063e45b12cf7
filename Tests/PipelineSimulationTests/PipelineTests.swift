import PipelineSimulation
import Testing

/// The whole pipeline in virtual time. Many more runs are a matter of the program `Pipeline`.
@Suite struct PipelineTests {
  @Test func withoutFaultsEverythingHolds() {
    for seed in 1...10 as ClosedRange<UInt64> {
      let run = PipelineRun(seed: seed, faults: Faults())
      #expect(run.violations.isEmpty, "seed \(seed): \(run.violations.joined(separator: "; "))")
      #expect(run.submitted > 0 && run.accepted > 0)
    }
  }

  /// With every check of a debug build; the pipeline's own program runs thousands.
  @Test func withFaultsEverythingHolds() {
    var crashes = 0
    var stalls = 0
    var accepted = 0
    for seed in 1...50 as ClosedRange<UInt64> {
      let run = PipelineRun(seed: seed)
      #expect(run.violations.isEmpty, "seed \(seed): \(run.violations.joined(separator: "; "))")
      crashes += run.crashes
      stalls += run.stalls
      accepted += run.accepted
    }
    #expect(crashes > 75 && stalls > 30 && accepted > 150, "too little went wrong to prove anything")
  }

  /// The checks can fail: without a safeguard they find what it guards against.
  @Test(arguments: Mutation.allCases) func aMissingSafeguardIsNoticed(mutation: Mutation) {
    let found = (1...200 as ClosedRange<UInt64>).contains { !PipelineRun(seed: $0, mutation: mutation).violations.isEmpty }
    #expect(found, "nobody misses \(mutation.rawValue)")
  }

  @Test func theSameSeedIsTheSameRun() {
    let runs = (0..<2).map { _ in PipelineRun(seed: 7, isTracing: true).trace }
    #expect(runs[0] == runs[1] && runs[0].count > 50)
  }
}
