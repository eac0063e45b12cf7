/// One partition's records on disk: segments of whole record batches, the last of which is appended to.
///
/// An append has been written to the file (`pwrite`) when it returns, so it survives the process; when it reaches the
/// medium is the business of whoever calls `takeUnsynchronized`.
final class PartitionLog {
  let directory: String
  var config: TopicConfig
  private(set) var segments: [Segment] = []
  private(set) var producers = ProducerStates()
  /// Compactions so far: up to which offset, and when. Oldest first.
  var cleanings: [Cleaning] = []
  /// Written to since `takeUnsynchronized`.
  private(set) var isUnsynchronized = false
  /// What was repaired when the log was opened, in words.
  private(set) var repairs: [String] = []

  private var producersPath: String { directory + "/producers" }

  var startOffset: Int64 { segments[0].baseOffset }
  var nextOffset: Int64 { active.nextOffset }
  var size: Int { segments.reduce(0) { $0 + $1.size } }
  var active: Segment { segments[segments.count - 1] }

  /// Opens the log in `directory`, which must exist, and repairs what a crash left behind.
  init(directory: String, config: TopicConfig, nowMs: Int64) throws {
    self.directory = directory
    self.config = config
    try openSegments()
    try active.unseal()
    cleanings = try Self.loadCleanings(directory)
    try restoreProducers(nowMs: nowMs)
  }

  private func openSegments() throws {
    let names = try Directory.names(in: directory)
    for name in names where name.hasSuffix(".new") || name.hasSuffix(".cleaned") {
      try File.remove(directory + "/" + name)
    }
    var isTorn = false
    for base in names.compactMap(Segment.baseOffset(ofName:)) {
      let segment = try Segment(directory: directory, baseOffset: base)
      // A batch that is no longer there ends the log; a compaction that was interrupted leaves segments it has replaced.
      guard !isTorn, base >= (segments.last?.nextOffset ?? 0) else {
        repairs.append("dropped segment \(segment.path)")
        try segment.delete()
        continue
      }
      if try !segment.loadIndex() {
        let lost = try segment.rebuildIndex()
        isTorn = lost > 0
        if isTorn { repairs.append("cut \(lost) bytes off \(segment.path)") }
      }
      segments.append(segment)
      segment.closeFile()
    }
    if segments.isEmpty { segments = [try Segment(directory: directory, baseOffset: 0)] }
  }

  // MARK: Appending

  /// Appends a checked batch and says where it went.
  /// - Returns: the head as stored: base offset, and with LogAppendTime the broker's time.
  func append(_ batch: RecordBatch, nowMs: Int64) throws -> BatchHeader {
    if active.size > 0, active.size + batch.extent.count > config.segmentBytes || isActiveOld(nowMs) { try roll() }
    var header = batch.header
    header.baseOffset = nextOffset
    header.leaderEpoch = 0
    try batch.bytes.withUnsafeBytes { bytes in
      let body = UnsafeRawBufferPointer(rebasing: bytes[batch.body])
      if config.stampsAppendTime { header.stamp(appendTimeMs: nowMs, records: body) }
      try active.append(header, body: body, atMs: nowMs)
    }
    producers.note(header, atMs: nowMs)
    isUnsynchronized = true
    return header
  }

  func isActiveOld(_ nowMs: Int64) -> Bool {
    guard let first = active.firstAppendMs else { return false }
    return nowMs - first >= config.segmentMs
  }

  /// Seals the active segment and begins another one.
  func roll() throws {
    let next = try Segment(directory: directory, baseOffset: nextOffset)
    try active.seal()
    try saveProducers()
    active.closeFile()
    segments.append(next)
  }

  /// What brings everything written to the medium, on any thread; nil when nothing was written since the last time. Sealed
  /// segments are there already.
  func takeUnsynchronized() throws -> Synchronization? {
    guard isUnsynchronized else { return nil }
    let file = try active.file()
    isUnsynchronized = false
    return { try file.synchronize() }
  }

