import CHiredis

/// What Redis answered to one command.
public indirect enum RedisReply: Sendable, Equatable {
  /// There is no such key or element.
  case null
  /// A simple string such as `OK`.
  case status(String)
  /// A binary-safe string.
  case bytes([UInt8])
  /// A number.
  case integer(Int64)
  /// Several replies.
  case array([RedisReply])
  /// The command was refused: `WRONGTYPE Operation against …`.
  case error(String)

  /// The text of a string or status, the digits of a number; nil for everything else, invalid UTF-8 included.
  public var text: String? {
    switch self {
    case .status(let text): text
    case .bytes(let bytes): String(validating: bytes, as: UTF8.self)
    case .integer(let number): String(number)
    case .null, .array, .error: nil
    }
  }

  /// The elements of an array; empty for everything else.
  public var elements: [RedisReply] {
    if case .array(let elements) = self { elements } else { [] }
  }

  /// The pairs of a reply such as HGETALL's; an element that is not text ends nothing, it is left out.
  public var pairs: [String: String] {
    var pairs: [String: String] = [:]
    var rest = elements[...]
    while let key = rest.popFirst(), let value = rest.popFirst() {
      if let key = key.text, let value = value.text { pairs[key] = value }
    }
    return pairs
  }

  init(_ reply: redisReply) {
    switch reply.type {
    case REDIS_REPLY_STRING: self = .bytes(RedisReply.copy(reply))
    case REDIS_REPLY_STATUS: self = .status(String(decoding: RedisReply.copy(reply), as: UTF8.self))
    case REDIS_REPLY_ERROR: self = .error(String(decoding: RedisReply.copy(reply), as: UTF8.self))
    case REDIS_REPLY_INTEGER: self = .integer(reply.integer)
    case REDIS_REPLY_ARRAY:
      self = .array((0..<reply.elements).map { reply.element[$0].map { RedisReply($0.pointee) } ?? .null })
    default: self = .null
    }
  }

  private static func copy(_ reply: redisReply) -> [UInt8] {
    Array(UnsafeRawBufferPointer(start: reply.str, count: reply.len))
  }
}
