import Runtime
import Testing

@Suite struct ShortTurnsTests {
  /// What a thread was told.
  private struct Told: Sendable {
    var isGiven = false
    var own: Int64?
    var child: Int64?
  }

  /// What a thread of its own, and one that it starts, are told of their turns.
  private func turns(asking: Bool) throws -> Told {
    let queue = BoundedQueue<Told>(capacity: 1)
    try NamedThread("turns") {
      var told = Told()
      if asking { told.isGiven = takeShortTurns() }
      told.own = turnNanoseconds()
      let child = BoundedQueue<Int64?>(capacity: 1)
      guard let thread = try? NamedThread("child", body: { child.push(turnNanoseconds()) }) else { return queue.close() }
      thread.join()
      if case .element(let turn) = child.pop() { told.child = turn }
      queue.push(told)
    }.join()
    guard case .element(let told) = queue.pop(timeoutMilliseconds: 10_000) else { throw SystemError("no thread", code: 11) }
    return told
  }

  /// A kernel that knows of turns gives them, and hands them down; an older one says so and changes nothing.
  @Test func areHandedDown() throws {
    let (before, after) = (try turns(asking: false), try turns(asking: true))
    #expect(after.own == (after.isGiven ? 100_000 : before.own))
    #expect(after.child == after.own)
  }

  /// Whoever does not ask keeps what it had, whatever other threads ask for.
  @Test func areNobodyElses() throws {
    let before = turnNanoseconds()
    _ = try turns(asking: true)
    #expect(turnNanoseconds() == before)
    #expect(try turns(asking: false).own == before)
  }
}
