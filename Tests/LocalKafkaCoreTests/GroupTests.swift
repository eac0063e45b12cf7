import Testing

@testable import LocalKafkaCore

/// A coordinator with a clock of the test's own, spoken to as members do.
final class GroupBench {
  var coordinator: GroupCoordinator
  var now = Instant(monotonicMs: 0, wallMs: 1_700_000_000_000)
  /// What was answered since it was last looked at.
  var joined: [UInt64: JoinGroupResponse] = [:]
  var synced: [UInt64: SyncGroupResponse] = [:]
  var generations: [Int32] = []

  init(_ configure: (inout BrokerConfig) -> Void = { _ in }) {
    var config = BrokerConfig(dataDirectory: "")
    config.initialRebalanceDelayMs = 0
    configure(&config)
    coordinator = GroupCoordinator(config: config, nonce: 1)
  }

  func join(
    _ connection: UInt64, member: String = "", instance: String? = nil, session: Int32 = 10_000, mustKnow: Bool = false,
    protocols: [String] = ["range"], metadata: [UInt8] = [1]
  ) {
    let request = JoinGroupRequest(
      group: "g", sessionTimeoutMs: session, rebalanceTimeoutMs: 20_000, memberID: member, instanceID: instance,
      protocolType: "consumer", protocols: protocols.map { .init(name: $0, metadata: metadata) }, mustKnowMemberID: mustKnow)
    var effects: [GroupEffect] = []
    coordinator.join(
      request, from: ConnectionID(connection), clientID: "client", clientHost: "/host", at: now, into: &effects)
    take(effects)
  }

  func sync(
    _ connection: UInt64, member: String, instance: String? = nil, generation: Int32, _ assignments: [(String, [UInt8])] = []
  ) {
    let request = SyncGroupRequest(
      group: "g", identity: MemberIdentity(memberID: member, instanceID: instance, generation: generation),
      assignments: assignments.map { (memberID: $0.0, assignment: $0.1) })
    var effects: [GroupEffect] = []
    coordinator.sync(request, from: ConnectionID(connection), at: now, into: &effects)
    take(effects)
  }

  func heartbeat(member: String, instance: String? = nil, generation: Int32) -> ErrorCode {
    coordinator.heartbeat(
      HeartbeatRequest(
        group: "g", identity: MemberIdentity(memberID: member, instanceID: instance, generation: generation)), at: now)
  }

  func leave(member: String, instance: String? = nil) -> ErrorCode? {
    var effects: [GroupEffect] = []
    let identity = MemberIdentity(memberID: member, instanceID: instance)
    let response = coordinator.leave(LeaveGroupRequest(group: "g", members: [identity]), at: now, into: &effects)
    take(effects)
    return response.error == .none ? response.members.first?.error : response.error
  }

  func commit(member: String, instance: String? = nil, generation: Int32) -> ErrorCode {
    let identity = MemberIdentity(memberID: member, instanceID: instance, generation: generation)
    return coordinator.checkCommit(group: "g", by: identity, at: now)
  }

  func pass(_ milliseconds: Int64) {
    now.monotonicMs += milliseconds
    now.wallMs += milliseconds
    var effects: [GroupEffect] = []
    coordinator.tick(at: now, into: &effects)
    take(effects)
  }

  func take(_ effects: [GroupEffect]) {
    for effect in effects {
      switch effect {
      case .joined(let connection, let response): joined[connection.number] = response
      case .synced(let connection, let response): synced[connection.number] = response
      case .generation(_, let generation): generations.append(generation)
      }
    }
  }

  /// The answer that a join has got, once.
  func answer(_ connection: UInt64) -> JoinGroupResponse? { joined.removeValue(forKey: connection) }

