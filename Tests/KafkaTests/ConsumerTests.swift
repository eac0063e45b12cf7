import Domain
import Kafka
import Runtime
import TestSupport
import Testing

@Suite(.serialized) struct ManualConsumerTests {
  private let cluster: Cluster

  init() throws { cluster = try Cluster() }

  @Test func readsFromAnOffsetSeeksAndSeesTheEnd() throws {
    try cluster.create("t")
    try cluster.append(["a", "b", "c", "d"], to: "t")
    let consumer = try KafkaConsumer(manual: cluster.settings, reportsEnd: true)
    try consumer.assign([TopicPartitionOffset("t", 0, offset: 1)])
    #expect(try consumer.values(3) == ["b", "c", "d"])
    let end = try consumer.next { event -> Int64? in
      if case .endOfPartition(_, let offset) = event { offset } else { nil }
    }
    #expect(end == 4)
    try consumer.seek([TopicPartitionOffset("t", 0, offset: 3)])
    #expect(try consumer.values(1) == ["d"])
    #expect(try consumer.watermarks("t", 0) == Watermarks(low: 0, high: 4))
  }

  @Test func partitionsComeAndGo() throws {
    try cluster.create("t", partitions: 2)
    try cluster.append(["a"], to: "t", partition: 0)
    try cluster.append(["b"], to: "t", partition: 1)
    let consumer = try KafkaConsumer(manual: cluster.settings)
    try consumer.add([TopicPartitionOffset("t", 0, offset: TopicPartitionOffset.beginning)])
    #expect(try consumer.values(1) == ["a"])
    try consumer.add([TopicPartitionOffset("t", 1, offset: TopicPartitionOffset.beginning)])
    #expect(try consumer.values(1) == ["b"])
    try consumer.remove([TopicPartition("t", 0)])
    #expect(consumer.assignment == [TopicPartition("t", 1)])
    try cluster.append(["c"], to: "t", partition: 0)
    try cluster.append(["d"], to: "t", partition: 1)
    #expect(try consumer.values(1) == ["d"])
  }

  @Test func anOffsetThatIsGoneIsAnErrorNotAJump() throws {
    try cluster.create("t")
    try cluster.append(["a"], to: "t")
    let consumer = try KafkaConsumer(manual: cluster.settings)
    try consumer.assign([TopicPartitionOffset("t", 0, offset: 100)])
    let error = try consumer.next { event -> KafkaError? in
      if case .error(let error) = event { error } else { nil }
    }
    #expect(error.name == "_AUTO_OFFSET_RESET" || error.name == "OFFSET_OUT_OF_RANGE", "\(error)")
  }

  @Test func offsetsAreFoundByTime() throws {
    try cluster.create("t")
    try cluster.append(["a", "b"], to: "t")
    let consumer = try KafkaConsumer(manual: cluster.settings)
    let partition = TopicPartition("t", 0)
    #expect(try consumer.offsets(at: .zero, in: [partition]) == [partition: 0])
    #expect(try consumer.offsets(at: wallClock() + Interval.hour, in: [partition]) == [partition: 2])
  }

  @Test func aStretchIsReadFromStartToEnd() throws {
    try cluster.create("t")
    let all = (0..<1_000).map { "\($0)" }
    try cluster.append(all, to: "t")
    let reader = try KafkaReader(cluster.settings)
    func read(from start: Int64?, to end: Int64?) throws -> (values: [String], next: Int64) {
      var values: [String] = []
      let next = try reader.readPartition("t", 0, from: start, to: end) {
        values.append(String(decoding: $0.value ?? [], as: UTF8.self))
      }
      return (values, next)
    }
    #expect(try read(from: nil, to: nil) == (all, 1_000))
    #expect(try read(from: 10, to: 20) == (Array(all[10..<20]), 20))
    #expect(try read(from: 990, to: 5_000) == (Array(all[990...]), 1_000))
    #expect(try read(from: 20, to: 20) == ([], 20))
    #expect(try read(from: 1_000, to: nil) == ([], 1_000))
    try cluster.append(["more"], to: "t")
    #expect(try read(from: 1_000, to: nil) == (["more"], 1_001))
  }

  @Test func messagesOutliveTheirConsumer() throws {
    try cluster.create("t")
    try cluster.append(["a"], to: "t")
    var kept: [KafkaMessage] = []
    try KafkaReader(cluster.settings).readPartition("t", 0) { kept.append($0) }
    #expect(kept.first?.value == [UInt8(ascii: "a")])
    kept.first?.withValue { #expect($0?.count == 1) }
  }
}

@Suite(.serialized) struct GroupConsumerTests {
  private let cluster: Cluster

