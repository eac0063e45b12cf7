import Domain

/// A record on a book topic. Every record carries validity and the top, so that whoever needs only a price builds no book.
public struct BookRecord: Hashable, Sendable {
  /// What the levels of the record mean.
  public enum Kind: String, CaseIterable, Sendable {
    /// The whole book, or one chunk of it; replaces what came before.
    case snapshot
    /// The levels that one venue update changed; a quantity of zero removes a level.
    case diff
    /// No levels: the feed lives, or the book has just become invalid.
    case status
  }

  /// What the levels mean.
  public var kind: Kind
  /// Whose book.
  public var venue: Venue
  /// What it trades.
  public var symbol: Symbol
  /// The venue's id of the last update that is in.
  public var updateID: Int64
  /// False from a gap, a crossed book, silence or a lost connection on, until a resync.
  public var isValid: Bool
  /// Why it is not valid.
  public var reason: String?
  /// When the update came in.
  public var ingestTime: Timestamp
  /// The venue's own time of it, when it said one.
  public var venueTime: Timestamp?
  /// Best bid and ask of the whole book after this update; empty when invalid.
  public var top: TopOfBook
  /// Bid levels, best first in a snapshot.
  public var bids: [BookLevel]
  /// Ask levels, best first in a snapshot.
  public var asks: [BookLevel]
  /// Number of this chunk of a snapshot, from 0.
  public var chunk: Int
  /// How many chunks the snapshot has.
  public var chunks: Int

  /// A book record.
  public init(
    kind: Kind, venue: Venue, symbol: Symbol, updateID: Int64, isValid: Bool, reason: String? = nil, ingestTime: Timestamp,
    venueTime: Timestamp? = nil, top: TopOfBook, bids: [BookLevel] = [], asks: [BookLevel] = [], chunk: Int = 0, chunks: Int = 1
  ) {
    self.kind = kind
    self.venue = venue
    self.symbol = symbol
    self.updateID = updateID
    self.isValid = isValid
    self.reason = reason
    self.ingestTime = ingestTime
    self.venueTime = venueTime
    self.top = top
    self.bids = bids
    self.asks = asks
    self.chunk = chunk
    self.chunks = chunks
  }

  /// Appends the record to a writer that is reused from record to record.
  public func encode(into writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("v", 1)
    writer.member("type", kind)
    writer.member("venue", venue)
    writer.member("symbol", symbol)
    writer.member("u", updateID)
    writer.member("valid", isValid)
    writer.member("reason", reason)
    writer.member("time", ingestTime)
    writer.member("venue_time", venueTime)
    writeLevel("bid", top.bid, to: &writer)
    writeLevel("ask", top.ask, to: &writer)
    if kind == .snapshot {
      writer.member("chunk", chunk)
      writer.member("chunks", chunks)
    }
    if kind != .status {
      writeLevels("bids", bids, to: &writer)
      writeLevels("asks", asks, to: &writer)
    }
    writer.endObject()
  }

  /// The record's bytes.
  public func encoded() -> [UInt8] {
    var writer = JSONWriter(capacity: 256 + 32 * (bids.count + asks.count))
    encode(into: &writer)
    return writer.bytes
  }

  private func writeLevel(_ name: StaticString, _ level: BookLevel?, to writer: inout JSONWriter) {
    guard let level else { return }
    writer.name(name)
    writer.level(level)
  }

  private func writeLevels(_ name: StaticString, _ levels: [BookLevel], to writer: inout JSONWriter) {
    writer.name(name)
    writer.levels(levels)
  }
}

extension JSONWriter {
  /// `["price","quantity"]`, each with at least so many digits behind the point.
  private mutating func level(_ level: BookLevel, priceDecimals: Int, quantityDecimals: Int) {
    beginArray()
    value(level.price, minimumDecimals: priceDecimals)
    value(level.quantity, minimumDecimals: quantityDecimals)
    endArray()
  }

  /// `[["price","quantity"],…]`, in the order given, each with at least so many digits behind the point.
  public mutating func levels(_ levels: [BookLevel], priceDecimals: Int, quantityDecimals: Int = 0) {
    beginArray()
    for each in levels { level(each, priceDecimals: priceDecimals, quantityDecimals: quantityDecimals) }
    endArray()
  }
}

extension BookRecord {
  /// Reads a record whole.
  public init(_ bytes: [UInt8]) throws(RecordError) { self = try Self.read(bytes, withLevels: true) }

  /// Reads everything but the levels: all that a price needs.
  public static func topOnly(_ bytes: [UInt8]) throws(RecordError) -> BookRecord { try read(bytes, withLevels: false) }

  private static func read(_ bytes: [UInt8], withLevels: Bool) throws(RecordError) -> BookRecord {
    do {
      return try bytes.withUnsafeBufferPointer { buffer throws(BookRecordParser.Failure) in
        var parser = BookRecordParser(scanner: JSONScanner(buffer), withLevels: withLevels)
        return try parser.parse()
      }
    } catch {
      switch error {
      case .json(let error): throw RecordError(error)
      case .decimal: throw RecordError(.invalidNumber, "A level is not a pair of decimals.")
      case .field(let name): throw RecordError(.missingField, "The field \(name) is missing or wrong.")
      }
    }
  }
}