  /// Two members in a stable group, the first one its leader; assignments [1] and [2].
  func settleTwo(instances: (String?, String?) = (nil, nil)) throws -> (first: String, second: String) {
    join(1, instance: instances.0)
    let first = try #require(answer(1)).memberID
    join(2, instance: instances.1)
    join(1, member: first, instance: instances.0)
    let answers = (try #require(answer(1)), try #require(answer(2)))
    let second = answers.1.memberID
    #expect(answers.0.generation == 2 && answers.0.leader == first && answers.0.members.map(\.memberID) == [first, second])
    #expect(answers.1.members.isEmpty && answers.1.leader == first)
    sync(2, member: second, instance: instances.1, generation: 2)
    #expect(synced[2] == nil)
    sync(1, member: first, instance: instances.0, generation: 2, [(first, [1]), (second, [2])])
    #expect(synced[1] == SyncGroupResponse(error: .none, assignment: [1]))
    #expect(synced[2] == SyncGroupResponse(error: .none, assignment: [2]))
    synced = [:]
    return (first, second)
  }
}

extension SyncGroupRequest {
  init(group: String, identity: MemberIdentity, assignments: [(memberID: String, assignment: [UInt8])]) {
    var writer = WireWriter()
    writer.string(group)
    writer.int32(identity.generation)
    writer.string(identity.memberID)
    writer.string(identity.instanceID)
    writer.array(assignments) {
      $0.string($1.memberID)
      $0.byteArray($1.assignment)
    }
    var reader = WireReader(writer.bytes)
    guard let request = try? SyncGroupRequest(from: &reader, version: 3) else {
      preconditionFailure("what was just written can be read")
    }
    self = request
  }
}

extension HeartbeatRequest {
  init(group: String, identity: MemberIdentity) {
    var writer = WireWriter()
    writer.string(group)
    writer.int32(identity.generation)
    writer.string(identity.memberID)
    writer.string(identity.instanceID)
    var reader = WireReader(writer.bytes)
    guard let request = try? HeartbeatRequest(from: &reader, version: 3) else {
      preconditionFailure("what was just written can be read")
    }
    self = request
  }
}

extension LeaveGroupRequest {
  init(group: String, members: [MemberIdentity]) {
    var writer = WireWriter()
    writer.string(group)
    writer.array(members) {
      $0.string($1.memberID)
      $0.string($1.instanceID)
    }
    var reader = WireReader(writer.bytes)
    guard let request = try? LeaveGroupRequest(from: &reader, version: 3) else {
      preconditionFailure("what was just written can be read")
    }
    self = request
  }
}

@Suite struct GroupTests {
  @Test func newMembersAreToldTheirIDFirst() throws {
    let bench = GroupBench()
    bench.join(1, mustKnow: true)
    let told = try #require(bench.answer(1))
    #expect(told.error == .memberIDRequired && !told.memberID.isEmpty)
    bench.join(1, member: told.memberID, mustKnow: true)
    let joined = try #require(bench.answer(1))
    #expect(joined.error == .none && joined.memberID == told.memberID && joined.generation == 1)
    bench.join(2, member: "nobody", mustKnow: true)
    #expect(bench.answer(2)?.error == .unknownMemberID)
  }

  @Test func anIDThatIsNeverUsedHoldsNobodyUp() throws {
    let bench = GroupBench()
    bench.join(1, mustKnow: true)
    _ = bench.answer(1)
    bench.join(2)
    #expect(bench.answer(2) == nil, "the other one may still come")
    bench.pass(10_000)
    #expect(bench.answer(2)?.generation == 1)
  }

  @Test func firstRebalanceWaitsForCompany() throws {
    let bench = GroupBench { $0.initialRebalanceDelayMs = 100 }
    bench.join(1)
    bench.pass(60)
    bench.join(2)
    #expect(bench.joined.isEmpty)
    #expect(bench.coordinator.nextDeadlineMs == 100)
    bench.pass(40)
    #expect(bench.answer(1)?.generation == 1 && bench.answer(2)?.generation == 1)
    #expect(bench.generations == [1])
  }

