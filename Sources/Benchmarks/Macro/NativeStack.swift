import Floors
import Glibc
import Kafka
import Runtime
import TestSupport

/// The whole of Apus on this machine, started by `deploy/local.sh` for this measurement alone, with a front before the simulated venue that
/// notes when each order's bytes arrive there. Ended with all its data when this object goes away.
final class NativeStack {
  /// The simulated venue answers at once and refuses nobody for asking much: what is measured is the way to it.
  private static let venue = [
    "SIM_ACK_DELAY_MS": "0", "SIM_FROZEN_PRICE": "true", "SIM_WEIGHT_LIMIT": "1000000000", "SIM_ORDER_LIMIT_10S": "1000000000",
    "SIM_ORDER_LIMIT_1D": "1000000000", "SIM_BALANCES": "USDT=100000000,BTC=10000",
  ]
  /// Each on a partition of its own.
  static let accounts = ["main", "desk", "book1", "book2"]

  private static let script = Places.packageRoot + "/deploy/local.sh"

  let front: OpaquePointer
  let frontPort: Int32
  let bootstrap: String
  private let directory: TemporaryDirectory
  private let environment: [String: String]
  private let variables: [String: String]

  init() throws {
    directory = try TemporaryDirectory()
    var environment = Self.venue.merging(
      ["APUS_LOCAL": directory.path + "/local", "APUS_SKIP_BUILD": "1", "APUS_ACCOUNTS": Self.accounts.joined(separator: ",")],
      uniquingKeysWith: { first, _ in first })
    let variables = Self.variables(try Self.run(["env"], environment))
    guard let bootstrap = variables["KAFKA_BOOTSTRAP"], let address = variables["SIM_BINANCE_REST_URL"],
      let upstream = address.split(separator: ":").last.flatMap({ Int32($0) })
    else { throw FloorFailure(description: "deploy/local.sh env names no broker or no simulated venue") }
    var port: Int32 = 0
    guard let front = floor_front_new(upstream, &port) else { throw FloorFailure(description: "no port for the venue's front") }
    environment["APUS_SIM_FRONT"] = "http://127.0.0.1:\(port)"
    self.front = front
    frontPort = port
    self.bootstrap = bootstrap
    self.environment = environment
    self.variables = variables
    _ = try Self.run(["up"], environment)
    try raiseLimits()
  }

  deinit {
    // A stack that does not end says so itself.
    _ = try? Self.run(["down", "--wipe"], environment)
    floor_front_free(front)
  }

  var settings: KafkaSettings { KafkaSettings(bootstrap: bootstrap, clientID: "benchmarks") }

  /// The process of a program, as `deploy/local.sh status` names it.
  func process(_ program: String) throws -> pid_t {
    let text = String(decoding: try readFile("\(directory.path)/local/run/\(program).child"), as: UTF8.self)
    guard let id = pid_t(text.filter(\.isNumber)) else { throw FloorFailure(description: "\(program) does not run") }
    return id
  }

  /// What has arrived at the venue since the last call.
  func takeArrivals() -> [floor_arrival] {
    var all: [floor_arrival] = []
    var buffer = [floor_arrival](repeating: floor_arrival(), count: 4_096)
    while true {
      let count = floor_front_take(front, &buffer, buffer.count)
      all += buffer[..<count]
      if count < buffer.count { return all }
    }
  }

  /// Limits that stop no order of a measurement; the command returns when RiskGate has them.
  private func raiseLimits() throws {
    for account in Self.accounts {
      _ = try Self.run(
        [
          "apus", "limits", "set", "max_orders_per_second=1000000", "max_position.BTC=1000000", "max_daily_loss=100000000",
          "order_max_age_ms=60000", "reference_max_age_ms=60000", "approval_lifetime_ms=60000", "--account", account,
        ], environment)
    }
  }

  private static func run(_ words: [String], _ environment: [String: String]) throws -> String {
    let process = try ChildProcess(script, words, environment: environment)
    guard let code = process.wait(timeoutMilliseconds: 120_000) else {
      throw FloorFailure(description: "deploy/local.sh \(words.joined(separator: " ")) does not end")
    }
    guard code == 0 else {
      throw FloorFailure(description: "deploy/local.sh \(words.joined(separator: " ")): \(code)\n\(process.output)")
    }
    return process.output
  }

  /// `NAME='value'` lines.
  private static func variables(_ text: String) -> [String: String] {
    var variables: [String: String] = [:]
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: "=", maxSplits: 1)
      if parts.count == 2 { variables[String(parts[0])] = String(parts[1].filter { $0 != "'" }) }
    }
    return variables
  }
}

extension floor_arrival {
  /// The order's id at the venue.
  var name: String { withUnsafeBytes(of: id) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) } }
}