  init() throws { cluster = try Cluster() }

  @Test func committedOffsetsAreWhereTheNextMemberStarts() throws {
    try cluster.create("t")
    try cluster.append(["a", "b", "c"], to: "t")
    let first = try KafkaConsumer(cluster.settings, group: "g")
    try first.subscribe(["t"])
    #expect(try first.joined() == [TopicPartition("t", 0)])
    #expect(try first.values(3) == ["a", "b", "c"])
    try first.commit([TopicPartitionOffset("t", 0, offset: 2)])
    #expect(try first.committed([TopicPartition("t", 0)]) == [TopicPartition("t", 0): 2])
    #expect(first.leave())

    let second = try KafkaConsumer(cluster.settings, group: "g")
    try second.subscribe(["t"])
    _ = try second.joined()
    #expect(try second.values(1) == ["c"])
    #expect(second.leave())
  }

  @Test func nothingIsFetchedBeforeTheOwnerHasRestored() throws {
    try cluster.create("t")
    try cluster.append(["a", "b"], to: "t")
    let consumer = try KafkaConsumer(cluster.settings, group: "g")
    try consumer.subscribe(["t"])
    let partitions = try consumer.next { event -> [TopicPartition]? in
      if case .assigned(let partitions) = event { partitions } else { nil }
    }
    #expect(consumer.poll(timeoutMilliseconds: 300) == nil)
    try consumer.assign(partitions.map { TopicPartitionOffset($0, offset: 1) })
    #expect(try consumer.values(1) == ["b"])
    #expect(consumer.leave())
  }

  @Test func aCommitIsALeaseThatAnotherGenerationBreaks() throws {
    try cluster.create("t")
    try cluster.append(["a"], to: "t")
    let first = try KafkaConsumer(cluster.settings, group: "g", instanceID: "one")
    try first.subscribe(["t"])
    _ = try first.joined()
    try first.commitAsync([TopicPartitionOffset("t", 0, offset: 1)], token: 42)
    let (token, error) = try first.next { event -> (UInt64, KafkaError?)? in
      if case .committed(let token, _, let error) = event { (token, error) } else { nil }
    }
    #expect(token == 42 && error == nil)
    // The same offsets again are a renewal.
    try first.commit([TopicPartitionOffset("t", 0, offset: 1)])

    // The replacement of a process that still runs: the same static identity.
    let second = try KafkaConsumer(cluster.settings, group: "g", instanceID: "one")
    try second.subscribe(["t"])
    #expect(try second.joined() == [TopicPartition("t", 0)])
    let refusal = #expect(throws: KafkaError.self) { try first.commit([TopicPartitionOffset("t", 0, offset: 1)]) }
    // A heartbeat may have learnt it first; then the instance has ended, and says of what.
    let reason = refusal?.isFatal == true ? first.fatalError : refusal
    #expect(reason?.meansOwnershipLost == true, "\(String(describing: refusal))")
    try second.commit([TopicPartitionOffset("t", 0, offset: 1)])
    #expect(second.leave())
    first.close()
  }

  @Test func aCommitToADeadBrokerEndsInTime() throws {
    try cluster.create("t")
    let consumer = try KafkaConsumer(cluster.settings, group: "g")
    try consumer.subscribe(["t"])
    _ = try consumer.joined()
    cluster.server.kill()
    let error = #expect(throws: KafkaError.self) {
      try consumer.commit([TopicPartitionOffset("t", 0, offset: 0)], timeoutMilliseconds: 300)
    }
    #expect(error?.meansOwnershipLost == false, "nobody has said that another owner is there")
    #expect(!consumer.close(timeoutMilliseconds: 100), "a dead broker must not hold up the end of the program")
  }

  @Test func aMemberGoesOnAfterTheBrokerHasRestarted() throws {
    try cluster.create("t")
    let consumer = try KafkaConsumer(cluster.settings, group: "g", instanceID: "one")
    try consumer.subscribe(["t"])
    _ = try consumer.joined()
    try consumer.commit([TopicPartitionOffset("t", 0, offset: 0)])
    cluster.server.kill()
    let second = try LocalKafkaServer(directory: cluster.server.data, port: cluster.server.port)
    try cluster.append(["a"], to: "t")
    // Whatever the broker remembers of the group: either the assignment holds, or it is taken and given again; commits are
    // refused in between, or find no coordinator yet, and in the end one is accepted.
    var hasRecord = false
    var isCommitted = false
    let deadline = Deadline(afterMilliseconds: 60_000)
    while !isCommitted, !deadline.isPast {
      switch consumer.poll(timeoutMilliseconds: 50) {
      case .assigned(let partitions):
        hasRecord = false
        try consumer.assign(partitions.map { TopicPartitionOffset($0, offset: 0) })
      case .revoked, .lost:
        hasRecord = false
        try consumer.unassign()
      case .message(let message):
        #expect(message.value == Array("a".utf8))
        hasRecord = true
      default: break
      }
      guard hasRecord else { continue }
      do throws(KafkaError) {
        try consumer.commit([TopicPartitionOffset("t", 0, offset: 1)])
        isCommitted = true
      } catch {
        guard error.meansOwnershipLost || error.isTemporary else { throw error }
      }
    }
    #expect(isCommitted)
    #expect(consumer.leave())
    second.kill()
  }

