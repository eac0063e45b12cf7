/// What a group wants done.
enum GroupEffect: Equatable {
  case joined(ConnectionID, JoinGroupResponse)
  case synced(ConnectionID, SyncGroupResponse)
  /// A rebalance was completed; generations must keep growing over restarts.
  case generation(group: String, Int32)
}

/// A consumer group by Kafka's classic protocol: `empty → preparing → completing → stable`, and back to `preparing`
/// whenever membership changes. The members decide who gets what; the group only makes them agree on a generation.
struct Group {
  enum State: Equatable {
    case empty
    /// Waiting until all members have joined again, at most until the deadline. The first rebalance of an empty group
    /// waits for its delay in any case, so that members which start together are one generation.
    case preparing(deadlineMs: Int64, isInitial: Bool)
    /// All have the generation; waiting for the leader's assignment, and for nobody longer than the deadline.
    case completing(deadlineMs: Int64)
    case stable
  }

  enum Waiting: Equatable {
    case nothing
    case join(ConnectionID)
    case sync(ConnectionID)
  }

  struct Member {
    var id: String
    var instanceID: String?
    var clientID: String
    var clientHost: String
    var sessionTimeoutMs: Int64
    var rebalanceTimeoutMs: Int64
    var protocols: [JoinGroupRequest.Candidate]
    var assignment: [UInt8] = []
    var waiting = Waiting.nothing
    /// When it counts as dead, unless it is heard of or waits for an answer.
    var sessionDeadlineMs: Int64

    var isJoining: Bool { if case .join = waiting { true } else { false } }
    var isWaiting: Bool { waiting != .nothing }
  }

  let name: String
  let initialDelayMs: Int64
  private(set) var state = State.empty
  private(set) var generation: Int32
  private(set) var protocolType = ""
  private(set) var protocolName = ""
  private(set) var leader: String?
  /// In order of arrival.
  private(set) var members: [Member] = []
  /// Ids given to members that have yet to come back with them, and until when they may.
  private(set) var pending: [(id: String, deadlineMs: Int64)] = []
  /// When it last lost its last member or had an offset committed, wall clock.
  var idleSinceMs: Int64
  var offsets: [TopicPartition: CommittedOffset] = [:]

  init(name: String, initialDelayMs: Int64, generation: Int32 = 0, idleSinceMs: Int64) {
    self.name = name
    self.initialDelayMs = initialDelayMs
    self.generation = generation
    self.idleSinceMs = idleSinceMs
  }

  /// The next instant at which time alone changes something.
  var nextDeadlineMs: Int64 {
    var next = pending.map(\.deadlineMs).min() ?? .max
    switch state {
    case .preparing(let deadline, _), .completing(let deadline): next = min(next, deadline)
    case .empty, .stable: break
    }
    return members.reduce(next) { $1.isWaiting ? $0 : min($0, $1.sessionDeadlineMs) }
  }

  // MARK: Who is who

  func index(ofMember id: String) -> Int? { members.firstIndex { $0.id == id } }

  func index(ofInstance id: String) -> Int? { members.firstIndex { $0.instanceID == id } }

  /// Whether the identity names a member, and the one that holds its static name now.
  func check(_ identity: MemberIdentity) -> ErrorCode {
    if let instance = identity.instanceID {
      guard let index = index(ofInstance: instance) else { return .unknownMemberID }
      return members[index].id == identity.memberID ? .none : .fencedInstanceID
    }
    return index(ofMember: identity.memberID) == nil ? .unknownMemberID : .none
  }

  /// `check`, and whether the identity's generation is the group's.
  func checkGeneration(_ identity: MemberIdentity) -> ErrorCode {
    let error = check(identity)
    if error != .none { return error }
    return identity.generation == generation ? .none : .illegalGeneration
  }

