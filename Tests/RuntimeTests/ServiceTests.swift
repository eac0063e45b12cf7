import Runtime
import Synchronization
import Testing

@Suite struct ServiceTests {
  private let logger = Logger(service: "Test", level: .critical, format: .text, descriptor: -1)

  /// A list that several threads append to.
  private final class Journal: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func add(_ line: String) { lines.withLock { $0.append(line) } }
  }

  @Test func partsStartInOrderAndStopInReverse() throws {
    let service = try Service(logger: logger, shutdown: Latch())
    let journal = Journal()
    service.add("first", start: { journal.add("start first") }, stop: { journal.add("stop first") })
    service.addThread("second") { stop in
      journal.add("run second")
      service.shutdown.set()
      stop.wait()
      journal.add("end second")
    }
    #expect(service.run() == 0)
    #expect(journal.all == ["start first", "run second", "end second", "stop first"])
  }

  @Test func aStartMayGiveItsOwnStop() throws {
    let service = try Service(logger: logger, shutdown: Latch())
    let journal = Journal()
    service.add("server") {
      journal.add("start")
      service.shutdown.set()
      return { journal.add("stop") }
    }
    #expect(service.run() == 0)
    #expect(journal.all == ["start", "stop"])
  }

  @Test func aThreadThatEndsByItselfEndsTheProgramWithAnError() throws {
    let service = try Service(logger: logger, shutdown: Latch())
    service.addThread("quitter") { _ in }
    #expect(service.run() == 70)
  }

  @Test func aThreadThatThrowsEndsTheProgramWithAnError() throws {
    let service = try Service(logger: logger, shutdown: Latch())
    let stopped = Latch()
    service.addThread("steady") { stop in
      stop.wait()
      stopped.set()
    }
    service.addThread("thrower") { _ in throw SystemError("try", code: 5) }
    #expect(service.run() == 70)
    #expect(stopped.isSet, "the others are stopped in order")
  }

  @Test func aPartThatDoesNotStartStopsTheOthers() throws {
    let service = try Service(logger: logger, shutdown: Latch())
    let journal = Journal()
    service.add("first", start: {}, stop: { journal.add("stop first") })
    service.add("broken", start: { throw SystemError("bind", code: 98) }, stop: { journal.add("stop broken") })
    service.add("never", start: { journal.add("start never") }, stop: {})
    #expect(service.run() == 70)
    #expect(journal.all == ["stop first"])
  }

  @Test func wakeEndsABlockingWait() throws {
    let service = try Service(logger: logger, shutdown: Latch())
    let queue = BoundedQueue<Int>(capacity: 1)
    service.addThread("blocked", wake: queue.close) { _ in
      service.shutdown.set()
      _ = queue.pop()
    }
    #expect(service.run() == 0)
  }
}
