import Domain
import Testing
import Wire

/// What may be committed is what is done from the beginning without a gap.
@Suite struct InputProgressTests {
  @Test(arguments: 0..<20 as Range<UInt64>)
  func theSlowModelAgrees(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let start = Int64(random.next() % 100)
    var progress = InputProgress(from: start)
    var open: [Int64: Int] = [:]
    var next = start
    for step in 0..<1_500 {
      switch random.next() % 5 {
      case 0, 1:
        let offset = next + Int64(random.next() % 3)
        let isNew = progress.begin(offset)
        #expect(isNew, "seed \(seed), step \(step)")
        open[offset] = 1
        next = offset + 1
      case 2:
        let isNew = progress.begin(next - 1 - Int64(random.next() % 5))
        #expect(!isNew, "seed \(seed): a record came twice")
      default:
        guard let oldest = open.keys.min() else { continue }
        // Mostly the oldest; now and then one that overtakes.
        let chosen = random.next() % 3 == 0 ? open.keys.sorted().randomElement(using: &random) ?? oldest : oldest
        if random.next() % 4 == 0 {
          progress.add(chosen)
          open[chosen, default: 0] += 1
        } else {
          progress.finish(chosen)
          let left = (open[chosen] ?? 1) - 1
          open[chosen] = left == 0 ? nil : left
        }
      }
      #expect(progress.committable == open.keys.min() ?? next, "seed \(seed), step \(step)")
    }
    #expect(progress.next == next)
  }
}