  func accepts(_ request: JoinGroupRequest) -> Bool {
    guard !request.protocols.isEmpty, !request.protocolType.isEmpty else { return false }
    guard !members.isEmpty else { return true }
    return request.protocolType == protocolType
      && request.protocols.contains { candidate in members.allSatisfy { $0.supports(candidate.name) } }
  }

  // MARK: Joining

  mutating func expect(memberID: String, until deadline: Int64) { pending.append((memberID, deadline)) }

  func isPending(_ memberID: String) -> Bool { pending.contains { $0.id == memberID } }

  mutating func add(_ member: Member, protocolType: String, at now: Int64, into effects: inout [GroupEffect]) {
    pending.removeAll { $0.id == member.id }
    if members.isEmpty { self.protocolType = protocolType }
    members.append(member)
    if leader == nil { leader = member.id }
    prepareRebalance(at: now, into: &effects)
  }

  /// A known member joins again.
  mutating func rejoin(
    _ index: Int, with request: JoinGroupRequest, from connection: ConnectionID, at now: Int64,
    into effects: inout [GroupEffect]
  ) {
    let isUnchanged = members[index].protocols == request.protocols
    let isLeader = members[index].id == leader
    switch state {
    case .completing where isUnchanged, .stable where isUnchanged && !isLeader:
      // It has missed the answer: the generation stands, and it is told again.
      effects.append(.joined(connection, joinResponse(for: members[index])))
    case .empty:
      effects.append(.joined(connection, JoinGroupResponse(error: .unknownMemberID, memberID: request.memberID)))
    case .preparing, .completing, .stable:
      update(index, with: request)
      members[index].waiting = .join(connection)
      prepareRebalance(at: now, into: &effects)
    }
  }

  /// A static member has come back without its old id: it takes over, whoever still uses the old one is fenced.
  mutating func replace(
    _ index: Int, by newID: String, with request: JoinGroupRequest, from connection: ConnectionID,
    at now: Int64, into effects: inout [GroupEffect]
  ) {
    let oldID = members[index].id
    let oldLeader = leader ?? ""
    answerWaiting(index, error: .fencedInstanceID, into: &effects)
    members[index].id = newID
    if leader == oldID { leader = newID }
    update(index, with: request)
    members[index].sessionDeadlineMs = now + members[index].sessionTimeoutMs
    if state == .stable && selectedProtocol == protocolName {
      // The old leader's name keeps the new one from computing an assignment that nobody waits for (KIP-345).
      var response = joinResponse(for: members[index])
      response.leader = oldLeader
      response.members = []
      effects.append(.joined(connection, response))
    } else {
      members[index].waiting = .join(connection)
      prepareRebalance(at: now, into: &effects)
    }
  }

  private mutating func update(_ index: Int, with request: JoinGroupRequest) {
    members[index].protocols = request.protocols
    members[index].sessionTimeoutMs = Int64(request.sessionTimeoutMs)
    members[index].rebalanceTimeoutMs = Int64(request.rebalanceTimeoutMs)
  }

  private func joinResponse(for member: Member) -> JoinGroupResponse {
    var response = JoinGroupResponse(
      error: .none, generation: generation, protocolName: protocolName, leader: leader ?? "", memberID: member.id)
    if member.id == leader {
      response.members = members.map {
        JoinGroupResponse.Member(memberID: $0.id, instanceID: $0.instanceID, metadata: $0.metadata(for: protocolName))
      }
    }
    return response
  }

  // MARK: Rebalancing

  private mutating func prepareRebalance(at now: Int64, into effects: inout [GroupEffect]) {
    switch state {
    case .preparing: break
    case .empty:
      state = .preparing(deadlineMs: now + initialDelayMs, isInitial: initialDelayMs > 0)
    case .completing, .stable:
      for index in members.indices {
        if case .sync(let connection) = members[index].waiting {
          effects.append(.synced(connection, SyncGroupResponse(error: .rebalanceInProgress)))
          members[index].waiting = .nothing
          members[index].sessionDeadlineMs = now + members[index].sessionTimeoutMs
        }
      }
      state = .preparing(deadlineMs: now + rebalanceTimeoutMs, isInitial: false)
    }
    completeJoinIfAllAreHere(at: now, into: &effects)
  }

