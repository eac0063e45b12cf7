/// A Redis command, kept as the bytes that go on the wire (RESP: an array of bulk strings).
public struct RedisCommand: Sendable, Equatable {
  /// The encoded command.
  let encoded: [UInt8]

  /// A command from text arguments: `RedisCommand("SET", key, value, "EX", "60")`.
  public init(_ arguments: String...) {
    self.init(arguments)
  }

  /// A command from text arguments.
  public init(_ arguments: [String]) {
    self.init(arguments.map { Array($0.utf8) })
  }

  /// A command from binary arguments.
  public init(_ arguments: [[UInt8]]) {
    precondition(!arguments.isEmpty, "a Redis command has a name")
    var bytes: [UInt8] = []
    bytes.reserveCapacity(arguments.reduce(16) { $0 + $1.count + 16 })
    bytes.append(contentsOf: "*\(arguments.count)\r\n".utf8)
    for argument in arguments {
      bytes.append(contentsOf: "$\(argument.count)\r\n".utf8)
      bytes.append(contentsOf: argument)
      bytes.append(contentsOf: "\r\n".utf8)
    }
    encoded = bytes
  }

  /// Stores a value that goes away by itself.
  public static func set(_ key: String, _ value: [UInt8], expiresInSeconds seconds: Int) -> RedisCommand {
    RedisCommand([Array("SET".utf8), Array(key.utf8), value, Array("EX".utf8), Array(String(seconds).utf8)])
  }

  /// Sets fields of a hash.
  public static func hset(_ key: String, _ fields: [(String, String)]) -> RedisCommand {
    RedisCommand(["HSET", key] + fields.flatMap { [$0.0, $0.1] })
  }

  /// Lets a key go away by itself.
  public static func expire(_ key: String, seconds: Int) -> RedisCommand {
    RedisCommand("EXPIRE", key, String(seconds))
  }

  /// Removes a key.
  public static func del(_ key: String) -> RedisCommand {
    RedisCommand("DEL", key)
  }

  /// Adds a member to a set.
  public static func sadd(_ key: String, _ member: String) -> RedisCommand {
    RedisCommand("SADD", key, member)
  }

  /// Removes a member from a set.
  public static func srem(_ key: String, _ member: String) -> RedisCommand {
    RedisCommand("SREM", key, member)
  }
}
