import LocalKafkaCore

/// The command line, and the environment for whatever it does not say.
struct Options {
  struct Misuse: Error {
    var reason: String
  }

  static let usage = """
    usage: LocalKafka --data-dir DIR [options]
      --data-dir DIR            LOCALKAFKA_DATA_DIR         where everything is kept
      --listen HOST:PORT        LOCALKAFKA_LISTEN           IPv4 address and port, 0 for a free one (127.0.0.1:9092)
      --advertise HOST:PORT     LOCALKAFKA_ADVERTISE        what clients are told to connect to (where it listens)
      --port-file FILE          LOCALKAFKA_PORT_FILE        written with the port once it is served
      --auto-create             LOCALKAFKA_AUTO_CREATE=1    create unknown topics that clients ask for
      --partitions N            LOCALKAFKA_PARTITIONS       partitions of a topic whose creator does not say (1)
      --fsync always|interval|never                         LOCALKAFKA_FSYNC
                                always: before every acknowledgement; interval: every second (default); never: the
                                kernel decides. SIGKILL loses nothing acknowledged under any of them.
      --rebalance-delay-ms N    LOCALKAFKA_REBALANCE_DELAY_MS   an empty group's first rebalance waits this long (100)
      --maintenance-ms N        LOCALKAFKA_MAINTENANCE_MS   pause between rounds of retention and compaction (5000)
      --max-connections N       LOCALKAFKA_MAX_CONNECTIONS  clients at once (1000)
    """

  private(set) var server: ServerConfig
  private(set) var portFile: String?
  private(set) var wantsHelp = false

  private static let flags: Set<String> = ["--auto-create", "--help"]
  private static let known: Set<String> = [
    "--data-dir", "--listen", "--advertise", "--port-file", "--partitions", "--fsync", "--rebalance-delay-ms",
    "--maintenance-ms", "--max-connections",
  ]

  init(arguments: some Sequence<String>, environment: [String: String]) throws(Misuse) {
    let given = try Self.parse(arguments)
    func value(_ option: String) -> String? {
      let variable = "LOCALKAFKA_" + option.dropFirst(2).uppercased().map { $0 == "-" ? "_" : $0 }
      return given[option] ?? environment[variable].flatMap { $0.isEmpty ? nil : $0 }
    }
    func number(_ option: String, _ range: ClosedRange<Int64>) throws(Misuse) -> Int64? {
      guard let text = value(option) else { return nil }
      guard let number = Int64(text), range.contains(number) else {
        throw Misuse(reason: "\(option) takes a number from \(range.lowerBound) to \(range.upperBound), not \(text)")
      }
      return number
    }
    wantsHelp = given["--help"] != nil
    guard let directory = value("--data-dir") ?? (wantsHelp ? "" : nil) else { throw Misuse(reason: "--data-dir is missing") }
    var broker = BrokerConfig(dataDirectory: directory)
    broker.autoCreatesTopics = ["1", "true"].contains(value("--auto-create"))
    if let count = try number("--partitions", 1...1000) { broker.defaultPartitions = Int(count) }
    if let delay = try number("--rebalance-delay-ms", 0...60_000) { broker.initialRebalanceDelayMs = delay }
    if let pause = try number("--maintenance-ms", 10...86_400_000) { broker.maintenanceIntervalMs = pause }
    server = ServerConfig(broker: broker)
    (server.host, server.port) = try Self.address(value("--listen") ?? "127.0.0.1:9092", of: "--listen")
    if let address = value("--advertise") { server.advertised = try Self.address(address, of: "--advertise") }
    if let count = try number("--max-connections", 1...100_000) { server.maxConnections = Int(count) }
    if let policy = value("--fsync") { server.sync = try Self.policy(policy) }
    server.log = report
    portFile = value("--port-file")
  }

  private static func parse(_ arguments: some Sequence<String>) throws(Misuse) -> [String: String] {
    var given: [String: String] = [:]
    var rest = arguments.makeIterator()
    while let option = rest.next() {
      if flags.contains(option) {
        given[option] = "1"
      } else if known.contains(option) {
        guard let value = rest.next() else { throw Misuse(reason: "\(option) needs a value") }
        given[option] = value
      } else {
        throw Misuse(reason: "unknown option \(option)")
      }
    }
    return given
  }

  private static func address(_ text: String, of option: String) throws(Misuse) -> (String, UInt16) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), colon != text.startIndex
    else { throw Misuse(reason: "\(option) takes HOST:PORT, not \(text)") }
    return (String(text[..<colon]), port)
  }

  private static func policy(_ text: String) throws(Misuse) -> SyncPolicy {
    switch text {
    case "always": return .always
    case "interval": return .interval(milliseconds: 1000)
    case "never": return .never
    default: throw Misuse(reason: "--fsync takes always, interval or never, not \(text)")
    }
  }
}
