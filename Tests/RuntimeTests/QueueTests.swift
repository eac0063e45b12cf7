import Runtime
import Synchronization
import Testing

@Suite struct BoundedQueueTests {
  @Test func givesElementsInTheOrderTheyCame() {
    let queue = BoundedQueue<Int>(capacity: 3)
    // More rounds than the ring is long, so that it wraps at every phase.
    for round in 0..<10 {
      #expect(queue.push(round * 2) == .pushed)
      #expect(queue.push(round * 2 + 1) == .pushed)
      #expect(queue.popAll() == [round * 2, round * 2 + 1])
    }
  }

  /// Filled and emptied by turns, so that it grows while its oldest element lies anywhere.
  @Test(arguments: [1, 15, 16, 17, 100]) func equalsAPlainList(capacity: Int) {
    let queue = BoundedQueue<Int>(capacity: capacity)
    var list: [Int] = []
    for step in 0..<4 * capacity + 20 {
      for number in 0..<step % 23 {
        let result = queue.push(1_000 * step + number, timeoutMilliseconds: 0)
        #expect(result == (list.count < capacity ? .pushed : .full))
        if result == .pushed { list.append(1_000 * step + number) }
      }
      let taken = queue.popAll(limit: step % 19)
      #expect(taken == Array(list.prefix(step % 19)))
      list.removeFirst(taken.count)
      #expect(queue.count == list.count)
    }
  }

  @Test func fullMeansNotTaken() {
    let queue = BoundedQueue<Int>(capacity: 2)
    #expect(queue.push(1, timeoutMilliseconds: 0) == .pushed)
    #expect(queue.push(2, timeoutMilliseconds: 0) == .pushed)
    #expect(queue.push(3, timeoutMilliseconds: 0) == .full)
    #expect(queue.popAll() == [1, 2])
  }

  @Test func aClosedQueueGivesWhatIsLeftAndThenEnds() {
    let queue = BoundedQueue<Int>(capacity: 2)
    queue.push(1)
    queue.close()
    #expect(queue.push(2) == .closed)
    guard case .element(1) = queue.pop() else { return #expect(Bool(false), "the element was lost") }
    guard case .closed = queue.pop() else { return #expect(Bool(false), "the queue did not end") }
  }

  @Test func anEmptyQueueTimesOut() {
    guard case .timedOut = BoundedQueue<Int>(capacity: 1).pop(timeoutMilliseconds: 1) else {
      return #expect(Bool(false), "nothing was there to pop")
    }
  }

  @Test func closingWakesABlockedPusherAndPopper() throws {
    let full = BoundedQueue<Int>(capacity: 1)
    full.push(1)
    let pusher = try NamedThread("pusher") { #expect(full.push(2) == .closed) }
    let empty = BoundedQueue<Int>(capacity: 1)
    let popper = try NamedThread("popper") {
      guard case .closed = empty.pop() else { return #expect(Bool(false), "the queue did not end") }
    }
    full.close()
    empty.close()
    #expect(pusher.join(timeoutMilliseconds: 10_000))
    #expect(popper.join(timeoutMilliseconds: 10_000))
  }

  @Test func nothingIsLostOrDoubledBetweenThreads() throws {
    let queue = BoundedQueue<Int>(capacity: 7)
    let sums = (0..<3).map { _ in BoundedQueue<[Int]>(capacity: 1) }
    let readers = try sums.map { result in
      try NamedThread("reader") {
        var seen: [Int] = []
        while case .element(let element) = queue.pop() { seen.append(element) }
        result.push(seen)
      }
    }
    let writers = try (0..<3).map { writer in
      try NamedThread("writer") { for number in 0..<2_000 { queue.push(writer * 2_000 + number) } }
    }
    for writer in writers { #expect(writer.join(timeoutMilliseconds: 30_000)) }
    queue.close()
    for reader in readers { #expect(reader.join(timeoutMilliseconds: 30_000)) }
    let seen = sums.flatMap { $0.popAll().flatMap { $0 } }
    #expect(seen.sorted() == Array(0..<6_000))
  }

  @Test func aWakeupIsSignalledByPushesAndTheClose() throws {
    let wakeup = try Wakeup()
    let queue = BoundedQueue<Int>(capacity: 2, wakeup: wakeup)
    #expect(!wakeup.wait(timeoutMilliseconds: 0))
    queue.push(1)
    queue.push(2)
    #expect(wakeup.wait(timeoutMilliseconds: 0))
    #expect(!wakeup.wait(timeoutMilliseconds: 0), "any number of signals is one wake-up")
    queue.close()
    #expect(wakeup.wait(timeoutMilliseconds: 0))
  }
}

@Suite struct LatchTests {
  @Test func staysSetAndRunsEachCallbackOnce() {
    let latch = Latch()
    let calls = Counter()
    latch.onSet { calls.add() }
    #expect(!latch.isSet)
    #expect(!latch.wait(timeoutMilliseconds: 1))
    latch.set()
    latch.set()
    #expect(latch.isSet && latch.wait())
    #expect(calls.value == 1)
    latch.onSet { calls.add() }
    #expect(calls.value == 2, "a late callback runs at once")
  }

  @Test func wakesAWaitingThread() throws {
    let latch = Latch()
    let waiter = try NamedThread("waiter") { latch.wait() }
    latch.set()
    #expect(waiter.join(timeoutMilliseconds: 10_000))
    #expect(waiter.isFinished)
  }
}
