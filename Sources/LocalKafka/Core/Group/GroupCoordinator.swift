import Domain

/// A partition of a topic, by name.
struct TopicPartition: Hashable, Comparable {
  var topic: String
  var partition: Int32

  static func < (left: TopicPartition, right: TopicPartition) -> Bool {
    (left.topic, left.partition) < (right.topic, right.partition)
  }
}

/// Gives out member ids that do not repeat, not even over restarts when each start has a nonce of its own.
struct MemberIDs {
  private var generator: SeededGenerator

  init(nonce: UInt64) { generator = SeededGenerator(seed: nonce) }

  mutating func next(for prefix: String) -> String {
    let name = prefix.utf8.count <= 128 ? prefix : "member"
    return "\(name)-\(hex(generator.next()))\(hex(generator.next()))"
  }

  private func hex(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

/// All consumer groups: a pure state machine. Time comes in with every call, answers to parked requests go out as effects.
struct GroupCoordinator {
  private let config: BrokerConfig
  private var memberIDs: MemberIDs
  private(set) var groups: [String: Group] = [:]
  /// Nothing happens by time alone before this (monotonic milliseconds); it may be too early, never too late.
  private(set) var nextDeadlineMs = Int64.max

  init(config: BrokerConfig, nonce: UInt64) {
    self.config = config
    memberIDs = MemberIDs(nonce: nonce)
  }

  var names: [String] { groups.keys.sorted() }

  // MARK: Membership

  mutating func join(
    _ request: JoinGroupRequest, from connection: ConnectionID, clientID: String, clientHost: String, at now: Instant,
    into effects: inout [GroupEffect]
  ) {
    let time = now.monotonicMs
    func refuse(_ error: ErrorCode, memberID: String = request.memberID) {
      effects.append(.joined(connection, JoinGroupResponse(error: error, memberID: memberID)))
    }
    guard !request.group.isEmpty else { return refuse(.invalidGroupID) }
    guard config.sessionTimeoutMs.contains(request.sessionTimeoutMs), request.rebalanceTimeoutMs >= 0 else {
      return refuse(.invalidSessionTimeout)
    }
    guard var group = groups[request.group] ?? newGroup(request.group, idleSinceMs: now.wallMs) else {
      return refuse(.groupMaxSizeReached)
    }
    guard group.accepts(request) else { return refuse(.inconsistentGroupProtocol) }
    defer { store(group) }

    if !request.memberID.isEmpty && !group.isPending(request.memberID) {
      let error = group.check(MemberIdentity(memberID: request.memberID, instanceID: request.instanceID))
      guard error == .none, let index = group.index(ofMember: request.memberID) else { return refuse(error) }
      return group.rejoin(index, with: request, from: connection, at: time, into: &effects)
    }
    let memberID = request.memberID.isEmpty ? memberIDs.next(for: request.instanceID ?? clientID) : request.memberID
    if let instance = request.instanceID, let index = group.index(ofInstance: instance) {
      return group.replace(index, by: memberID, with: request, from: connection, at: time, into: &effects)
    }
    guard group.members.count + group.pending.count < config.maxGroupSize || group.isPending(memberID) else {
      return refuse(.groupMaxSizeReached)
    }
    if request.memberID.isEmpty && request.mustKnowMemberID && request.instanceID == nil {
      group.expect(memberID: memberID, until: time + Int64(request.sessionTimeoutMs))
      return refuse(.memberIDRequired, memberID: memberID)
    }
    let member = Group.Member(
      id: memberID, instanceID: request.instanceID, clientID: clientID, clientHost: clientHost,
      sessionTimeoutMs: Int64(request.sessionTimeoutMs), rebalanceTimeoutMs: Int64(request.rebalanceTimeoutMs),
      protocols: request.protocols, waiting: .join(connection), sessionDeadlineMs: time + Int64(request.sessionTimeoutMs))
    group.add(member, protocolType: request.protocolType, at: time, into: &effects)
  }

  mutating func sync(
    _ request: SyncGroupRequest, from connection: ConnectionID, at now: Instant, into effects: inout [GroupEffect]
  ) {
    guard var group = groups[request.group] else {
      effects.append(.synced(connection, SyncGroupResponse(error: request.group.isEmpty ? .invalidGroupID : .unknownMemberID)))
      return
    }
    group.sync(request, from: connection, at: now.monotonicMs, into: &effects)
    store(group)
  }

  mutating func heartbeat(_ request: HeartbeatRequest, at now: Instant) -> ErrorCode {
    guard !request.group.isEmpty else { return .invalidGroupID }
    return groups[request.group]?.heartbeat(request.identity, at: now.monotonicMs) ?? .unknownMemberID
  }

  mutating func leave(_ request: LeaveGroupRequest, at now: Instant, into effects: inout [GroupEffect]) -> LeaveGroupResponse {
    guard !request.group.isEmpty else { return LeaveGroupResponse(error: .invalidGroupID, members: []) }
    guard var group = groups[request.group] else { return LeaveGroupResponse(error: .unknownMemberID, members: []) }
    let results = request.members.map { identity in
      (identity, group.leave(identity, at: now.monotonicMs, into: &effects))
    }
    if group.members.isEmpty { group.idleSinceMs = now.wallMs }
    store(group)
    return LeaveGroupResponse(error: .none, members: results)
  }

  /// Carries out what is due. Cheap when nothing is.
  mutating func tick(at now: Instant, into effects: inout [GroupEffect]) {
    guard now.monotonicMs >= nextDeadlineMs else { return }
    nextDeadlineMs = .max
    for name in names {
      guard var group = groups[name] else { continue }
      if group.nextDeadlineMs <= now.monotonicMs {
        let had = !group.members.isEmpty
        group.tick(at: now.monotonicMs, into: &effects)
        if had && group.members.isEmpty { group.idleSinceMs = now.wallMs }
      }
      store(group)
    }
  }

  // MARK: Offsets

  /// Whether a commit may be taken: from a member of this generation, or from outside while the group has no members.
  mutating func checkCommit(group name: String, by identity: MemberIdentity, at now: Instant) -> ErrorCode {
    guard !name.isEmpty else { return .invalidGroupID }
    let isOutsider = identity.generation < 0
    guard var group = groups[name] ?? (isOutsider ? newGroup(name, idleSinceMs: now.wallMs) : nil) else {
      return groups.count >= config.maxGroups ? .groupMaxSizeReached : .illegalGeneration
    }
    if isOutsider && group.state == .empty {
      store(group)
      return .none
    }
    let error = group.checkGeneration(identity)
    guard error == .none, let index = group.index(ofMember: identity.memberID) else { return error }
    if case .completing = group.state { return .rebalanceInProgress }
    group.touch(index, at: now.monotonicMs)
    store(group)
    return .none
  }

  /// Notes what has been made durable.
  mutating func commit(_ offset: CommittedOffset, to partition: TopicPartition, group name: String) {
    guard var group = groups[name] ?? newGroup(name, idleSinceMs: offset.committedAtMs, isRestored: true) else { return }
    group.offsets[partition] = offset
    group.idleSinceMs = max(group.idleSinceMs, offset.committedAtMs)
    groups[name] = group
  }

  /// Notes that an offset is gone for good.
  mutating func forget(_ partition: TopicPartition, group name: String) { groups[name]?.offsets[partition] = nil }

  // MARK: Coming and going

  /// A group as it was before a restart: its members have to join again, under a later generation.
  mutating func restore(group name: String, generation: Int32, idleSinceMs: Int64) {
    let offsets = groups[name]?.offsets ?? [:]
    groups[name] = Group(
      name: name, initialDelayMs: config.initialRebalanceDelayMs, generation: generation, idleSinceMs: idleSinceMs)
    groups[name]?.offsets = offsets
  }

  /// Whether the group could be deleted; the caller then makes it durable and calls `remove`.
  func checkDeletion(of name: String) -> ErrorCode {
    guard !name.isEmpty else { return .invalidGroupID }
    guard let group = groups[name] else { return .groupIDNotFound }
    return group.members.isEmpty && group.pending.isEmpty ? .none : .nonEmptyGroup
  }

  mutating func remove(group name: String) { groups[name] = nil }

  /// Groups without members whose offsets nobody has touched for too long. Without offsets it is sooner, and at once when
  /// there never was a generation.
  func expired(at now: Instant) -> [String] {
    names.filter { name in
      guard let group = groups[name], checkDeletion(of: name) == .none else { return false }
      let patienceMs =
        !group.offsets.isEmpty ? config.offsetsRetentionMs : group.generation > 0 ? config.emptyGroupRetentionMs : 0
      return now.wallMs - group.idleSinceMs >= patienceMs
    }
  }

  func describe(_ name: String) -> GroupDescription {
    groups[name]?.description ?? GroupDescription(group: name, state: "Dead")
  }

  private func newGroup(_ name: String, idleSinceMs: Int64, isRestored: Bool = false) -> Group? {
    guard isRestored || groups.count < config.maxGroups else { return nil }
    return Group(name: name, initialDelayMs: config.initialRebalanceDelayMs, idleSinceMs: idleSinceMs)
  }

  private mutating func store(_ group: Group) {
    groups[group.name] = group
    nextDeadlineMs = min(nextDeadlineMs, group.nextDeadlineMs)
  }
}
