import Glibc
import Runtime
import Testing

@Suite struct PollerTests {
  /// What one wait tells, by token.
  private func look(_ poller: Poller, _ timeoutMilliseconds: Int32 = 0) throws -> [UInt64: Poller.Interest] {
    var told: [UInt64: Poller.Interest] = [:]
    try poller.wait(timeoutMilliseconds: timeoutMilliseconds) { told[$0] = $1 }
    return told
  }

  @Test func tellsWhatIsWatchedUntilItIsNot() throws {
    let poller = try Poller()
    let (first, second) = (try Wakeup(), try Wakeup())
    poller.add(first.descriptor, token: 7, .readable)
    poller.add(second.descriptor, token: 8, [])
    #expect(try look(poller).isEmpty)
    first.signal()
    second.signal()
    #expect(try look(poller) == [7: .readable])
    poller.change(second.descriptor, token: 9, [.readable, .writable])
    #expect(try look(poller) == [7: .readable, 9: [.readable, .writable]])
    first.wait(timeoutMilliseconds: 0)
    poller.remove(second.descriptor)
    #expect(try look(poller).isEmpty)
  }

  @Test func aPeerThatHasGoneIsToldUnasked() throws {
    let poller = try Poller()
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    defer { close(ends[0]) }
    poller.add(ends[0], token: 1, [])
    close(ends[1])
    #expect(try look(poller)[1]?.isDisjoint(with: .failed) == false)
  }

  @Test func aClosedDescriptorIsForgotten() throws {
    let poller = try Poller()
    var wakeup: Wakeup? = try Wakeup()
    let descriptor = try #require(wakeup?.descriptor)
    poller.add(descriptor, token: 1, .readable)
    wakeup = nil
    poller.remove(descriptor)
    let next = try Wakeup()
    next.signal()
    poller.change(next.descriptor, token: 2, .readable)
    #expect(try look(poller) == [2: .readable])
  }

  @Test func whatIsAddedDuringAWaitEndsIt() throws {
    let poller = try Poller()
    let wakeup = try Wakeup()
    wakeup.signal()
    let thread = try NamedThread("adder") { poller.add(wakeup.descriptor, token: 3, .readable) }
    #expect(try look(poller, 60_000) == [3: .readable])
    thread.join()
  }
}
