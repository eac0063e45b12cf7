struct CreateTopicsRequest {
  struct Topic {
    var name: String
    var partitionCount: Int32
    var replicationFactor: Int16
    var assignments: [(partition: Int32, brokers: [Int32])]
    var configs: [(name: String, value: String?)]
  }

  var topics: [Topic]
  var validateOnly: Bool

  init(from reader: inout WireReader, version: Int16) throws {
    topics = try reader.array { reader in
      Topic(
        name: try reader.string(), partitionCount: try reader.int32(), replicationFactor: try reader.int16(),
        assignments: try reader.array { (try $0.int32(), try $0.array { try $0.int32() }) },
        configs: try reader.array { (try $0.name(), try $0.nullableString()) })
    }
    _ = try reader.int32()  // timeout: creation is immediate
    validateOnly = version >= 1 ? try reader.bool() : false
  }
}

struct CreatePartitionsRequest {
  struct Topic {
    var name: String
    var partitionCount: Int32
    var assignments: [[Int32]]?
  }

  var topics: [Topic]
  var validateOnly: Bool

  init(from reader: inout WireReader) throws {
    topics = try reader.array { reader in
      Topic(
        name: try reader.string(), partitionCount: try reader.int32(),
        assignments: try reader.nullableArray { try $0.array { try $0.int32() } })
    }
    _ = try reader.int32()  // timeout
    validateOnly = try reader.bool()
  }
}

/// What CreateTopics, DeleteTopics, CreatePartitions and DeleteGroups answer: a result by name.
struct NamedResults {
  var results: [(name: String, error: ErrorCode, message: String?)]

  func write(to writer: inout WireWriter, throttle: Bool, messages: Bool) {
    if throttle { writer.int32(0) }
    writer.array(results) { writer, result in
      writer.string(result.name)
      writer.error(result.error)
      if messages { writer.string(result.message) }
    }
  }
}

/// What a configuration belongs to.
struct ConfigResource: Equatable {
  static let topic: Int8 = 2
  static let broker: Int8 = 4

  var type: Int8
  var name: String
}

struct DescribeConfigsRequest {
  struct Resource {
    var resource: ConfigResource
    /// Nil: every key.
    var keys: [String]?
  }

  var resources: [Resource]

  init(from reader: inout WireReader) throws {
    resources = try reader.array { reader in
      Resource(
        resource: ConfigResource(type: try reader.int8(), name: try reader.string()),
        keys: try reader.nullableArray { try $0.name() })
    }
  }
}

struct DescribeConfigsResponse {
  struct Entry {
    var name: String
    var value: String
    var isDefault: Bool
    var isReadOnly: Bool
  }

  struct Resource {
    var resource: ConfigResource
    var error: ErrorCode
    var message: String?
    var entries: [Entry]
  }

  var resources: [Resource]

  func write(to writer: inout WireWriter, version: Int16) {
    writer.int32(0)  // throttle time
    writer.array(resources) { writer, each in
      writer.error(each.error)
      writer.string(each.message)
      writer.int8(each.resource.type)
      writer.string(each.resource.name)
      writer.array(each.entries) { writer, entry in
        writer.string(entry.name)
        writer.string(entry.value)
        writer.bool(entry.isReadOnly)
        if version == 0 {
          writer.bool(entry.isDefault)
        } else {
          writer.int8(source(of: entry, in: each.resource))
        }
        writer.bool(false)  // sensitive
        if version >= 1 { writer.array([Int]()) { _, _ in } }  // synonyms
        if version >= 3 {
          writer.int8(0)  // type: not told
          writer.string(nil)  // documentation
        }
      }
    }
  }

  /// Kafka's ConfigSource: 1 dynamic topic, 4 static broker, 5 default.
  private func source(of entry: Entry, in resource: ConfigResource) -> Int8 {
    if resource.type == ConfigResource.broker { return 4 }
    return entry.isDefault ? 5 : 1
  }
}

/// AlterConfigs (which states everything) and IncrementalAlterConfigs (which states changes).
struct AlterConfigsRequest {
  enum Operation: Int8 {
    case set = 0
    case delete = 1
  }

  struct Resource {
    var resource: ConfigResource
    /// An operation that is neither set nor delete is nil: there is no list-valued key here to append to.
    var changes: [(name: String, operation: Operation?, value: String?)]
  }

  var resources: [Resource]
  var validateOnly: Bool

  init(from reader: inout WireReader, incremental: Bool) throws {
    resources = try reader.array { reader in
      Resource(
        resource: ConfigResource(type: try reader.int8(), name: try reader.string()),
        changes: try reader.array { reader in
          let name = try reader.name()
          let operation = incremental ? Operation(rawValue: try reader.int8()) : .set
          return (name, operation, try reader.nullableString())
        })
    }
    validateOnly = try reader.bool()
  }
}

struct AlterConfigsResponse {
  var results: [(resource: ConfigResource, error: ErrorCode, message: String?)]

  func write(to writer: inout WireWriter) {
    writer.int32(0)  // throttle time
    writer.array(results) { writer, result in
      writer.error(result.error)
      writer.string(result.message)
      writer.int8(result.resource.type)
      writer.string(result.resource.name)
    }
  }
}