  @Test func deadMembersGoAndTheOthersRebalance() throws {
    let bench = GroupBench()
    let (first, second) = try bench.settleTwo()
    bench.pass(9_999)
    #expect(bench.heartbeat(member: first, generation: 2) == .none)
    bench.pass(1)
    #expect(bench.heartbeat(member: second, generation: 2) == .unknownMemberID)
    #expect(bench.heartbeat(member: first, generation: 2) == .rebalanceInProgress)
    bench.join(1, member: first)
    #expect(bench.answer(1)?.generation == 3)
    #expect(bench.commit(member: first, generation: 2) == .illegalGeneration)
    #expect(bench.commit(member: first, generation: 3) == .rebalanceInProgress)
    bench.sync(1, member: first, generation: 3, [(first, [9])])
    #expect(bench.commit(member: first, generation: 3) == .none)
    #expect(bench.commit(member: second, generation: 2) == .unknownMemberID)
    #expect(bench.commit(member: "", generation: -1) == .unknownMemberID)
  }

  @Test func rebalanceDoesNotWaitForEver() throws {
    let bench = GroupBench()
    let (first, second) = try bench.settleTwo()
    bench.join(3)
    for _ in 0..<4 {
      bench.pass(5_000)
      // The second one lives, but never joins again.
      _ = bench.heartbeat(member: second, generation: 2)
      if bench.joined[1] == nil { bench.join(1, member: first) }
    }
    #expect(bench.answer(1)?.generation == 3 && bench.answer(3)?.generation == 3)
    #expect(bench.heartbeat(member: second, generation: 2) == .unknownMemberID)
  }

  @Test func whoDoesNotSyncIsNotWaitedForForEver() throws {
    let bench = GroupBench()
    bench.join(1)
    let first = try #require(bench.answer(1)).memberID
    bench.join(2)
    bench.join(1, member: first)
    let second = try #require(bench.answer(2)).memberID
    bench.sync(2, member: second, generation: 2)
    for _ in 0..<4 {
      bench.pass(5_000)
      _ = bench.heartbeat(member: first, generation: 2)
    }
    #expect(bench.synced[2]?.error == .rebalanceInProgress)
    bench.join(2, member: second)
    #expect(bench.answer(2)?.leader == second)
  }

  @Test func leavingIsNoticedAtOnce() throws {
    let bench = GroupBench()
    let (first, second) = try bench.settleTwo()
    #expect(bench.leave(member: second) == ErrorCode.none)
    #expect(bench.leave(member: second) == .unknownMemberID)
    #expect(bench.heartbeat(member: first, generation: 2) == .rebalanceInProgress)
    #expect(bench.leave(member: first) == ErrorCode.none)
    #expect(bench.coordinator.describe("g").state == "Empty")
    #expect(bench.commit(member: "", generation: -1) == .none, "from outside, now that nobody is in")
  }

  @Test func staticMemberTakesOverWithoutARebalance() throws {
    let bench = GroupBench()
    let (first, second) = try bench.settleTwo(instances: ("one", "two"))
    bench.join(3, instance: "one")
    let taken = try #require(bench.answer(3))
    #expect(taken.error == .none && taken.generation == 2 && taken.memberID != first)
    #expect(taken.leader == first, "the old leader's name: it must not compute an assignment")
    #expect(taken.members.isEmpty)
    bench.sync(3, member: taken.memberID, instance: "one", generation: 2)
    #expect(bench.synced[3] == SyncGroupResponse(error: .none, assignment: [1]))

    #expect(bench.heartbeat(member: first, instance: "one", generation: 2) == .fencedInstanceID)
    #expect(bench.commit(member: first, instance: "one", generation: 2) == .fencedInstanceID)
    bench.sync(1, member: first, instance: "one", generation: 2)
    #expect(bench.synced[1]?.error == .fencedInstanceID)
    bench.join(1, member: first, instance: "one")
    #expect(bench.answer(1)?.error == .fencedInstanceID)

    #expect(bench.heartbeat(member: second, instance: "two", generation: 2) == .none)
    #expect(bench.heartbeat(member: taken.memberID, instance: "one", generation: 2) == .none)
    #expect(bench.generations == [1, 2])
  }

