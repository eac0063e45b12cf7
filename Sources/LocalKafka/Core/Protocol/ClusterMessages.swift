enum ApiVersionsResponse {
  /// Version 0 is what a client of a version from the future is answered in.
  static func write(to writer: inout WireWriter, version: Int16, error: ErrorCode) {
    writer.isFlexible = version >= API.apiVersions.firstFlexible
    writer.error(error)
    writer.array(API.allCases) { writer, api in
      writer.int16(api.rawValue)
      writer.int16(api.advertised.lowerBound)
      writer.int16(api.advertised.upperBound)
      writer.tags()
    }
    if version >= 1 { writer.int32(0) }  // throttle time
    writer.tags()
  }
}

struct MetadataRequest {
  /// Nil: all topics.
  var topics: [String]?
  var allowsAutoCreation: Bool

  init(from reader: inout WireReader, version: Int16) throws {
    topics = try reader.nullableArray { try $0.string() }
    if version == 0 && topics?.isEmpty == true { topics = nil }
    allowsAutoCreation = version >= 4 ? try reader.bool() : true
  }
}

struct MetadataResponse {
  struct Topic {
    var error: ErrorCode
    var name: String
    var partitionCount: Int
  }

  static let nodeID: Int32 = 1
  /// "Not asked for": what a broker without access control answers about permitted operations.
  static let unknownOperations = Int32.min

  var host: String
  var port: Int32
  var clusterID: String
  var topics: [Topic]

  func write(to writer: inout WireWriter, version: Int16) {
    if version >= 3 { writer.int32(0) }  // throttle time
    writer.array([Self.nodeID]) { writer, node in
      writer.int32(node)
      writer.string(host)
      writer.int32(port)
      if version >= 1 { writer.string(nil) }  // rack
    }
    if version >= 2 { writer.string(clusterID) }
    if version >= 1 { writer.int32(Self.nodeID) }  // controller
    writer.array(topics) { writer, topic in
      writer.error(topic.error)
      writer.string(topic.name)
      if version >= 1 { writer.bool(false) }  // internal
      writer.array(0..<topic.partitionCount) { writer, index in
        writer.error(.none)
        writer.int32(Int32(index))
        writer.int32(Self.nodeID)
        if version >= 7 { writer.int32(0) }  // leader epoch
        writer.array([Self.nodeID]) { $0.int32($1) }
        writer.array([Self.nodeID]) { $0.int32($1) }
        if version >= 5 { writer.array([Int32]()) { $0.int32($1) } }
      }
      if version >= 8 { writer.int32(Self.unknownOperations) }
    }
    if version >= 8 { writer.int32(Self.unknownOperations) }
  }
}

struct FindCoordinatorRequest {
  var key: String
  /// 0: a consumer group, 1: a transaction.
  var keyType: Int8

  init(from reader: inout WireReader, version: Int16) throws {
    key = try reader.name()
    keyType = version >= 1 ? try reader.int8() : 0
  }
}

struct FindCoordinatorResponse {
  var error: ErrorCode
  var message: String?
  var host: String
  var port: Int32

  func write(to writer: inout WireWriter, version: Int16) {
    if version >= 1 { writer.int32(0) }  // throttle time
    writer.error(error)
    if version >= 1 { writer.string(message) }
    writer.int32(error == .none ? MetadataResponse.nodeID : -1)
    writer.string(host)
    writer.int32(port)
  }
}
