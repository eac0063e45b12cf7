import Domain
import Floors
import Glibc
import Measuring
import Venues
import Wire

/// Records of the topics to bytes and back.
func measureRecords(_ options: Options) throws -> [Line] {
  let book = try RecordSamples.book()
  let order = try RecordSamples.order()
  let approval = try RecordSamples.approval(of: order)
  let defaults = OrderDefaults(account: order.account, symbol: order.symbol)
  var writer = JSONWriter(capacity: 4_096)
  return [
    try writing("book", book.encoded(), options) {
      writer.removeAll()
      book.encode(into: &writer)
      return writer.bytes
    },
    try reading("book", book.encoded(), options) { bytes in _ = try BookRecord(bytes) },
    try writing("order", order.encoded(), options) { order.encoded() },
    try reading("order", order.encoded(), options) { bytes in _ = OrderRequest.read(bytes, defaults: defaults) },
    try writing("approval", approval.encoded(), options) { approval.encoded() },
    try reading("approval", approval.encoded(), options) { bytes in _ = try Approval(bytes) },
  ]
}

private let passes = 5_000

private func writing(_ name: String, _ bytes: [UInt8], _ options: Options, encode: @escaping () -> [UInt8]) throws -> Line {
  let pieces = try RecordPieces(bytes)
  var out = [CChar](repeating: 0, count: 64 << 10)
  return try Contest(
    name: "records/\(name)-encode", unit: "ns/record", operations: passes,
    floor: {
      Sample {
        let length = floor_write_record(pieces.pieces, pieces.pieces.count, &out, passes)
        return hash(out.prefix(length).map { UInt8(bitPattern: $0) })
      }
    },
    ours: {
      Sample {
        var encoded: [UInt8] = []
        for _ in 0..<passes { encoded = encode() }
        return hash(encoded)
      }
    }
  ).run(options).telling("bytes", Double(bytes.count))
}

private func reading(_ name: String, _ bytes: [UInt8], _ options: Options, decode: @escaping ([UInt8]) throws -> Void) throws
  -> Line
{
  let packed = PackedBytes([bytes])
  return try Contest(
    name: "records/\(name)-decode", unit: "ns/record", operations: passes, comparesResults: false,
    floor: { Sample { floor_read_record(packed.bytes, bytes.count, passes) } },
    ours: {
      try Sample {
        for _ in 0..<passes { try decode(bytes) }
        return 0
      }
    }
  ).run(options)
}

/// What the floor writes a record from: the same text in pieces, numbers as integers.
private final class RecordPieces {
  private(set) var pieces: [floor_piece] = []

  init(_ record: [UInt8]) throws { add(try JSON.parse(record), named: nil) }

  deinit {
    for piece in pieces {
      free(UnsafeMutableRawPointer(mutating: piece.name))
      free(UnsafeMutableRawPointer(mutating: piece.text))
    }
  }

  private func add(_ value: JSON, named name: String?) {
    switch value {
    case .object(let members):
      add("{", floor_raw, name)
      for member in members { add(member.value, named: member.name) }
      add("}", floor_raw, nil)
    case .array(let elements):
      add("[", floor_raw, name)
      for element in elements { add(element, named: nil) }
      add("]", floor_raw, nil)
    case .string(let text):
      if let price = try? Price(text), price.text() == text {
        add("", floor_decimal, name, price.units)
      } else {
        add(text, floor_text, name)
      }
    case .number(let text): add("", floor_integer, name, Int64(text) ?? 0)
    case .bool(let flag): add(flag ? "true" : "false", floor_raw, name)
    case .null: add("null", floor_raw, name)
    }
  }

  private func add(_ text: String, _ kind: floor_kind, _ name: String?, _ number: Int64 = 0) {
    pieces.append(
      floor_piece(
        name: name.flatMap { UnsafePointer(strdup($0)) }, text: UnsafePointer(strdup(text)), number: number,
        scale: Int32(Price.scale), kind: kind))
  }
}

/// Records as they are on the topics of a running stack.
private enum RecordSamples {
  static func book() throws -> BookRecord {
    var depth = SyntheticDepth(seed: 1)
    var update = DepthUpdate()
    // One of the usual size.
    repeat {
      _ = try BinanceDepth.decode(frame: depth.nextFrame(), into: &update)
    } while update.bids.count + update.asks.count != 16
    let top = TopOfBook(
      bid: BookLevel(price: try Price("26795.4"), quantity: try Quantity("0.024")),
      ask: BookLevel(price: try Price("26796.1"), quantity: try Quantity("1.5")))
    return BookRecord(
      kind: .diff, venue: .binance, symbol: try symbol(), updateID: update.lastID, isValid: true,
      ingestTime: Timestamp(nanoseconds: 1_700_000_000_123_456_789), venueTime: update.eventTime, top: top, bids: update.bids,
      asks: update.asks)
  }

  static func order() throws -> OrderRequest {
    guard let account = Account("main") else { preconditionFailure("main is an account") }
    return OrderRequest(
      account: account, clientOrderID: ClientOrderID("quoter-1700000000-000042"), venue: .binance, symbol: try symbol(),
      side: .buy,
      type: .limit, quantity: try Quantity("0.25"), price: try Price("26795.4"), timeInForce: .gtc, strategy: "quoter")
  }

  static func approval(of order: OrderRequest) throws -> Approval {
    guard let id = order.clientOrderID else { preconditionFailure("the sample has an id") }
    let time = Timestamp(nanoseconds: 1_700_000_000_123_456_789)
    var figures = DecisionFigures()
    figures.referenceVenue = .binance
    figures.referencePrice = try Price("26796.1")
    figures.referenceTime = time
    figures.collarPrice = try Price("28135.9")
    figures.notional = Money(units: 6_699_025_000_000_000_000_000)
    figures.position = try Quantity("1.5")
    figures.openBuys = try Quantity("0.75")
    figures.openSells = .zero
    figures.positionAfter = try Quantity("2.5")
    figures.ordersInWindow = 3
    figures.executionsOffset = 123_456
    figures.ordersOffset = 23_456
    return Approval(
      request: Shared(order), clientOrderID: id, quantity: order.quantity, limitPrice: order.price,
      timeInForce: .gtc, validUntil: time + 5 * Interval.second, controlVersion: 3, limitsVersion: 7, decidedAt: time,
      source: RecordSource(topic: Topic.orders, partition: 2, offset: 23_456, timestamp: time), figures: figures)
  }

  private static func symbol() throws -> Symbol {
    guard let symbol = Symbol("BTC-USDT") else { preconditionFailure("BTC-USDT is a symbol") }
    return symbol
  }
}
