import Domain
import Testing

@Suite struct SharedTests {
  private struct Order: Hashable {
    var name: String
    var tags: [String] = []
  }

  private struct Letter: Hashable {
    @Shared var order: Order
    var number = 1
  }

  @Test func whoeverChangesItChangesHisOwn() {
    let first = Letter(order: Order(name: "a"))
    var second = first
    #expect(second == first)
    second.order.tags.append("new")
    #expect(first.order.tags.isEmpty)
    #expect(second.order == Order(name: "a", tags: ["new"]))
    #expect(second != first)
  }

  @Test func equalValuesAreEqualWhereverTheyLie() {
    let first = Shared(Order(name: "a"))
    let second = Shared(Order(name: "a"))
    #expect(first == second)
    #expect(Set([first, second]).count == 1)
    #expect(first.name == "a")
    #expect(first.projectedValue == first)
    #expect(first != Shared(Order(name: "b")))
  }
}
