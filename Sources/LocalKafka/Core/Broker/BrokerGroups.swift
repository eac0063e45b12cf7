/// Consumer groups and their offsets.
extension Broker {
  func findCoordinator(_ context: RequestContext, _ request: FindCoordinatorRequest) {
    var response = FindCoordinatorResponse(
      error: .none, host: config.advertisedHost, port: Int32(config.advertisedPort))
    if request.keyType == 1 {
      response = FindCoordinatorResponse(
        error: .transactionalIDAuthorizationFailed, message: Self.noTransactions, host: "", port: -1)
    } else if request.keyType != 0 || request.key.isEmpty {
      response = FindCoordinatorResponse(error: .invalidRequest, host: "", port: -1)
    }
    reply(context) { response.write(to: &$0, version: context.version) }
  }

  // MARK: Membership

  func joinGroup(_ context: RequestContext, _ request: JoinGroupRequest) {
    parked[context.connection] = context
    var effects: [GroupEffect] = []
    coordinator.join(
      request, from: context.connection, clientID: context.header.clientID, clientHost: context.host, at: context.now,
      into: &effects)
    carryOut(effects, at: context.now)
  }

  func syncGroup(_ context: RequestContext, _ request: SyncGroupRequest) {
    parked[context.connection] = context
    var effects: [GroupEffect] = []
    coordinator.sync(request, from: context.connection, at: context.now, into: &effects)
    carryOut(effects, at: context.now)
  }

  func heartbeat(_ context: RequestContext, _ request: HeartbeatRequest) {
    let error = coordinator.heartbeat(request, at: context.now)
    reply(context) { writer in
      if context.version >= 1 { writer.int32(0) }  // throttle time
      writer.error(error)
    }
  }

  func leaveGroup(_ context: RequestContext, _ request: LeaveGroupRequest) {
    var effects: [GroupEffect] = []
    let response = coordinator.leave(request, at: context.now, into: &effects)
    reply(context) { response.write(to: &$0, version: context.version) }
    carryOut(effects, at: context.now)
  }

  /// Sends what the groups decided. The generation is on disk before a member hears of it.
  func carryOut(_ effects: [GroupEffect], at now: Instant) {
    for effect in effects {
      switch effect {
      case .generation(let group, let generation):
        // A failing disk shows at the next commit; until then the generation holds in memory.
        try? offsetLog.note(generation: generation, of: group, nowMs: now.wallMs)
        noteAppended(offsetLog.log)
      case .joined(let connection, let response):
        guard let context = parked.removeValue(forKey: connection) else { continue }
        reply(context) { response.write(to: &$0, version: context.version) }
      case .synced(let connection, let response):
        guard let context = parked.removeValue(forKey: connection) else { continue }
        reply(context) { response.write(to: &$0, version: context.version) }
      }
    }
  }

  // MARK: Offsets

  func commitOffsets(_ context: RequestContext, _ request: OffsetCommitRequest) {
    let groupError = coordinator.checkCommit(group: request.group, by: request.identity, at: context.now)
    var accepted: [(partition: TopicPartition, offset: CommittedOffset)] = []
    var topics = request.topics.map { topic in
      topic.map { entry in
        var error = groupError
        if error == .none, store.partition(topic.topic, entry.index) == nil { error = .unknownTopicOrPartition }
        if error == .none, entry.metadata.utf8.count > Limits.offsetMetadataLength { error = .offsetMetadataTooLarge }
        if error == .none {
          accepted.append(
            (
              TopicPartition(topic: topic.topic, partition: entry.index),
              CommittedOffset(
                offset: entry.offset, leaderEpoch: entry.leaderEpoch, metadata: entry.metadata,
                committedAtMs: context.now.wallMs)
            ))
        }
        return OffsetCommitResponse.Partition(index: entry.index, error: error)
      }
    }
    do {
      try offsetLog.commit(accepted, group: request.group, nowMs: context.now.wallMs)
      noteAppended(offsetLog.log)
      for entry in accepted { coordinator.commit(entry.offset, to: entry.partition, group: request.group) }
    } catch {
      topics = topics.map { $0.map { .init(index: $0.index, error: $0.error == .none ? .storageError : $0.error) } }
    }
    reply(context) { OffsetCommitResponse(topics: topics).write(to: &$0, version: context.version) }
  }

  func fetchOffsets(_ context: RequestContext, _ request: OffsetFetchRequest) {
    let offsets = coordinator.groups[request.group]?.offsets ?? [:]
    let wanted = request.topics ?? Self.byTopic(offsets.keys.sorted())
    let topics = wanted.map { topic in
      topic.map { index in
        OffsetFetchResponse.Partition(
          index: index, committed: offsets[TopicPartition(topic: topic.topic, partition: index)])
      }
    }
    reply(context) { OffsetFetchResponse(topics: topics).write(to: &$0, version: context.version) }
  }

  private static func byTopic(_ partitions: [TopicPartition]) -> [ByTopic<Int32>] {
    partitions.reduce(into: []) { topics, each in
      if topics.last?.topic != each.topic { topics.append(ByTopic(topic: each.topic, partitions: [])) }
      topics[topics.count - 1].partitions.append(each.partition)
    }
  }

  func forgetOffsets(ofTopic name: String, at now: Instant) throws {
    for group in coordinator.names {
      let gone = (coordinator.groups[group]?.offsets.keys ?? [:].keys).filter { $0.topic == name }.sorted()
      try offsetLog.forget(gone, group: group, nowMs: now.wallMs)
      for partition in gone { coordinator.forget(partition, group: group) }
    }
    noteAppended(offsetLog.log)
  }

  // MARK: Operators

  func describeGroups(_ context: RequestContext, _ names: [String]) {
    reply(context) { writer in
      if context.version >= 1 { writer.int32(0) }  // throttle time
      writer.array(names) { coordinator.describe($1).write(to: &$0, version: context.version) }
    }
  }

  func listGroups(_ context: RequestContext, states: [String]) {
    let groups = coordinator.names.map(coordinator.describe).filter { states.isEmpty || states.contains($0.state) }
    reply(context) { ListGroupsResponse(groups: groups).write(to: &$0, version: context.version) }
  }

  func deleteGroups(_ context: RequestContext, _ names: [String]) {
    let results = names.map { name -> (name: String, error: ErrorCode, message: String?) in
      let error = coordinator.checkDeletion(of: name)
      guard error == .none, let group = coordinator.groups[name] else { return (name, error, nil) }
      do {
        try offsetLog.forget(group: group, nowMs: context.now.wallMs)
        noteAppended(offsetLog.log)
        coordinator.remove(group: name)
        return (name, .none, nil)
      } catch {
        return (name, .storageError, nil)
      }
    }
    reply(context) { NamedResults(results: results).write(to: &$0, throttle: true, messages: false) }
  }
}
