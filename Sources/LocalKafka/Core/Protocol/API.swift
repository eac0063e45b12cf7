/// The requests this broker knows, by Kafka's API key.
enum API: Int16, CaseIterable {
  case produce = 0
  case fetch = 1
  case listOffsets = 2
  case metadata = 3
  case offsetCommit = 8
  case offsetFetch = 9
  case findCoordinator = 10
  case joinGroup = 11
  case heartbeat = 12
  case leaveGroup = 13
  case syncGroup = 14
  case describeGroups = 15
  case listGroups = 16
  case apiVersions = 18
  case createTopics = 19
  case deleteTopics = 20
  case initProducerID = 22
  case describeConfigs = 32
  case alterConfigs = 33
  case createPartitions = 37
  case deleteGroups = 42
  case incrementalAlterConfigs = 44

  /// The versions that are served. Most end just below the API's first flexible version: no client needs more, and one
  /// encoding is enough for a small broker.
  var served: ClosedRange<Int16> {
    switch self {
    case .produce: 3...8
    case .fetch: 4...11
    case .listOffsets: 1...7
    case .metadata: 0...8
    case .offsetCommit: 1...7
    case .offsetFetch: 1...7
    case .findCoordinator: 0...2
    case .joinGroup: 0...5
    case .heartbeat: 0...3
    case .leaveGroup: 0...3
    case .syncGroup: 0...3
    case .describeGroups: 0...4
    case .listGroups: 0...4
    case .apiVersions: 0...3
    case .createTopics: 0...4
    case .deleteTopics: 0...3
    case .initProducerID: 0...4
    case .describeConfigs: 0...3
    case .alterConfigs: 0...1
    case .createPartitions: 0...1
    case .deleteGroups: 0...1
    case .incrementalAlterConfigs: 0...0
    }
  }

  /// The versions that ApiVersions tells. Produce claims 0 although it is refused, as Kafka 4 does: librdkafka takes a
  /// missing Produce 0 for a broker that cannot compress.
  var advertised: ClosedRange<Int16> {
    self == .produce ? 0...served.upperBound : served
  }

  /// From this version on, lengths are compact and structures end in tagged fields.
  var firstFlexible: Int16 {
    switch self {
    case .listOffsets: 6
    case .offsetFetch: 6
    case .listGroups: 3
    case .apiVersions: 3
    case .initProducerID: 2
    default: served.upperBound + 1
    }
  }
}

/// What every request begins with.
struct RequestHeader: Equatable {
  var api: API
  var version: Int16
  var correlation: Int32
  var clientID: String

  var isFlexible: Bool { version >= api.firstFlexible }

  /// Reads the header and leaves `reader` at the body, in the encoding the version asks for.
  init(from reader: inout WireReader) throws {
    let key = try reader.int16()
    version = try reader.int16()
    correlation = try reader.int32()
    guard let api = API(rawValue: key) else { throw WireError.malformed("unknown api key \(key)") }
    self.api = api
    // ApiVersions of a version from the future is answered, so its header must not be taken for malformed.
    clientID = try reader.nullableString() ?? ""
    guard clientID.utf8.count <= Limits.nameLength else { throw WireError.limit("client id") }
    guard api.served.contains(version) else { return }
    reader.isFlexible = isFlexible
    try reader.tags()
  }

  /// A writer that has room for the frame's length and the response header in it already. The header of ApiVersions has
  /// no tagged fields, by decree.
  func response() -> WireWriter {
    var writer = WireWriter()
    writer.int32(0)
    writer.int32(correlation)
    if isFlexible && api != .apiVersions { writer.unsignedVarint(0) }
    writer.isFlexible = isFlexible
    return writer
  }
}

/// Bounds on what one client may send. Those that an operator may want to change are in `BrokerConfig`.
enum Limits {
  /// Elements of one array in a request.
  static let arrayCount = 10_000
  /// UTF-8 bytes of a client id, group id, member id or group instance id.
  static let nameLength = 255
  /// UTF-8 bytes of a topic's name (Kafka's own limit).
  static let topicNameLength = 249
  /// Bytes of a commit's metadata (Kafka's `offset.metadata.max.bytes`).
  static let offsetMetadataLength = 4096
  /// Bytes of a member's subscriptions (all protocols together) or of its assignment.
  static let memberMetadataLength = 256 * 1024
  /// Protocols (assignment strategies) that a member may propose.
  static let memberProtocols = 16
}
