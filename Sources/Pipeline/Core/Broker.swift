import Domain
import Wire

/// A partition of a topic.
struct Place: Hashable {
  let topic: String
  let partition: Int32

  init(_ topic: String, _ partition: Int32) {
    self.topic = topic
    self.partition = partition
  }
}

/// A record in the log.
struct LoggedRecord {
  let source: RecordSource
  let key: [UInt8]?
  let value: [UInt8]?
  let headers: RecordHeaders
  /// When its writer sent it, by the true clock.
  let sentAt: Timestamp

  var offset: Int64 { source.offset }
}

/// The log: partitions, and what the groups have committed.
struct Broker {
  private(set) var logs: [Place: [LoggedRecord]] = [:]
  private var epochs: [Place: Int64] = [:]
  private var committed: [Place: Int64] = [:]
  /// The generation of each group's partition; commits of another are refused.
  private var generations: [Place: Int] = [:]

  func records(_ place: Place, from offset: Int64 = 0, to end: Int64 = .max) -> ArraySlice<LoggedRecord> {
    guard let log = logs[place] else { return [] }
    let upper = Int(min(end, Int64(log.count)))
    return log[min(Int(offset), upper)..<upper]
  }

  func end(_ place: Place) -> Int64 { Int64(logs[place]?.count ?? 0) }

  /// The newest epoch that has begun on the partition, or that its owner has named there.
  func epoch(_ place: Place) -> Int64? { epochs[place] }

  mutating func append(
    _ place: Place, key: [UInt8]?, value: [UInt8]?, headers: RecordHeaders, sentAt: Timestamp, at now: Timestamp
  ) -> Int64 {
    let offset = end(place)
    let source = RecordSource(topic: place.topic, partition: place.partition, offset: offset, timestamp: now)
    if let marker = Self.marker(value) {
      let epoch = marker.epoch < 0 ? offset : marker.epoch
      // What a stranger names cannot have begun.
      if epoch <= (logs.values.map(\.count).max() ?? 0) { epochs[place] = max(epochs[place] ?? -1, epoch) }
    }
    logs[place, default: []].append(LoggedRecord(source: source, key: key, value: value, headers: headers, sentAt: sentAt))
    return offset
  }

  /// Markers are short.
  private static func marker(_ value: [UInt8]?) -> EpochMarker? {
    guard let value, value.count < 128 else { return nil }
    return (try? RecordReader(value)).flatMap(EpochMarker.init)
  }

  /// The group's offset on its input.
  func committed(_ place: Place) -> Int64? { committed[place] }

  /// False when the member's generation is over.
  mutating func commit(_ place: Place, _ offset: Int64, generation: Int) -> Bool {
    guard generations[place] == generation else { return false }
    committed[place] = offset
    return true
  }

  /// The group gives its partition to a new member.
  mutating func nextGeneration(_ place: Place) -> Int {
    generations[place, default: 0] += 1
    return generations[place, default: 0]
  }
}