  /// Seals the log as it is, so that the next start need not read it.
  func close() throws {
    try active.seal()
    try saveProducers()
    isUnsynchronized = false
  }

  // MARK: Reading

  /// Whole batches from `offset` on, which must lie between `startOffset` and `nextOffset`.
  func read(from offset: Int64, maxBytes: Int, atLeastOne: Bool) throws -> [UInt8] {
    guard offset < nextOffset else { return [] }
    var index = max(0, segments.partitioningIndex { $0.baseOffset > offset } - 1)
    while index < segments.count {
      let segment = segments[index]
      // Compaction may have left nothing at or after `offset` in its segment; a batch that is too large is no such case.
      if segment.size > 0, segment.nextOffset > offset {
        return try segment.read(from: offset, maxBytes: maxBytes, atLeastOne: atLeastOne)
      }
      index += 1
    }
    return []
  }

  /// The first record that is not older than `timestamp`.
  func firstRecord(sinceMs timestamp: Int64) throws -> (timestampMs: Int64, offset: Int64)? {
    for segment in segments {
      if let found = try segment.firstRecord(sinceMs: timestamp) { return found }
    }
    return nil
  }

  /// The first of the records that carry the latest timestamp.
  func latestRecord() throws -> (timestampMs: Int64, offset: Int64)? {
    guard let latest = segments.map(\.index.maxTimestamp).max(), latest > Int64.min else { return nil }
    return try firstRecord(sinceMs: latest)
  }

  func closeIdleFiles() {
    for segment in segments.dropLast() { segment.closeFile() }
  }

  // MARK: Retention

  /// Deletes the oldest segments that are past the topic's limits of age and size.
  /// - Returns: whether anything went.
  func applyRetention(nowMs: Int64) throws -> Bool {
    guard config.deletes else { return false }
    let before = startOffset
    if config.retentionMs >= 0 {
      let limit = nowMs - config.retentionMs
      while try isPast(limit, segments[0]) { try dropFirst() }
    }
    if config.retentionBytes >= 0 {
      var total = size
      while segments.count > 1, total - segments[0].size >= config.retentionBytes {
        total -= segments[0].size
        try dropFirst()
      }
    }
    return startOffset != before
  }

  private func isPast(_ limitMs: Int64, _ segment: Segment) throws -> Bool {
    guard segment.size > 0 || segments.count > 1 else { return false }
    // Records without a timestamp are as old as the file says.
    let latest = segment.index.maxTimestamp >= 0 ? segment.index.maxTimestamp : try segment.file().modifiedMs()
    return latest < limitMs
  }

  private func dropFirst() throws {
    if segments.count == 1 { try roll() }
    let first = segments.removeFirst()
    try first.delete()
  }

  // MARK: Compaction's view

  /// Puts a compacted segment in the place of those it was made from, all of them sealed.
  func replaceSegments(_ range: Range<Int>, with segment: Segment) throws {
    let replaced = segments[range]
    segments.replaceSubrange(range, with: [segment])
    for old in replaced.dropFirst() { try old.delete() }
  }

  // MARK: Producers

  func forgetProducers(unseenSinceMs limit: Int64) { producers.forget(unseenSinceMs: limit) }

  private func saveProducers() throws {
    var writer = WireWriter()
    writer.int64(nextOffset)
    producers.encode(into: &writer)
    try SealedFile.write(writer.bytes, to: producersPath)
  }

  /// The states as saved, brought up to the end of the log by what was appended since.
  private func restoreProducers(nowMs: Int64) throws {
    var known: Int64 = 0
    if let content = try SealedFile.read(producersPath) {
      var reader = WireReader(content)
      let savedAt = try reader.int64()
      if savedAt <= nextOffset {
        known = savedAt
        producers = try ProducerStates(from: &reader)
      }
    }
    for segment in segments where segment.nextOffset > known {
      var cursor = try segment.cursor(from: segment.index.position(before: known))
      while let batch = try cursor.next() {
        if batch.header.baseOffset >= known { producers.note(batch.header, atMs: nowMs) }
      }
    }
  }
}
