/// A fetch that waits for more to read.
struct ParkedFetch {
  var context: RequestContext
  var request: FetchRequest
  var deadlineMs: Int64
  /// Bytes that have yet to be appended before it is worth answering.
  var missingBytes: Int
}

/// Producing, fetching and finding offsets.
extension Broker {
  // MARK: Produce

  func produce(_ context: RequestContext, _ request: ProduceRequest, frame: [UInt8]) {
    var appended: [(partition: Partition, bytes: Int)] = []
    let topics = request.topics.map { topic in
      topic.map { entry in
        if let refusal = refusal(of: request) {
          return ProduceResponse.Partition(index: entry.index, error: refusal.code, message: refusal.reason)
        }
        guard let partition = store.partition(topic.topic, entry.index) else {
          return ProduceResponse.Partition(index: entry.index, error: .unknownTopicOrPartition)
        }
        let before = partition.log.nextOffset
        let response = append(entry, to: partition.log, frame: frame, nowMs: context.now.wallMs)
        if partition.log.nextOffset != before { appended.append((partition, entry.records?.count ?? 0)) }
        return response
      }
    }
    let first = outputCount
    for (partition, bytes) in appended {
      counts.appendedBytes += Int64(bytes)
      noteAppended(partition.log)
      wake(partition, by: bytes, at: context.now)
    }
    if request.acks != 0 {
      // Behind the first consumer's answer, which somebody acts on, and before the others': each takes a while to send.
      reply(context, at: first + 1) { ProduceResponse(topics: topics).write(to: &$0, version: context.version) }
    } else if let failed = topics.lazy.flatMap(\.partitions).first(where: { $0.error != .none }) {
      // There is no answer to put the error in: Kafka closes the connection, too.
      closeConnection(context, reason: "produce without acknowledgement failed: \(failed.error)")
    } else {
      staySilent(context)
    }
  }

  private func refusal(of request: ProduceRequest) -> RecordBatch.Refusal? {
    if request.transactionalID != nil {
      return .init(code: .transactionalIDAuthorizationFailed, reason: Self.noTransactions)
    }
    return (-1...1).contains(request.acks) ? nil : .init(code: .invalidRequiredAcks, reason: "acks must be -1, 0 or 1")
  }

  static let noTransactions = "Transactions are not supported by this broker"

  private func append(
    _ entry: ProduceRequest.Partition, to log: PartitionLog, frame: [UInt8], nowMs: Int64
  ) -> ProduceResponse.Partition {
    do {
      guard let records = entry.records else {
        throw RecordBatch.Refusal(code: .invalidRecord, reason: "no records")
      }
      guard records.count <= log.config.maxMessageBytes else {
        throw RecordBatch.Refusal(code: .messageTooLarge, reason: "larger than max.message.bytes of the topic")
      }
      let batch = try RecordBatch(produced: frame, extent: records)
      try batch.validate(compact: log.config.compacts)
      var response = ProduceResponse.Partition(index: entry.index, error: .none, startOffset: log.startOffset)
      switch log.producers.verdict(on: batch.header) {
      case .append:
        let header = try log.append(batch, nowMs: nowMs)
        response.baseOffset = header.baseOffset
        if log.config.stampsAppendTime { response.appendTimeMs = nowMs }
      case .duplicate(let baseOffset): response.baseOffset = baseOffset
      case .refuse(let code): response.error = code
      }
      return response
    } catch let refusal as RecordBatch.Refusal {
      return ProduceResponse.Partition(index: entry.index, error: refusal.code, message: refusal.reason)
    } catch {
      return ProduceResponse.Partition(index: entry.index, error: .storageError, message: "\(error)")
    }
  }

  func initProducerID(_ context: RequestContext, transactionalID: String?) {
    var response = InitProducerIDResponse(error: .none)
    if transactionalID != nil {
      response.error = .transactionalIDAuthorizationFailed
    } else if let id = try? identity.newProducerID() {
      response.producerID = id
      response.epoch = 0
    } else {
      response.error = .storageError
    }
    reply(context) { response.write(to: &$0) }
  }

  // MARK: Fetch

  func fetch(_ context: RequestContext, _ request: FetchRequest) {
    guard request.sessionID == 0 else {
      return reply(context) { FetchResponse(error: .fetchSessionIDNotFound).write(to: &$0, version: context.version) }
    }
    let response = read(request)
    let size = response.topics.lazy.flatMap(\.partitions).reduce(0) { $0 + $1.records.count }
    let hasFailed = response.topics.contains { $0.partitions.contains { $0.error != .none } }
    let missing = Int(request.minBytes) - size
    guard missing > 0, request.maxWaitMs > 0, !hasFailed, !request.topics.isEmpty else {
      return reply(context) { response.write(to: &$0, version: context.version) }
    }
    park(context, request, missingBytes: missing)
  }

  private func read(_ request: FetchRequest) -> FetchResponse {
    var rest = min(max(Int(request.maxBytes), 0), config.maxFetchBytes)
    var isEmpty = true
    return FetchResponse(
      topics: request.topics.map { topic in
        topic.map { entry in
          let answer = read(entry, of: topic.topic, maxBytes: rest, atLeastOne: isEmpty)
          rest = max(0, rest - answer.records.count)
          if !answer.records.isEmpty { isEmpty = false }
          return answer
        }
      })
  }

