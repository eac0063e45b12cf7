/// The cluster, its topics and their settings.
extension Broker {
  // MARK: Metadata

  func metadata(_ context: RequestContext, _ request: MetadataRequest) throws {
    let topics = (request.topics ?? store.names).map { name in
      if store.topics[name] == nil, config.autoCreatesTopics, request.allowsAutoCreation {
        _ = create(
          .init(name: name, partitionCount: -1, replicationFactor: -1, assignments: [], configs: []), validateOnly: false,
          nowMs: context.now.wallMs)
      }
      if let topic = store.topics[name] {
        return MetadataResponse.Topic(error: .none, name: name, partitionCount: topic.partitions.count)
      }
      let error: ErrorCode = TopicStore.isLegal(name) ? .unknownTopicOrPartition : .invalidTopic
      return MetadataResponse.Topic(error: error, name: name, partitionCount: 0)
    }
    let response = MetadataResponse(
      host: config.advertisedHost, port: Int32(config.advertisedPort), clusterID: identity.clusterID, topics: topics)
    reply(context) { response.write(to: &$0, version: context.version) }
  }

  // MARK: Topics

  func createTopics(_ context: RequestContext, _ request: CreateTopicsRequest) {
    let repeated = Dictionary(grouping: request.topics, by: \.name).filter { $0.value.count > 1 }
    let results = request.topics.map { topic -> (name: String, error: ErrorCode, message: String?) in
      let refusal =
        repeated[topic.name] != nil
        ? AdminRefusal(code: .invalidRequest, reason: "Named more than once")
        : create(topic, validateOnly: request.validateOnly, nowMs: context.now.wallMs)
      return (topic.name, refusal?.code ?? .none, refusal?.reason)
    }
    reply(context) {
      NamedResults(results: results).write(to: &$0, throttle: context.version >= 2, messages: context.version >= 1)
    }
  }

  /// Why an administrator's wish is refused.
  struct AdminRefusal: Error {
    var code: ErrorCode
    var reason: String
  }

  private func create(_ request: CreateTopicsRequest.Topic, validateOnly: Bool, nowMs: Int64) -> AdminRefusal? {
    do {
      let (count, settings) = try plan(request)
      if !validateOnly { try store.create(request.name, partitionCount: count, config: settings, nowMs: nowMs) }
      return nil
    } catch let refusal as AdminRefusal {
      return refusal
    } catch let invalid as TopicConfig.Invalid {
      return AdminRefusal(code: .invalidConfig, reason: invalid.reason)
    } catch {
      return AdminRefusal(code: .storageError, reason: "\(error)")
    }
  }

  private func plan(_ request: CreateTopicsRequest.Topic) throws -> (partitionCount: Int, config: TopicConfig) {
    guard TopicStore.isLegal(request.name) else {
      throw AdminRefusal(code: .invalidTopic, reason: "Topic name is illegal: 1 to 249 of [a-zA-Z0-9._-]")
    }
    guard store.topics[request.name] == nil else {
      throw AdminRefusal(code: .topicAlreadyExists, reason: "Topic '\(request.name)' already exists.")
    }
    var count = request.partitionCount == -1 ? config.defaultPartitions : Int(request.partitionCount)
    if request.assignments.isEmpty {
      guard request.replicationFactor == 1 || request.replicationFactor == -1 else {
        throw AdminRefusal(code: .invalidReplicationFactor, reason: "There is one broker: the replication factor is 1")
      }
    } else {
      guard request.assignments.allSatisfy({ $0.brokers == [MetadataResponse.nodeID] }),
        request.assignments.map(\.partition).sorted() == (0..<Int32(request.assignments.count)).map(\.self)
      else { throw AdminRefusal(code: .invalidReplicaAssignment, reason: "There is one broker, number 1") }
      count = request.assignments.count
    }
    try check(partitionCount: count, additional: count)
    return (count, try TopicConfig(request.configs))
  }

  private func check(partitionCount: Int, additional: Int) throws {
    guard partitionCount > 0 else {
      throw AdminRefusal(code: .invalidPartitions, reason: "Number of partitions must be larger than 0.")
    }
    guard store.partitionCount + additional <= config.maxPartitions else {
      throw AdminRefusal(code: .policyViolation, reason: "More than \(config.maxPartitions) partitions on this broker")
    }
  }

  func deleteTopics(_ context: RequestContext, _ names: [String]) {
    let results = names.map { name -> (name: String, error: ErrorCode, message: String?) in
      guard let topic = store.topics[name] else { return (name, .unknownTopicOrPartition, nil) }
      do {
        try store.delete(name)
        for partition in topic.partitions {
          unsynchronized.removeAll { $0 === partition.log }
          wakeAll(partition, at: context.now)
        }
        try forgetOffsets(ofTopic: name, at: context.now)
        return (name, .none, nil)
      } catch {
        return (name, .storageError, "\(error)")
      }
    }
    reply(context) { NamedResults(results: results).write(to: &$0, throttle: context.version >= 1, messages: false) }
  }

