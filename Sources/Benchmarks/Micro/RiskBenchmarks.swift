import Domain
import Floors
import Measuring
import RiskGateCore
import Runtime
import Wire

/// RiskGate's core: a record on `orders` is read, and decided on with few and with many open orders and symbols, which must make no
/// difference.
func measureRisk(_ options: Options) throws -> [Line] {
  let scenes = try [(1, 1), (10_000, 1), (1, 1_000), (10_000, 1_000)].map { try RiskScene(openOrders: $0, symbols: $1) }
  return [try scenes[0].measureReading(options)] + (try scenes.flatMap { try $0.measureDecisions(options) })
}

/// An engine with so many orders open, and the orders that it is asked to decide.
private final class RiskScene {
  private static let batch = 2_000
  private static let passes = 10

  private let name: String
  private let openOrders: Int
  private let symbols: [String]
  private let prepared: RiskEngine
  /// The first makes a copied engine one of its own; the others are measured.
  private let records: [OrderRecord]
  private let payloads: [[UInt8]]
  private let packed: PackedBytes
  private let start = Timestamp(milliseconds: 1_700_000_000_000)

  init(openOrders: Int, symbols count: Int) throws {
    self.openOrders = openOrders
    name = "\(openOrders)-open/\(count)-symbols"
    symbols = (0..<count).map { "S\($0)-USDT" }
    let defaults = Self.defaults
    let total = openOrders + 1 + Self.batch
    let payloads = (0..<total).map { [symbols] in Self.order($0, symbols[$0 % count]) }
    let records = payloads.enumerated().map { [start] in Self.record($1, number: $0, at: start, defaults) }
    self.records = Array(records[openOrders...])
    self.payloads = Array(payloads[(openOrders + 1)...])
    packed = PackedBytes(payloads)
    prepared = try Self.engine(symbols, at: start, deciding: records[..<openOrders])
  }

  private static var defaults: OrderDefaults {
    guard let account = Account("main"), let symbol = Symbol("S0-USDT") else { preconditionFailure("these are names") }
    return OrderDefaults(account: account, symbol: symbol)
  }

  private static func record(_ payload: [UInt8], number: Int, at start: Timestamp, _ defaults: OrderDefaults) -> OrderRecord {
    OrderRecord(
      payload: payload,
      source: RecordSource(
        topic: Topic.orders, partition: 0, offset: Int64(number), timestamp: start + Int64(number) * Interval.microsecond),
      defaults: defaults)
  }

  private static func order(_ number: Int, _ symbol: String) -> [UInt8] {
    Array(
      ("{\"client_order_id\":\"bench-\(1_000_000 + number)\",\"account\":\"main\",\"venue\":\"binance\",\"symbol\":\"\(symbol)\","
        + "\"side\":\"\(number.isMultiple(of: 2) ? "buy" : "sell")\",\"type\":\"limit\",\"quantity\":\"0.001\",\"price\":\"100.5\"}")
        .utf8)
  }

  private static func engine(
    _ symbols: [String], at start: Timestamp, deciding records: ArraySlice<OrderRecord>
  ) throws -> RiskEngine {
    var engine = RiskEngine(RiskSettings(partition: 0, partitionCount: 1, defaults: defaults))
    var effects: [RiskEffect] = []
    var limits = Limits(account: defaults.account)
    limits.version = 1
    limits.maximumOrdersPerSecond = 1_000_000
    limits.maximumPosition = []
    for text in symbols {
      guard let symbol = Symbol(text) else { preconditionFailure("these are names") }
      limits.maximumPosition.append(.init(asset: symbol.base, quantity: try Quantity("10000")))
      engine.apply(.instrument(try instrument(symbol)), at: start, into: &effects)
      let top = TopOfBook(
        bid: BookLevel(price: try Price("100"), quantity: try Quantity("1")),
        ask: BookLevel(price: try Price("100.5"), quantity: try Quantity("1")))
      let book = BookRecord(kind: .diff, venue: .binance, symbol: symbol, updateID: 1, isValid: true, ingestTime: start, top: top)
      engine.apply(.book(book), at: start, into: &effects)
    }
    limits.maximumPosition.sort { $0.asset < $1.asset }
    engine.apply(.limits(limits), at: start, into: &effects)
    engine.apply(.ready, at: start, into: &effects)
    for record in records { engine.apply(.order(record), at: record.source.timestamp, into: &effects) }
    return engine
  }