  private var rebalanceTimeoutMs: Int64 { members.map(\.rebalanceTimeoutMs).max() ?? 0 }

  private mutating func completeJoinIfAllAreHere(at now: Int64, into effects: inout [GroupEffect]) {
    guard case .preparing(_, isInitial: false) = state, pending.isEmpty, members.allSatisfy(\.isJoining) else { return }
    completeJoin(at: now, into: &effects)
  }

  private mutating func completeJoin(at now: Int64, into effects: inout [GroupEffect]) {
    // Static members are given until their session ends; the others had their chance.
    members.removeAll { !$0.isJoining && $0.instanceID == nil }
    if !members.isEmpty && !members.contains(where: \.isJoining) {
      state = .preparing(deadlineMs: now + rebalanceTimeoutMs, isInitial: false)
      return
    }
    generation = generation == Int32.max ? 1 : generation + 1
    effects.append(.generation(group: name, generation))
    guard !members.isEmpty else {
      becomeEmpty()
      return
    }
    if !members.contains(where: { $0.id == leader && $0.isJoining }) { leader = members.first(where: \.isJoining)?.id }
    protocolName = selectedProtocol
    state = .completing(deadlineMs: now + rebalanceTimeoutMs)
    for index in members.indices {
      if case .join(let connection) = members[index].waiting {
        members[index].waiting = .nothing
        members[index].sessionDeadlineMs = now + members[index].sessionTimeoutMs
        members[index].assignment = []
        effects.append(.joined(connection, joinResponse(for: members[index])))
      }
    }
  }

  private mutating func becomeEmpty() {
    state = .empty
    leader = nil
    protocolName = ""
  }

  /// Each member votes for the first of its protocols that all support; ties go to what the first member likes best.
  private var selectedProtocol: String {
    guard let first = members.first else { return "" }
    let candidates = first.protocols.map(\.name).filter { name in members.allSatisfy { $0.supports(name) } }
    let votes = members.compactMap { member in member.protocols.first { candidates.contains($0.name) }?.name }
    return candidates.reduce("") { best, name in
      best.isEmpty || votes.count(where: { $0 == name }) > votes.count(where: { $0 == best }) ? name : best
    }
  }

  // MARK: The assignment

  mutating func sync(_ request: SyncGroupRequest, from connection: ConnectionID, at now: Int64, into effects: inout [GroupEffect])
  {
    let error = checkGeneration(request.identity)
    guard error == .none, let index = index(ofMember: request.identity.memberID) else {
      effects.append(.synced(connection, SyncGroupResponse(error: error)))
      return
    }
    touch(index, at: now)
    switch state {
    case .empty: effects.append(.synced(connection, SyncGroupResponse(error: .unknownMemberID)))
    case .preparing: effects.append(.synced(connection, SyncGroupResponse(error: .rebalanceInProgress)))
    case .stable: effects.append(.synced(connection, SyncGroupResponse(error: .none, assignment: members[index].assignment)))
    case .completing:
      members[index].waiting = .sync(connection)
      if members[index].id == leader { complete(with: request.assignments, at: now, into: &effects) }
    }
  }

  private mutating func complete(
    with assignments: [(memberID: String, assignment: [UInt8])], at now: Int64, into effects: inout [GroupEffect]
  ) {
    state = .stable
    for index in members.indices {
      members[index].assignment = assignments.first { $0.memberID == members[index].id }?.assignment ?? []
      if case .sync(let connection) = members[index].waiting {
        members[index].waiting = .nothing
        touch(index, at: now)
        effects.append(.synced(connection, SyncGroupResponse(error: .none, assignment: members[index].assignment)))
      }
    }
  }

  // MARK: Life signs

  mutating func touch(_ index: Int, at now: Int64) {
    members[index].sessionDeadlineMs = now + members[index].sessionTimeoutMs
  }

