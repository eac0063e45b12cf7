import Domain
import Floors
import Glibc
import Kafka
import Measuring
import Runtime
import TestSupport

/// Market data from a venue's socket to the book, and to the log: each as a process of its own, whose processor time is counted. What a
/// process takes beside the frames falls away: it runs with few frames and with many.
func measureFeed(_ options: Options) throws -> [Line] {
  let frames = options.isShort ? 40_000 : 200_000
  let venues = try (few: VenueReplay(.init(frames: 2_000)), many: VenueReplay(.init(frames: frames)))
  defer {
    venues.few.shutDown()
    venues.many.shutDown()
  }
  let broker = try Broker()
  func line(_ name: String, _ floor: (VenueReplay) throws -> Double, _ ours: (VenueReplay) throws -> Double) throws -> Line {
    func perFrame(_ run: (VenueReplay) throws -> Double) throws -> Double {
      let few = try run(venues.few)
      return (try run(venues.many) - few) / Double(frames - venues.few.lastIDs.count)
    }
    var floors: [Double] = []
    var times: [Double] = []
    for run in 0...options.runs {
      let (least, own) = (try perFrame(floor), try perFrame(ours))
      guard run > 0 else { continue }
      floors.append(least)
      times.append(own)
    }
    return Line(name, unit: "ns/frame", target: .ratio(1.5), ours: times, floor: floors)
  }
  return [
    try line("feed/book", { try floorProcess($0) }, { try bareLoop($0) }),
    try line("feed/kafka", { try floorProcess($0, to: broker) }, { try ingestor($0, to: broker) }),
  ]
}

/// `Benchmarks floor-stream PORT LAST [BOOTSTRAP TOPIC]`: the floor as a process of its own.
func followFloor() throws -> Int32 {
  let words = Array(CommandLine.arguments.dropFirst(2))
  guard words.count == 2 || words.count == 4, let port = UInt16(words[0]), let last = Int64(words[1]) else {
    throw IngestFailure("floor-stream PORT LAST [BOOTSTRAP TOPIC]")
  }
  let failure =
    words.count == 4 ? floor_stream(port, "BTCUSDT", last, words[2], words[3]) : floor_stream(port, "BTCUSDT", last, nil, nil)
  if let failure { throw IngestFailure(String(cString: failure)) }
  return 0
}

private func floorProcess(_ venue: VenueReplay, to broker: Broker? = nil) throws -> Double {
  var words = ["floor-stream", "\(venue.port)", "\(venue.lastIDs.last ?? 0)"]
  if let broker { words += [broker.bootstrap, try broker.makeTopic("floor")] }
  return try processorTime {
    let process = try ChildProcess(Places.executable("Benchmarks"), words)
    guard process.wait(timeoutMilliseconds: 60_000) == 0 else { throw IngestFailure("the floor failed: \(process.output)") }
  }
}

private func bareLoop(_ venue: VenueReplay) throws -> Double {
  let directory = try TemporaryDirectory()
  let environment = harness(venue).merging(
    ["PB_LAST_U": "\(venue.lastIDs.last ?? 0)", "PB_OBS": directory.path + "/notes"], uniquingKeysWith: { _, last in last })
  return try processorTime {
    let process = try ChildProcess(Places.executable("Benchmarks"), ["ingest"], environment: environment)
    guard process.wait(timeoutMilliseconds: 60_000) == 0 else { throw IngestFailure("the loop failed: \(process.output)") }
  }
}

private func ingestor(_ venue: VenueReplay, to broker: Broker) throws -> Double {
  let topic = try broker.makeTopic("books")
  var environment = harness(venue)
  environment["PB_KAFKA"] = broker.bootstrap
  environment["PB_TOPIC"] = topic
  environment["APUS_LOG_LEVEL"] = "error"
  return try processorTime {
    let process = try ChildProcess(Places.executable("Ingestor"), environment: environment)
    try waitForRecord(of: venue.lastIDs.last ?? 0, on: topic, settings: broker.settings, process)
    guard process.stop() == 0 else { throw IngestFailure("Ingestor failed: \(process.output)") }
  }
}

private func harness(_ venue: VenueReplay) -> [String: String] {
  ["PB_HTTP": "http://127.0.0.1:\(venue.port)", "PB_WS": "ws://127.0.0.1:\(venue.port)", "PB_SYMBOL": "BTCUSDT"]
}

/// Looks at the end of the topic now and then, so that looking costs nobody anything.
private func waitForRecord(of last: Int64, on topic: String, settings: KafkaSettings, _ process: ChildProcess) throws {
  let reader = try KafkaReader(settings)
  let deadline = Deadline(afterMilliseconds: 60_000)
  let pause = Latch()
  let mark = Array("\"u\":\(last),".utf8)
  var seen: Int64 = 0
  while !deadline.isPast {
    pause.wait(timeoutMilliseconds: 100)
    let end = try reader.watermarks(topic, 0).high
    guard end > seen else { continue }
    var isThere = false
    try reader.readPartition(topic, 0, from: max(seen, end - 64), to: end) { message in
      if let value = message.value, value.count > mark.count, value.firstRange(of: mark) != nil { isThere = true }
    }
    if isThere { return }
    seen = end
  }
  throw IngestFailure("the last record did not come: \(process.output)")
}

/// What the processes that `body` starts and waits for take, in nanoseconds.
private func processorTime(_ body: () throws -> Void) throws -> Double {
  func soFar() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
    let time = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
    return Double(time) * 1e9 + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e3
  }
  let before = soFar()
  try body()
  return soFar() - before
}