  private static func instrument(_ symbol: Symbol) throws -> Instrument {
    Instrument(
      venue: .binance, symbol: symbol, venueSymbol: symbol.base + symbol.quote, tick: try Price("0.01"),
      lot: try Quantity("0.00001"), minimumQuantity: try Quantity("0.00001"), maximumQuantity: try Quantity("9000"))
  }

  /// Bytes of a record to a request, with the hash of what it asks for.
  func measureReading(_ options: Options) throws -> Line {
    guard let gate = floor_gate_new() else { preconditionFailure("there is memory") }
    defer { floor_gate_free(gate) }
    let defaults = Self.defaults
    return try Contest(
      name: "risk/read", unit: "ns/record", operations: Self.passes * Self.batch,
      floor: { Sample { (0..<Self.passes).reduce(into: UInt64(0)) { sum, _ in sum += UInt64(self.readMeasured(gate)) } } },
      ours: {
        Sample {
          var count: UInt64 = 0
          for _ in 0..<Self.passes {
            for (number, payload) in self.payloads.enumerated() {
              if Self.record(payload, number: number, at: self.start, defaults).payload != nil { count += 1 }
            }
          }
          return count
        }
      }
    ).run(options)
  }

  /// The mean, beside a floor; and how long single ones take.
  func measureDecisions(_ options: Options) throws -> [Line] {
    let contest = Contest(
      name: "risk/\(name)", unit: "ns/decision", operations: Self.passes * Self.batch, target: .atMost(500), floor: floor,
      ours: { try self.ours() })
    let line = try contest.run(options)
    let singles = (0..<options.runs).map { _ in Percentiles(single()) }
    return [
      line.telling("decisions/s", 1e9 / line.ours.median),
      Line("risk/\(name)/p99", unit: "ns", target: .atMost(1_000), ours: singles.map { Double($0.p99) })
        .telling("p50", Spread(singles.map { Double($0.p50) }).median),
    ]
  }

  /// Has the floor read the records that are measured.
  private func readMeasured(_ gate: OpaquePointer) -> Int {
    let first = openOrders + 1
    return floor_gate_read(gate, packed.bytes, packed.offsets + first, packed.lengths + first, Self.batch)
  }

  private func floor() -> Sample {
    var nanoseconds: Int64 = 0
    var approved: UInt64 = 0
    for _ in 0..<Self.passes {
      guard let gate = floor_gate_new() else { preconditionFailure("there is memory") }
      defer { floor_gate_free(gate) }
      for symbol in symbols { floor_gate_quote(gate, symbol, 1_000_000_000_000, 1_005_000_000_000) }
      _ = floor_gate_read(gate, packed.bytes, packed.offsets, packed.lengths, openOrders + 1)
      _ = floor_gate_decide(gate)
      _ = readMeasured(gate)
      let sample = Sample { UInt64(floor_gate_decide(gate)) }
      nanoseconds += sample.nanoseconds
      approved += sample.result
    }
    return Sample(nanoseconds: nanoseconds, result: approved)
  }

  private func ours() throws -> Sample {
    var nanoseconds: Int64 = 0
    var approved: UInt64 = 0
    var effects: [RiskEffect] = []
    for _ in 0..<Self.passes {
      var engine = freshEngine(&effects)
      let sample = Sample {
        var count: UInt64 = 0
        for record in records.dropFirst() {
          engine.apply(.order(record), at: record.source.timestamp, into: &effects)
          if case .approve = effects.first { count += 1 }
          effects.removeAll(keepingCapacity: true)
        }
        return count
      }
      nanoseconds += sample.nanoseconds
      approved += sample.result
    }
    return Sample(nanoseconds: nanoseconds, result: approved)
  }

  /// Nanoseconds that each decision took by the monotonic clock, whose reading is in them.
  private func single() -> [Int64] {
    var effects: [RiskEffect] = []
    var engine = freshEngine(&effects)
    var times: [Int64] = []
    times.reserveCapacity(Self.batch)
    for record in records.dropFirst() {
      let before = monotonicNanoseconds()
      engine.apply(.order(record), at: record.source.timestamp, into: &effects)
      times.append(monotonicNanoseconds() - before)
      effects.removeAll(keepingCapacity: true)
    }
    return times
  }

  /// An engine of its own: the first change of a copy is what copies, so it is made before anything is measured.
  private func freshEngine(_ effects: inout [RiskEffect]) -> RiskEngine {
    var engine = prepared
    engine.apply(.order(records[0]), at: records[0].source.timestamp, into: &effects)
    effects.removeAll(keepingCapacity: true)
    return engine
  }
}