  mutating func heartbeat(_ identity: MemberIdentity, at now: Int64) -> ErrorCode {
    let error = checkGeneration(identity)
    guard error == .none, let index = index(ofMember: identity.memberID) else { return error }
    touch(index, at: now)
    if case .preparing = state { return .rebalanceInProgress }
    return .none
  }

  mutating func leave(_ identity: MemberIdentity, at now: Int64, into effects: inout [GroupEffect]) -> ErrorCode {
    if isPending(identity.memberID) {
      pending.removeAll { $0.id == identity.memberID }
      completeJoinIfAllAreHere(at: now, into: &effects)
      return .none
    }
    // An operator removes a static member by its static name alone.
    if identity.memberID.isEmpty, let instance = identity.instanceID, let index = index(ofInstance: instance) {
      remove(index, at: now, into: &effects)
      return .none
    }
    let error = check(identity)
    guard error == .none, let index = index(ofMember: identity.memberID) else { return error }
    remove(index, at: now, into: &effects)
    return .none
  }

  private mutating func remove(_ index: Int, at now: Int64, into effects: inout [GroupEffect]) {
    answerWaiting(index, error: .unknownMemberID, into: &effects)
    let gone = members.remove(at: index)
    if leader == gone.id { leader = members.first?.id }
    switch state {
    case .empty: break
    case .preparing: completeJoinIfAllAreHere(at: now, into: &effects)
    case .completing, .stable: prepareRebalance(at: now, into: &effects)
    }
  }

  private mutating func answerWaiting(_ index: Int, error: ErrorCode, into effects: inout [GroupEffect]) {
    switch members[index].waiting {
    case .nothing: break
    case .join(let connection):
      effects.append(.joined(connection, JoinGroupResponse(error: error, memberID: members[index].id)))
    case .sync(let connection): effects.append(.synced(connection, SyncGroupResponse(error: error)))
    }
    members[index].waiting = .nothing
  }

  /// What time alone does: members that died go, rebalances do not wait for ever.
  mutating func tick(at now: Int64, into effects: inout [GroupEffect]) {
    pending.removeAll { $0.deadlineMs <= now }
    while let index = members.firstIndex(where: { !$0.isWaiting && $0.sessionDeadlineMs <= now }) {
      remove(index, at: now, into: &effects)
    }
    switch state {
    case .empty, .stable: break
    case .preparing(let deadline, let isInitial):
      if deadline <= now, isInitial {
        state = .preparing(deadlineMs: now + rebalanceTimeoutMs, isInitial: false)
      } else if deadline <= now {
        pending = []
        completeJoin(at: now, into: &effects)
      }
      completeJoinIfAllAreHere(at: now, into: &effects)
    case .completing(let deadline):
      guard deadline <= now else { break }
      while let index = members.firstIndex(where: { !$0.isWaiting }), case .completing = state {
        remove(index, at: now, into: &effects)
      }
    }
  }

  /// The group as an operator sees it.
  var description: GroupDescription {
    let (name, isSettled) =
      switch state {
      case .empty: ("Empty", false)
      case .preparing: ("PreparingRebalance", false)
      case .completing: ("CompletingRebalance", false)
      case .stable: ("Stable", true)
      }
    return GroupDescription(
      group: self.name, state: name, protocolType: protocolType, protocolName: isSettled ? protocolName : "",
      members: members.map {
        GroupDescription.Member(
          memberID: $0.id, instanceID: $0.instanceID, clientID: $0.clientID, clientHost: $0.clientHost,
          metadata: isSettled ? $0.metadata(for: protocolName) : [], assignment: $0.assignment)
      })
  }
}

extension Group.Member {
  fileprivate func supports(_ name: String) -> Bool { protocols.contains { $0.name == name } }

  fileprivate func metadata(for name: String) -> [UInt8] { protocols.first { $0.name == name }?.metadata ?? [] }
}