  func createPartitions(_ context: RequestContext, _ request: CreatePartitionsRequest) {
    let results = request.topics.map { wish -> (name: String, error: ErrorCode, message: String?) in
      do {
        guard let topic = store.topics[wish.name] else { return (wish.name, .unknownTopicOrPartition, nil) }
        let additional = Int(wish.partitionCount) - topic.partitions.count
        guard additional > 0 else {
          let reason = "The topic already has \(topic.partitions.count) partitions."
          throw AdminRefusal(code: .invalidPartitions, reason: reason)
        }
        if let assignments = wish.assignments, assignments != .init(repeating: [MetadataResponse.nodeID], count: additional) {
          throw AdminRefusal(code: .invalidReplicaAssignment, reason: "There is one broker, number 1")
        }
        try check(partitionCount: Int(wish.partitionCount), additional: additional)
        if !request.validateOnly {
          try store.addPartitions(to: topic, upTo: Int(wish.partitionCount), nowMs: context.now.wallMs)
        }
        return (wish.name, .none, nil)
      } catch let refusal as AdminRefusal {
        return (wish.name, refusal.code, refusal.reason)
      } catch {
        return (wish.name, .storageError, "\(error)")
      }
    }
    reply(context) { NamedResults(results: results).write(to: &$0, throttle: true, messages: true) }
  }

  // MARK: Settings

  func describeConfigs(_ context: RequestContext, _ request: DescribeConfigsRequest) {
    let resources = request.resources.map { wish in
      var answer = DescribeConfigsResponse.Resource(resource: wish.resource, error: .none, entries: [])
      switch wish.resource.type {
      case ConfigResource.topic:
        if let topic = store.topics[wish.resource.name] {
          answer.entries = topic.config.all.map {
            .init(name: $0.name, value: $0.value, isDefault: $0.isDefault, isReadOnly: false)
          }
        } else {
          answer.error = .unknownTopicOrPartition
        }
      case ConfigResource.broker where wish.resource.name == String(MetadataResponse.nodeID): answer.entries = brokerConfigs
      default:
        answer.error = .invalidRequest
        answer.message = "Only topics and broker \(MetadataResponse.nodeID) have a configuration here"
      }
      if let keys = wish.keys { answer.entries.removeAll { !keys.contains($0.name) } }
      return answer
    }
    reply(context) { DescribeConfigsResponse(resources: resources).write(to: &$0, version: context.version) }
  }

  private var brokerConfigs: [DescribeConfigsResponse.Entry] {
    [
      ("auto.create.topics.enable", "\(config.autoCreatesTopics)"),
      ("fetch.max.bytes", "\(config.maxFetchBytes)"),
      ("group.initial.rebalance.delay.ms", "\(config.initialRebalanceDelayMs)"),
      ("group.max.session.timeout.ms", "\(config.sessionTimeoutMs.upperBound)"),
      ("group.max.size", "\(config.maxGroupSize)"),
      ("group.min.session.timeout.ms", "\(config.sessionTimeoutMs.lowerBound)"),
      ("log.retention.check.interval.ms", "\(config.maintenanceIntervalMs)"),
      ("num.partitions", "\(config.defaultPartitions)"),
    ].map { .init(name: $0.0, value: $0.1, isDefault: false, isReadOnly: true) }
  }

  /// - Parameter replacing: what is not named goes back to its default (AlterConfigs).
  func alterConfigs(_ context: RequestContext, _ request: AlterConfigsRequest, replacing: Bool) {
    let results = request.resources.map { wish -> (resource: ConfigResource, error: ErrorCode, message: String?) in
      do {
        guard wish.resource.type == ConfigResource.topic else {
          throw AdminRefusal(code: .invalidRequest, reason: "Only a topic's configuration can be changed")
        }
        guard let topic = store.topics[wish.resource.name] else { return (wish.resource, .unknownTopicOrPartition, nil) }
        var changed = replacing ? TopicConfig() : topic.config
        for change in wish.changes {
          guard let operation = change.operation else {
            throw AdminRefusal(code: .invalidRequest, reason: "Only set and delete are supported")
          }
          try changed.set(change.name, to: operation == .set ? change.value : nil)
        }
        if !request.validateOnly { try store.change(topic, to: changed) }
        return (wish.resource, .none, nil)
      } catch let refusal as AdminRefusal {
        return (wish.resource, refusal.code, refusal.reason)
      } catch let invalid as TopicConfig.Invalid {
        return (wish.resource, .invalidConfig, invalid.reason)
      } catch {
        return (wish.resource, .storageError, "\(error)")
      }
    }
    reply(context) { AlterConfigsResponse(results: results).write(to: &$0) }
  }
}
