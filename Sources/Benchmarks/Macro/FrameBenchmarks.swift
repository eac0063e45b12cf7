import Kafka
import Measuring
import Runtime
import TestSupport
import Wire

/// How late a record on the book's topic is when a venue's stream brings a frame each millisecond: through the Ingestor as it is, and
/// through the least program that does it.
func measureFrames(_ options: Options) throws -> [Line] {
  let broker = try Broker()
  let count = options.isShort ? 500 : 3_000
  var floors: [Percentiles] = []
  var ours: [Percentiles] = []
  for run in 0...options.runs {
    let (floor, own) = (try latencies(.floor, broker, frames: count), try latencies(.ingestor, broker, frames: count))
    guard run > 0 else { continue }
    floors.append(floor)
    ours.append(own)
  }
  func microseconds(_ runs: [Percentiles], _ value: (Percentiles) -> Int64) -> [Double] { runs.map { Double(value($0)) / 1e3 } }
  return [
    Line("frames/p50", unit: "µs", ours: microseconds(ours, \.p50), floor: microseconds(floors, \.p50)),
    Line("frames/p99", unit: "µs", ours: microseconds(ours, \.p99), floor: microseconds(floors, \.p99)),
  ]
}

private enum Follower { case floor, ingestor }

/// From when each frame was due to when its record was in a reader's hands; the first tenth is warmth.
private func latencies(_ follower: Follower, _ broker: Broker, frames count: Int) throws -> Percentiles {
  let venue = try VenueReplay(.init(frames: count, perSecond: 1_000))
  defer { venue.shutDown() }
  let numbers = Dictionary(venue.lastIDs.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
  let topic = try broker.makeTopic("frames")
  let consumer = try KafkaConsumer(manual: broker.settings)
  defer { consumer.close() }
  try consumer.assign([TopicPartitionOffset(topic, 0, offset: try consumer.watermarks(topic, 0).high)])
  let process = try start(follower, venue, broker, topic)
  defer { process.stop() }
  var times: [Int64] = []
  var deadline = Deadline(afterMilliseconds: 20_000)
  var id: Int64 = 0
  while id != venue.lastIDs.last {
    guard let event = consumer.poll(timeoutMilliseconds: 100) else {
      guard !deadline.isPast else {
        throw FloorFailure(description: "the records end at \(times.count): \(process.output.suffix(2_000))")
      }
      continue
    }
    guard case .message(let message) = event, let value = message.value else { continue }
    let now = monotonicNanoseconds()
    id = try BookRecord.topOnly(value).updateID
    if let number = numbers[id], number >= count / 10 { times.append(now - venue.due(ofFrame: number)) }
    deadline = Deadline(afterMilliseconds: 20_000)
  }
  return Percentiles(times)
}

private func start(_ follower: Follower, _ venue: VenueReplay, _ broker: Broker, _ topic: String) throws -> ChildProcess {
  switch follower {
  case .floor:
    return try ChildProcess(
      Places.executable("Benchmarks"), ["floor-stream", "\(venue.port)", "\(venue.lastIDs.last ?? 0)", broker.bootstrap, topic])
  case .ingestor:
    return try ChildProcess(
      Places.executable("Ingestor"),
      environment: [
        "PB_HTTP": "http://127.0.0.1:\(venue.port)", "PB_WS": "ws://127.0.0.1:\(venue.port)", "PB_SYMBOL": "BTCUSDT",
        "PB_KAFKA": broker.bootstrap, "PB_TOPIC": topic, "APUS_LOG_LEVEL": "error",
      ])
  }
}