/// Pulls a book record out of its bytes in one pass.
private struct BookRecordParser {
  enum Failure: Error {
    case json(JSONError)
    case decimal(DecimalError)
    case field(String)
  }

  var scanner: JSONScanner
  let withLevels: Bool
  private var kind: BookRecord.Kind?
  private var venue: Venue?
  private var symbol: Symbol?
  private var updateID: Int64?
  private var isValid: Bool?
  private var reason: String?
  private var ingestTime: Int64?
  private var venueTime: Int64?
  private var top = TopOfBook(bid: nil, ask: nil)
  private var bids: [BookLevel] = []
  private var asks: [BookLevel] = []
  private var chunk = 0
  private var chunks = 1

  init(scanner: JSONScanner, withLevels: Bool) {
    self.scanner = scanner
    self.withLevels = withLevels
  }

  mutating func parse() throws(Failure) -> BookRecord {
    do { try scanner.beginObject() } catch { throw .json(error) }
    while let name = try nextName() { try readMember(name) }
    guard let kind else { throw .field("type") }
    guard let venue else { throw .field("venue") }
    guard let symbol else { throw .field("symbol") }
    guard let isValid else { throw .field("valid") }
    guard let updateID else { throw .field("u") }
    guard let ingestTime else { throw .field("time") }
    return BookRecord(
      kind: kind, venue: venue, symbol: symbol, updateID: updateID, isValid: isValid, reason: reason,
      ingestTime: Timestamp(nanoseconds: ingestTime), venueTime: venueTime.map(Timestamp.init(nanoseconds:)), top: top,
      bids: bids,
      asks: asks, chunk: chunk, chunks: chunks)
  }

  private mutating func nextName() throws(Failure) -> JSONText? {
    do { return try scanner.nextName() } catch { throw .json(error) }
  }

  private mutating func readMember(_ name: JSONText) throws(Failure) {
    if name == "bids" {
      bids = try levels()
    } else if name == "asks" {
      asks = try levels()
    } else if name == "bid" {
      top.bid = try level()
    } else if name == "ask" {
      top.ask = try level()
    } else {
      do { try readScalar(name) } catch { throw .json(error) }
    }
  }

  private mutating func readScalar(_ name: JSONText) throws(JSONError) {
    if name == "u" {
      updateID = try scanner.integer()
    } else if name == "time" {
      ingestTime = try scanner.integer()
    } else if name == "venue_time" {
      venueTime = try scanner.integer()
    } else if name == "valid" {
      isValid = try scanner.bool()
    } else if name == "type" {
      kind = BookRecord.Kind(rawValue: try decodeJSONString(try scanner.rawString()))
    } else if name == "venue" {
      venue = Venue(try decodeJSONString(try scanner.rawString()))
    } else if name == "symbol" {
      symbol = Symbol(try decodeJSONString(try scanner.rawString()))
    } else if name == "reason" {
      reason = try decodeJSONString(try scanner.rawString())
    } else if name == "chunk" {
      chunk = Int(try scanner.integer())
    } else if name == "chunks" {
      chunks = Int(try scanner.integer())
    } else {
      try scanner.skipValue()
    }
  }

  private mutating func levels() throws(Failure) -> [BookLevel] {
    do {
      guard withLevels else {
        try scanner.skipValue()
        return []
      }
      try scanner.beginArray()
    } catch { throw .json(error) }
    var levels: [BookLevel] = []
    while true {
      while let (price, quantity) = scanner.nextDecimalPair(scales: Price.scale, Quantity.scale) {
        levels.append(BookLevel(price: Price(units: price), quantity: Quantity(units: quantity)))
      }
      guard try nextElement() else { return levels }
      levels.append(try level())
    }
  }

  private mutating func nextElement() throws(Failure) -> Bool {
    do { return try scanner.nextElement() } catch { throw .json(error) }
  }

  private mutating func level() throws(Failure) -> BookLevel {
    do { try scanner.beginArray() } catch { throw .json(error) }
    let price = try Self.decimal(try nextDecimal(), as: Price.self)
    let quantity = try Self.decimal(try nextDecimal(), as: Quantity.self)
    guard try !nextElement() else { throw .json(scanner.malformed) }
    return BookLevel(price: price, quantity: quantity)
  }

  private mutating func nextDecimal() throws(Failure) -> JSONText {
    guard try nextElement() else { throw .json(scanner.malformed) }
    do { return try scanner.decimalText() } catch { throw .json(error) }
  }

  private static func decimal<Value: FixedPoint>(_ text: JSONText, as type: Value.Type) throws(Failure) -> Value {
    do { return try Value(text: text) } catch { throw .decimal(error) }
  }
}