  @Test func staticTakeoverWhileWaitingFencesTheOneThatWaits() throws {
    let bench = GroupBench()
    let (_, second) = try bench.settleTwo(instances: ("one", "two"))
    bench.join(4)
    bench.join(2, member: second, instance: "two")
    #expect(bench.answer(2) == nil)
    bench.join(5, instance: "two")
    #expect(bench.answer(2)?.error == .fencedInstanceID)
    bench.join(6, instance: "one")
    let answers = [try #require(bench.answer(4)), try #require(bench.answer(5)), try #require(bench.answer(6))]
    #expect(answers.allSatisfy { $0.error == .none && $0.generation == 3 })
    #expect(Set(answers.map(\.leader)).count == 1)
    #expect(answers.filter { !$0.members.isEmpty }.count == 1)
  }

  @Test func staticMembersAreRemovedByNameOrBySessionEnd() throws {
    let bench = GroupBench()
    let (first, second) = try bench.settleTwo(instances: ("one", "two"))
    #expect(bench.leave(member: "", instance: "nobody") == .unknownMemberID)
    #expect(bench.leave(member: "", instance: "two") == ErrorCode.none)
    #expect(bench.heartbeat(member: second, instance: "two", generation: 2) == .unknownMemberID)
    #expect(bench.heartbeat(member: first, instance: "one", generation: 2) == .rebalanceInProgress)
    bench.pass(10_000)
    #expect(bench.coordinator.describe("g").state == "Empty")
  }

  @Test func protocolsAreVotedFor() throws {
    let bench = GroupBench()
    bench.join(1, protocols: ["a", "b"])
    let first = try #require(bench.answer(1)).memberID
    bench.join(2, protocols: ["b", "a", "c"])
    bench.join(3, protocols: ["b"])
    bench.join(1, member: first, protocols: ["a", "b"])
    #expect(bench.answer(3)?.protocolName == "b")
    bench.join(4, protocols: ["c"])
    #expect(bench.answer(4)?.error == .inconsistentGroupProtocol)
    bench.join(4, protocols: [])
    #expect(bench.answer(4)?.error == .inconsistentGroupProtocol)
  }

  @Test func limitsHold() throws {
    let bench = GroupBench {
      $0.maxGroupSize = 2
      $0.maxGroups = 1
    }
    _ = try bench.settleTwo()
    bench.join(3)
    #expect(bench.answer(3)?.error == .groupMaxSizeReached)
    bench.join(3, session: 5_999)
    #expect(bench.answer(3)?.error == .invalidSessionTimeout)
    bench.join(3, session: 1_800_001)
    #expect(bench.answer(3)?.error == .invalidSessionTimeout)
    let outsider = MemberIdentity(memberID: "")
    #expect(bench.coordinator.checkCommit(group: "another", by: outsider, at: bench.now) == .groupMaxSizeReached)
    #expect(bench.coordinator.checkCommit(group: "", by: outsider, at: bench.now) == .invalidGroupID)
  }

  @Test func generationsGoOnAfterARestart() throws {
    let bench = GroupBench()
    bench.coordinator.restore(group: "g", generation: 41, idleSinceMs: 0)
    bench.join(1)
    #expect(bench.answer(1)?.generation == 42)
    #expect(bench.generations == [42])
  }

  @Test func generationsOutliveAShortAbsenceOfAllMembers() throws {
    let bench = GroupBench()
    let (first, second) = try bench.settleTwo()
    _ = bench.leave(member: first)
    _ = bench.leave(member: second)
    bench.pass(599_999)
    #expect(bench.coordinator.expired(at: bench.now) == [])
    bench.pass(1)
    #expect(bench.coordinator.expired(at: bench.now) == ["g"])
    bench.join(1)
    let generation = try #require(bench.answer(1)).generation
    #expect(generation > 2)
    #expect(bench.coordinator.expired(at: bench.now) == [])
  }
}
