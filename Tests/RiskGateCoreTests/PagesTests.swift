import Domain
import Testing

@testable import RiskGateCore

@Suite struct PagesTests {
  @Test func holdsWhatAnArrayHolds() {
    var generator = SeededGenerator(seed: 4)
    var pages = Pages<[UInt64]>()
    var model: [[UInt64]] = []
    for _ in 0..<3_000 {
      pages.append([generator.next()])
      model.append(pages[pages.count - 1])
      let index = Int(generator.next() % UInt64(model.count))
      let word = generator.next()
      pages[index].append(word)
      model[index].append(word)
    }
    #expect(pages.count == model.count)
    #expect(model.indices.allSatisfy { pages[$0] == model[$0] })
  }

  @Test func aCopyIsItsOwn() {
    var pages = Pages<Int>()
    for number in 0..<600 { pages.append(number) }
    let copy = pages
    pages[300] = 0
    pages.append(600)
    #expect(copy[300] == 300)
    #expect(copy.count == 600)
  }
}
