import PipelineSimulation
import Testing

@Suite struct PipelineTests {
  @Test func withoutFaultsEverythingHolds() {
    for seed in 1...10 as ClosedRange<UInt64> {
      let run = PipelineRun(seed: seed, faults: Faults())
      #expect(run.violations.isEmpty, "seed \(seed): \(run.violations.joined(separator: "; "))")
      #expect(run.submitted > 0 && run.accepted > 0)
    }
  }
}
