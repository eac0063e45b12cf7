import Floors
import Glibc
import Kafka
import Measuring
import Runtime
import Synchronization

/// One hop over the log, produce with acks=all to consumer: as bare librdkafka has it, which is what the broker costs, and through the
/// project's own client.
func measureHop(_ options: Options) throws -> [Line] {
  let broker = try Broker()
  // As the services that hop do; processes that are started by now keep what they have.
  takeShortTurns()
  var lines = try latency(broker, options) + [try throughput(broker, options)]
  if let own = broker.own { lines.append(try idleReaders(broker, own.processID, options)) }
  return lines
}

/// The size of a usual record on `orders.approved`.
private let recordBytes = 900

/// A hop's times in microseconds and what all took in nanoseconds; the first tenth is warmth.
private struct HopRun {
  let times: Percentiles
  let elapsed: Int64

  init(_ latencies: [Int64], elapsed: Int64) {
    times = Percentiles(Array(latencies.dropFirst(latencies.count / 10)))
    self.elapsed = elapsed
  }

  var p50: Double { Double(times.p50) / 1e3 }
  var p99: Double { Double(times.p99) / 1e3 }
  var best: Double { Double(times.best) / 1e3 }
}

private func latency(_ broker: Broker, _ options: Options) throws -> [Line] {
  let count = options.isShort ? 400 : 1_500
  let topic = try broker.makeTopic("hop")
  var bare: [HopRun] = []
  var ours: [HopRun] = []
  for run in 0...options.runs {
    let (floor, own) = (
      try bareHop(broker, topic, perSecond: 500, count: count), try clientHop(broker, topic, perSecond: 500, count: count)
    )
    if run > 0 {
      bare.append(floor)
      ours.append(own)
    }
  }
  return [
    Line("hop/broker-p50", unit: "µs", target: .atMost(80), ours: bare.map(\.p50)).telling("best", bare.map(\.best).min() ?? 0),
    Line("hop/broker-p99", unit: "µs", ours: bare.map(\.p99)),
    Line("hop/client-p50", unit: "µs", ours: ours.map(\.p50), floor: bare.map(\.p50)).telling(
      "best", ours.map(\.best).min() ?? 0),
    Line("hop/client-p99", unit: "µs", ours: ours.map(\.p99), floor: bare.map(\.p99)),
  ]
}

private func throughput(_ broker: Broker, _ options: Options) throws -> Line {
  let count = options.isShort ? 20_000 : 100_000
  let topic = try broker.makeTopic("throughput")
  var bare: [Double] = []
  var ours: [Double] = []
  for run in 0...options.runs {
    let floor = try bareHop(broker, topic, perSecond: 0, count: count)
    let own = try clientHop(broker, topic, perSecond: 0, count: count)
    if run > 0 {
      bare.append(Double(floor.elapsed) / Double(count))
      ours.append(Double(own.elapsed) / Double(count))
    }
  }
  let line = Line("hop/throughput", unit: "ns/record", ours: ours, floor: bare)
  return line.telling("records/s", 1e9 / line.ours.median)
}

private func bareHop(_ broker: Broker, _ topic: String, perSecond: Int32, count: Int) throws -> HopRun {
  var latencies = [Int64](repeating: 0, count: count)
  var elapsed: Int64 = 0
  try check(floor_hop(broker.bootstrap, topic, perSecond, Int32(count), Int32(recordBytes), &latencies, &elapsed))
  return HopRun(latencies, elapsed: elapsed)
}

/// The same through the project's producer and consumer, woken as the services are.
private func clientHop(_ broker: Broker, _ topic: String, perSecond: Int, count: Int) throws -> HopRun {
  let producer = try KafkaProducer(broker.settings)
  _ = try producer.partitionCount(of: topic)
  let consumer = try KafkaConsumer(manual: broker.settings)
  try consumer.assign([TopicPartitionOffset(topic, 0, offset: try consumer.watermarks(topic, 0).high)])
  let wakeup = try Wakeup()
  consumer.attach(wakeup)
  let failure = Mutex<String?>(nil)
  let start = monotonicNanoseconds()
  let sender = try NamedThread("sender") {
    do { try send(count, to: topic, with: producer, perSecond: perSecond) } catch { failure.withLock { $0 = "\(error)" } }
  }
  var latencies: [Int64] = []
  latencies.reserveCapacity(count)
  let deadline = Deadline(afterMilliseconds: 60_000)
  while latencies.count < count, !deadline.isPast, failure.withLock({ $0 }) == nil {
    _ = wakeup.wait(timeoutMilliseconds: 100)
    while let event = consumer.poll(timeoutMilliseconds: 0) {
      guard case .message(let message) = event else { continue }
      latencies.append(monotonicNanoseconds() - message.withValue(due))
    }
  }
  let elapsed = monotonicNanoseconds() - start
  sender.join()
  consumer.close()
  if let reason = failure.withLock({ $0 }) { throw FloorFailure(description: reason) }
  guard latencies.count == count else { throw FloorFailure(description: "\(latencies.count) of \(count) records have come") }
  return HopRun(latencies, elapsed: elapsed)
}

private func send(_ count: Int, to topic: String, with producer: KafkaProducer, perSecond: Int) throws {
  let filling = [UInt8](repeating: UInt8(ascii: " "), count: recordBytes - 20)
  let loop = OpenLoop(start: monotonicNanoseconds() + 1_000_000, perSecond: max(perSecond, 1))
  for number in 0..<count {
    let due = perSecond > 0 ? loop.due(number) : monotonicNanoseconds()
    if perSecond > 0 { floor_wait_until(due) }
    let value = Array(String(due).utf8) + filling
    while try producer.send(topic: topic, partition: 0, value: value) == .queueFull {
      _ = try producer.poll(timeoutMilliseconds: 1)
    }
    _ = try producer.poll(timeoutMilliseconds: 0)
  }
  try producer.flush(timeoutMilliseconds: 30_000)
}

/// The instant at which a record was due, which it begins with.
private func due(_ value: UnsafeRawBufferPointer?) -> Int64 {
  var number: Int64 = 0
  for byte in value ?? UnsafeRawBufferPointer(start: nil, count: 0) {
    guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { break }
    number = number * 10 + Int64(byte - UInt8(ascii: "0"))
  }
  return number
}

/// What five readers without anything to read cost the broker.
private func idleReaders(_ broker: Broker, _ process: pid_t, _ options: Options) throws -> Line {
  let topic = try broker.makeTopic("idle")
  let milliseconds: Int32 = options.isShort ? 500 : 2_000
  let percents = try (0..<options.runs).map { _ in
    try corePercent(of: [process]) { try check(floor_idle(broker.bootstrap, topic, 5, milliseconds)) }[0]
  }
  return Line("hop/idle-readers", unit: "% of a core", target: .atMost(2), ours: percents)
}