  private func read(
    _ entry: FetchRequest.Partition, of topic: String, maxBytes: Int, atLeastOne: Bool
  ) -> FetchResponse.Partition {
    guard let log = store.partition(topic, entry.index)?.log else {
      return FetchResponse.Partition(index: entry.index, error: .unknownTopicOrPartition)
    }
    var answer = FetchResponse.Partition(
      index: entry.index, error: Self.check(leaderEpoch: entry.leaderEpoch), highWatermark: log.nextOffset,
      startOffset: log.startOffset)
    if answer.error == .none, entry.offset < log.startOffset || entry.offset > log.nextOffset {
      answer.error = .offsetOutOfRange
    }
    guard answer.error == .none, maxBytes > 0 || atLeastOne else { return answer }
    do {
      let limit = min(maxBytes, max(Int(entry.maxBytes), 0))
      answer.records = try log.read(from: entry.offset, maxBytes: limit, atLeastOne: atLeastOne)
      counts.fetchedBytes += Int64(answer.records.count)
    } catch {
      answer.error = .storageError
    }
    return answer
  }

  /// There has been one leader only, of epoch 0; -1 is a client that does not care.
  private static func check(leaderEpoch: Int32) -> ErrorCode {
    leaderEpoch > 0 ? .unknownLeaderEpoch : leaderEpoch < -1 ? .fencedLeaderEpoch : .none
  }

  private func park(_ context: RequestContext, _ request: FetchRequest, missingBytes: Int) {
    let deadline = context.now.monotonicMs + Int64(request.maxWaitMs)
    parkedFetches[context.connection] = ParkedFetch(
      context: context, request: request, deadlineMs: deadline, missingBytes: missingBytes)
    nextFetchDeadlineMs = min(nextFetchDeadlineMs, deadline)
    forEachPartition(of: request) { partition in
      if partition.waiters.last != context.connection { partition.waiters.append(context.connection) }
    }
  }

  private func forEachPartition(of request: FetchRequest, _ body: (Partition) -> Void) {
    for topic in request.topics {
      for entry in topic.partitions {
        if let partition = store.partition(topic.topic, entry.index) { body(partition) }
      }
    }
  }

  @discardableResult
  func unparkFetch(_ connection: ConnectionID) -> ParkedFetch? {
    guard let fetch = parkedFetches.removeValue(forKey: connection) else { return nil }
    forEachPartition(of: fetch.request) { $0.waiters.removeAll { $0 == connection } }
    return fetch
  }

  /// Answers the fetches that waited for the bytes just appended.
  private func wake(_ partition: Partition, by bytes: Int, at now: Instant) {
    for connection in partition.waiters {
      parkedFetches[connection]?.missingBytes -= bytes
      if let fetch = parkedFetches[connection], fetch.missingBytes <= 0 { answer(connection, at: now) }
    }
  }

  /// Answers all who wait for the partition: it is gone, or begins elsewhere now.
  func wakeAll(_ partition: Partition, at now: Instant) {
    for connection in partition.waiters { answer(connection, at: now) }
  }

  func expireFetches(at now: Instant) {
    guard now.monotonicMs >= nextFetchDeadlineMs else { return }
    for connection in parkedFetches.filter({ $0.value.deadlineMs <= now.monotonicMs }).keys.sorted() {
      answer(connection, at: now)
    }
    nextFetchDeadlineMs = parkedFetches.values.map(\.deadlineMs).min() ?? .max
  }

  private func answer(_ connection: ConnectionID, at now: Instant) {
    guard let fetch = unparkFetch(connection) else { return }
    let response = read(fetch.request)
    reply(fetch.context) { response.write(to: &$0, version: fetch.context.version) }
  }

  // MARK: Offsets

  func listOffsets(_ context: RequestContext, _ request: ListOffsetsRequest) {
    let topics = request.topics.map { topic in
      topic.map { entry in
        guard let log = store.partition(topic.topic, entry.index)?.log else {
          return ListOffsetsResponse.Partition(index: entry.index, error: .unknownTopicOrPartition)
        }
        do {
          return try find(entry, in: log)
        } catch {
          return ListOffsetsResponse.Partition(index: entry.index, error: .storageError)
        }
      }
    }
    reply(context) { ListOffsetsResponse(topics: topics).write(to: &$0, version: context.version) }
  }

  private func find(_ entry: ListOffsetsRequest.Partition, in log: PartitionLog) throws -> ListOffsetsResponse.Partition {
    var answer = ListOffsetsResponse.Partition(index: entry.index, error: Self.check(leaderEpoch: entry.leaderEpoch))
    guard answer.error == .none else { return answer }
    switch entry.timestamp {
    case -1: answer.offset = log.nextOffset
    case -2: answer.offset = log.startOffset
    case -3:
      if let latest = try log.latestRecord() { (answer.timestamp, answer.offset) = latest }
    case 0...:
      if let first = try log.firstRecord(sinceMs: entry.timestamp) { (answer.timestamp, answer.offset) = first }
    default: answer.error = .invalidRequest
    }
    return answer
  }
}
