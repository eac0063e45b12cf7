/// A compaction that was completed: everything below `offset` holds a key at most once.
struct Cleaning: Equatable {
  var offset: Int64
  var atMs: Int64
}

/// Which records compaction keeps: pure, over what it was told of the log.
struct CompactionPlan {
  /// The last offset of each key.
  private(set) var latest: [[UInt8]: Int64] = [:]
  /// Deletions below this offset have been visible for long enough and go.
  var tombstoneHorizon: Int64 = 0

  mutating func note(_ batch: RecordBatch) throws {
    guard !batch.header.isCompressed else { return }
    for record in try batch.records() {
      guard let key = record.key else { continue }
      latest[Array(batch.bytes[key])] = batch.header.baseOffset + record.offsetDelta
    }
  }

  /// What is left of a batch; nil when nothing is. A compressed batch (older than the topic's being compact) stays.
  func rewrite(_ batch: RecordBatch) throws -> [UInt8]? {
    guard !batch.header.isCompressed else { return Array(batch.bytes[batch.extent]) }
    let records = try batch.records()
    let kept = records.filter { record in
      let offset = batch.header.baseOffset + record.offsetDelta
      guard let key = record.key, latest[Array(batch.bytes[key])] == offset else { return false }
      return record.value != nil || offset >= tombstoneHorizon
    }
    if kept.isEmpty { return nil }
    return kept.count == records.count ? Array(batch.bytes[batch.extent]) : BatchBuilder.batch(batch, keeping: kept)
  }
}

extension PartitionLog {
  /// Cleanings that are remembered; forgetting one only makes a deletion stay longer.
  private static let cleaningsKept = 64

  private var cleanedTo: Int64 { cleanings.last?.offset ?? 0 }

  /// Compacts all but the active segment once enough of it is new since the last time.
  /// - Parameter force: seal the active segment first and count any new record as enough.
  func compactIfDue(nowMs: Int64, force: Bool) throws {
    guard config.compacts else { return }
    if active.size > 0, force || isActiveOld(nowMs) || active.size >= max(size / 2, Self.worthwhileBytes) {
      if nextOffset > cleanedTo { try roll() }
    }
    let sealed = segments.dropLast()
    let total = sealed.reduce(0) { $0 + $1.size }
    let new = sealed.filter { $0.nextOffset > cleanedTo }.reduce(0) { $0 + $1.size }
    guard new > 0, force || new * 1000 >= total * config.minDirtyPermille else { return }
    try compact(nowMs: nowMs)
  }

  /// An active segment of this size is worth compacting although it is neither full nor old.
  private static var worthwhileBytes: Int { 4 * 1024 * 1024 }

  private func compact(nowMs: Int64) throws {
    var plan = CompactionPlan()
    plan.tombstoneHorizon = cleanings.last { $0.atMs <= nowMs - config.deleteRetentionMs }?.offset ?? 0
    for segment in segments.dropLast() {
      var cursor = try segment.cursor()
      while let batch = try cursor.next() { try plan.note(batch) }
    }
    let end = active.baseOffset
    var first = 0
    while first < segments.count - 1 {
      var last = first
      var bytes = segments[first].size
      while last + 1 < segments.count - 1, bytes + segments[last + 1].size <= config.segmentBytes {
        last += 1
        bytes += segments[last].size
      }
      try rewrite(first...last, by: plan)
      first += 1
    }
    try remember(Cleaning(offset: end, atMs: nowMs))
  }

  /// Writes what is left of the segments into one, which then takes the first one's name in a single step.
  private func rewrite(_ range: ClosedRange<Int>, by plan: CompactionPlan) throws {
    let base = segments[range.lowerBound].baseOffset
    let path = Segment.path(directory, base)
    let output = try File(path: path + ".cleaned", create: true)
    var written = 0
    for segment in segments[range] {
      var cursor = try segment.cursor()
      while let batch = try cursor.next() {
        guard let bytes = try plan.rewrite(batch) else { continue }
        try bytes.withUnsafeBytes { try output.write($0, at: written) }
        written += bytes.count
      }
    }
    try output.synchronize()
    try segments[range.lowerBound].unseal()
    try File.rename(output.path, to: path)
    let compacted = try Segment(directory: directory, baseOffset: base)
    _ = try compacted.rebuildIndex()
    try compacted.seal()
    try replaceSegments(range.lowerBound..<range.upperBound + 1, with: compacted)
  }

  private func remember(_ cleaning: Cleaning) throws {
    cleanings.append(cleaning)
    if cleanings.count > Self.cleaningsKept { cleanings.remove(at: 1) }
    var writer = WireWriter()
    writer.array(cleanings) {
      $0.int64($1.offset)
      $0.int64($1.atMs)
    }
    try SealedFile.write(writer.bytes, to: directory + "/cleanings")
  }

  static func loadCleanings(_ directory: String) throws -> [Cleaning] {
    guard let content = try SealedFile.read(directory + "/cleanings") else { return [] }
    var reader = WireReader(content)
    return try reader.array { Cleaning(offset: try $0.int64(), atMs: try $0.int64()) }
  }
}