  /// Nothing is heard from the broker for longer than the session of 6 s: another member may have the partitions by now.
  @Test func aMemberThatMayHaveBeenReplacedIsToldThatItLost() throws {
    try cluster.create("t")
    let consumer = try KafkaConsumer(cluster.settings, group: "g")
    try consumer.subscribe(["t"])
    #expect(try consumer.joined().count == 1)
    cluster.server.freeze(true)
    let lost = try? consumer.next { event -> [TopicPartition]? in
      if case .lost(let partitions) = event { partitions } else { nil }
    }
    cluster.server.freeze(false)
    #expect(lost == [TopicPartition("t", 0)])
    try consumer.unassign()
    #expect(try consumer.joined().count == 1)
    #expect(consumer.leave())
  }

  @Test func aRebalanceAsksTheOwnerToGivePartitionsBack() throws {
    try cluster.create("t", partitions: 2)
    let first = try KafkaConsumer(cluster.settings, group: "g")
    try first.subscribe(["t"])
    #expect(try first.joined().count == 2)
    let second = try KafkaConsumer(cluster.settings, group: "g")
    try second.subscribe(["t"])
    let joining = try NamedThread("second") { _ = try? second.joined() }
    let revoked = try first.next { event -> [TopicPartition]? in
      if case .revoked(let partitions) = event { partitions } else { nil }
    }
    #expect(revoked.count == 2)
    try first.unassign()
    #expect(try first.joined().count == 1)
    #expect(joining.join(timeoutMilliseconds: 30_000))
    #expect(Set(first.assignment + second.assignment) == [TopicPartition("t", 0), TopicPartition("t", 1)])
    #expect(second.leave())
    #expect(first.leave())
  }

  @Test func pausedPartitionsDeliverNothingUntilResumed() throws {
    try cluster.create("t")
    let consumer = try KafkaConsumer(manual: cluster.settings)
    try consumer.assign([TopicPartitionOffset("t", 0, offset: TopicPartitionOffset.beginning)])
    try consumer.pause([TopicPartition("t", 0)])
    try cluster.append(["a"], to: "t")
    #expect(consumer.poll(timeoutMilliseconds: 300) == nil)
    try consumer.resume([TopicPartition("t", 0)])
    #expect(try consumer.values(1) == ["a"])
  }

  @Test func aWakeupTellsOfRecords() throws {
    try cluster.create("t")
    let consumer = try KafkaConsumer(manual: cluster.settings)
    let wakeup = try Wakeup()
    consumer.attach(wakeup)
    try consumer.assign([TopicPartitionOffset("t", 0, offset: TopicPartitionOffset.beginning)])
    var values: [[UInt8]?] = []
    for number: UInt8 in 0..<20 {
      try cluster.append(["\(number)"], to: "t")
      while values.count <= number {
        #expect(wakeup.wait(timeoutMilliseconds: 20_000), "record \(number) woke nobody")
        while let event = consumer.poll(timeoutMilliseconds: 0) {
          if case .message(let message) = event { values.append(message.value) }
        }
      }
    }
    #expect(values.count == 20)
  }

  /// The loop of the programs: events are polled, nothing comes, and yet the member must count as alive.
  @Test func anIdlePollerStaysInTheGroup() throws {
    try cluster.create("t")
    var settings = cluster.settings
    settings.properties = ["max.poll.interval.ms": "6000"]
    let consumer = try KafkaConsumer(settings, group: "g")
    try consumer.subscribe(["t"])
    _ = try consumer.joined()
    let deadline = Deadline(afterMilliseconds: 8_000)
    while !deadline.isPast {
      guard let event = consumer.poll(timeoutMilliseconds: 100) else { continue }
      if case .error(let error) = event { Issue.record("\(error)") }
      if case .lost = event { Issue.record("lost its partitions") }
    }
    #expect(consumer.leave())
  }
}
