/// Who speaks in a group: the member's id, its static identity if it has one, and the generation it believes in.
struct MemberIdentity: Equatable {
  var memberID: String
  var instanceID: String?
  var generation: Int32 = -1
}

struct JoinGroupRequest {
  struct Candidate: Equatable {
    var name: String
    var metadata: [UInt8]
  }

  var group: String
  var sessionTimeoutMs: Int32
  var rebalanceTimeoutMs: Int32
  var memberID: String
  var instanceID: String?
  var protocolType: String
  var protocols: [Candidate]
  /// From version 4 on, a new member is first given its id and joins again with it (KIP-394).
  var mustKnowMemberID: Bool

  init(from reader: inout WireReader, version: Int16) throws {
    group = try reader.name()
    sessionTimeoutMs = try reader.int32()
    rebalanceTimeoutMs = version >= 1 ? try reader.int32() : sessionTimeoutMs
    memberID = try reader.name()
    instanceID = version >= 5 ? try reader.nullableName() : nil
    protocolType = try reader.name()
    protocols = try reader.array { Candidate(name: try $0.name(), metadata: try $0.memberMetadata()) }
    let size = protocols.reduce(0) { $0 + $1.metadata.count }
    guard protocols.count <= Limits.memberProtocols, size <= Limits.memberMetadataLength else {
      throw WireError.limit("protocols of a member")
    }
    mustKnowMemberID = version >= 4
  }

  init(
    group: String, sessionTimeoutMs: Int32, rebalanceTimeoutMs: Int32, memberID: String, instanceID: String?,
    protocolType: String, protocols: [Candidate], mustKnowMemberID: Bool
  ) {
    self.group = group
    self.sessionTimeoutMs = sessionTimeoutMs
    self.rebalanceTimeoutMs = rebalanceTimeoutMs
    self.memberID = memberID
    self.instanceID = instanceID
    self.protocolType = protocolType
    self.protocols = protocols
    self.mustKnowMemberID = mustKnowMemberID
  }
}

extension WireReader {
  fileprivate mutating func memberMetadata() throws -> [UInt8] {
    let content = try byteArray()
    guard content.count <= Limits.memberMetadataLength else { throw WireError.limit("member metadata") }
    return content
  }
}

struct JoinGroupResponse: Equatable {
  struct Member: Equatable {
    var memberID: String
    var instanceID: String?
    var metadata: [UInt8]
  }

  var error: ErrorCode
  var generation: Int32 = -1
  var protocolName = ""
  var leader = ""
  var memberID = ""
  /// Filled for the leader alone.
  var members: [Member] = []

  func write(to writer: inout WireWriter, version: Int16) {
    if version >= 2 { writer.int32(0) }  // throttle time
    writer.error(error)
    writer.int32(generation)
    writer.string(protocolName)
    writer.string(leader)
    writer.string(memberID)
    writer.array(members) { writer, member in
      writer.string(member.memberID)
      if version >= 5 { writer.string(member.instanceID) }
      writer.byteArray(member.metadata)
    }
  }
}

struct SyncGroupRequest {
  var group: String
  var identity: MemberIdentity
  var assignments: [(memberID: String, assignment: [UInt8])]

  init(from reader: inout WireReader, version: Int16) throws {
    group = try reader.name()
    let generation = try reader.int32()
    let memberID = try reader.name()
    let instanceID = version >= 3 ? try reader.nullableName() : nil
    identity = MemberIdentity(memberID: memberID, instanceID: instanceID, generation: generation)
    assignments = try reader.array { (try $0.name(), try $0.memberMetadata()) }
  }
}

struct SyncGroupResponse: Equatable {
  var error: ErrorCode
  var assignment: [UInt8] = []

  func write(to writer: inout WireWriter, version: Int16) {
    if version >= 1 { writer.int32(0) }  // throttle time
    writer.error(error)
    writer.byteArray(assignment)
  }
}

struct HeartbeatRequest {
  var group: String
  var identity: MemberIdentity

  init(from reader: inout WireReader, version: Int16) throws {
    group = try reader.name()
    let generation = try reader.int32()
    let memberID = try reader.name()
    identity = MemberIdentity(
      memberID: memberID, instanceID: version >= 3 ? try reader.nullableName() : nil, generation: generation)
  }
}

struct LeaveGroupRequest {
  var group: String
  var members: [MemberIdentity]

  init(from reader: inout WireReader, version: Int16) throws {
    group = try reader.name()
    if version >= 3 {
      members = try reader.array { MemberIdentity(memberID: try $0.name(), instanceID: try $0.nullableName()) }
    } else {
      members = [MemberIdentity(memberID: try reader.name())]
    }
  }
}

struct LeaveGroupResponse {
  var error: ErrorCode
  var members: [(identity: MemberIdentity, error: ErrorCode)]

  func write(to writer: inout WireWriter, version: Int16) {
    if version >= 1 { writer.int32(0) }  // throttle time
    if version >= 3 {
      writer.error(error)
      writer.array(members) { writer, member in
        writer.string(member.identity.memberID)
        writer.string(member.identity.instanceID)
        writer.error(member.error)
      }
    } else {
      writer.error(error == .none ? members.first?.error ?? .none : error)
    }
  }
}

struct GroupDescription: Equatable {
  struct Member: Equatable {
    var memberID: String
    var instanceID: String?
    var clientID: String
    var clientHost: String
    var metadata: [UInt8]
    var assignment: [UInt8]
  }

  var error: ErrorCode = .none
  var group: String
  var state: String
  var protocolType = ""
  var protocolName = ""
  var members: [Member] = []

  func write(to writer: inout WireWriter, version: Int16) {
    writer.error(error)
    writer.string(group)
    writer.string(state)
    writer.string(protocolType)
    writer.string(protocolName)
    writer.array(members) { writer, member in
      writer.string(member.memberID)
      if version >= 4 { writer.string(member.instanceID) }
      writer.string(member.clientID)
      writer.string(member.clientHost)
      writer.byteArray(member.metadata)
      writer.byteArray(member.assignment)
    }
    if version >= 3 { writer.int32(MetadataResponse.unknownOperations) }
  }
}

struct ListGroupsResponse {
  var groups: [GroupDescription]

  func write(to writer: inout WireWriter, version: Int16) {
    if version >= 1 { writer.int32(0) }  // throttle time
    writer.error(.none)
    writer.array(groups) { writer, group in
      writer.string(group.group)
      writer.string(group.protocolType)
      if version >= 4 { writer.string(group.state) }
      writer.tags()
    }
    writer.tags()
  }
}
