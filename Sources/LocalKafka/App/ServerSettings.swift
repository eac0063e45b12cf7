import LocalKafkaCore
import Runtime

/// When what was acknowledged has to be on the medium. Surviving SIGKILL needs none of it: the kernel has the bytes.
enum SyncPolicy: Equatable, Sendable {
  /// Before every acknowledgement; those of one turn of the loop share one `fdatasync` a log.
  case always
  /// Every so many milliseconds, in the background: a power cut loses at most about that much.
  case interval(milliseconds: Int64)
  /// When segments are sealed and at shutdown; else whenever the kernel likes (Kafka's own default).
  case never
}

/// What an operator may choose about the process.
struct ServerSettings: Sendable {
  typealias Address = (host: String, port: UInt16)

  /// IPv4 address and port to listen on; port 0 takes a free one.
  var listen: Address
  /// Where clients are told to connect; nil: where it listens.
  var advertised: Address?
  /// The file that receives the port once it is served.
  var portFile: String?
  var sync: SyncPolicy
  /// Clients at once.
  var maxConnections: Int
  /// Bytes of the largest request.
  var maxFrameBytes: Int
  /// A connection without a request for this long is closed (Kafka's `connections.max.idle.ms`).
  let maxIdleMs: Int64 = 600_000
  var broker: BrokerConfig

  init(configuration: inout Configuration) {
    broker = BrokerConfig(
      dataDirectory: configuration.string("APUS_DATA_DIR", help: "where everything is kept, for one broker alone"))
    listen =
      configuration.value(
        "APUS_LISTEN", default: "127.0.0.1:9092", help: "IPv4 address and port, 0 = free", expected: "HOST:PORT",
        parse: Self.address) ?? ("127.0.0.1", 0)
    advertised =
      configuration.value(
        "APUS_ADVERTISE", default: "", help: "what clients are told to connect to, unless it is where it listens",
        expected: "HOST:PORT"
      ) { $0.isEmpty ? .some(nil) : Self.address($0).map { .some($0) } } ?? nil
    portFile = configuration.optionalString("APUS_PORT_FILE", help: "file that receives the port")
    sync =
      configuration.value(
        "APUS_FSYNC", default: "interval",
        help: "always: before each acknowledgement, interval: every second, never: up to the kernel",
        expected: "always, interval or never", parse: Self.policy) ?? .never
    maxConnections = configuration.int("APUS_MAX_CONNECTIONS", default: 1000, in: 1...100_000, help: "clients at once")
    maxFrameBytes = configuration.int(
      "APUS_MAX_REQUEST_BYTES", default: 16 << 20, in: 1 << 20...1 << 28, help: "largest request")
    broker.autoCreatesTopics = configuration.bool(
      "APUS_AUTO_CREATE", default: false, help: "create unknown topics that clients ask for")
    broker.defaultPartitions = configuration.int(
      "APUS_PARTITIONS", default: 1, in: 1...1000, help: "partitions of a topic whose creator does not say")
    broker.initialRebalanceDelayMs = Int64(
      configuration.int(
        "APUS_REBALANCE_DELAY_MS", default: 100, in: 0...60_000, help: "an empty group's first rebalance waits this long"))
    broker.maintenanceIntervalMs = Int64(
      configuration.int(
        "APUS_MAINTENANCE_MS", default: 5000, in: 10...86_400_000, help: "pause between rounds of retention and compaction"))
  }

  private static func address(_ text: String) -> Address? {
    guard let colon = text.lastIndex(of: ":"), colon != text.startIndex, let port = UInt16(text[text.index(after: colon)...])
    else { return nil }
    return (String(text[..<colon]), port)
  }

  private static func policy(_ text: String) -> SyncPolicy? {
    switch text {
    case "always": .always
    case "interval": .interval(milliseconds: 1000)
    case "never": .never
    default: nil
    }
  }
}
