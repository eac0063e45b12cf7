import Domain
import Wire

/// What a frame of a Binance market data stream turned out to be.
public enum BinanceStreamFrame: Sendable, Hashable {
  /// A step of a book, now in the `DepthUpdate` that was passed in.
  case depth
  /// The venue is about to close the connection for good reason: reconnect soon.
  case shutdown
  /// Something else, complete or not: another stream's event or an answer.
  case other
}

/// Reads depth frames and snapshots (web-socket-streams.md of binance-spot-api-docs) without building a tree and, once the arrays have
/// grown, without allocating.
public enum BinanceDepth {
  /// Reads a frame, bare or wrapped as `{"stream","data"}`, into `update`. Throws when it is a depth frame, or could be one, and cannot
  /// be read to its end; `update` is then rubbish.
  public static func decode(
    frame: UnsafeBufferPointer<UInt8>, into update: inout DepthUpdate
  ) throws(ReplyError) -> BinanceStreamFrame {
    var reader = DepthReader(frame)
    do throws(JSONError) {
      return try reader.frame(into: &update)
    } catch {
      throw reader.failure ?? .malformed
    }
  }

  /// Reads a frame as above.
  public static func decode(frame: [UInt8], into update: inout DepthUpdate) throws(ReplyError) -> BinanceStreamFrame {
    try frame.withUnsafeBufferPointer { bytes throws(ReplyError) in try decode(frame: bytes, into: &update) }
  }

  /// True when a frame, readable or not, begins by naming a stream that is not the depth stream of `venueSymbol`: its loss is then no
  /// loss to that symbol's book.
  public static func namesOtherStream(_ frame: [UInt8], than venueSymbol: String) -> Bool {
    let opening = Array(#"{"stream":""#.utf8)
    guard frame.starts(with: opening) else { return false }
    let name = frame.dropFirst(opening.count).prefix { $0 != UInt8(ascii: "\"") }
    let ours = Array("\(venueSymbol.lowercased())@depth".utf8)
    // A name that was cut off may have been ours.
    return !name.starts(with: ours) && !ours.starts(with: name)
  }

  /// Reads the reply to `depth` into `snapshot`; throws when anything in it is amiss.
  public static func decode(snapshot body: [UInt8], into snapshot: inout DepthSnapshot) throws(ReplyError) {
    try body.withUnsafeBufferPointer { bytes throws(ReplyError) in
      var reader = DepthReader(bytes)
      do throws(JSONError) {
        try reader.snapshot(into: &snapshot)
      } catch {
        throw reader.failure ?? .malformed
      }
    }
  }
}

/// Reads one frame or snapshot.
private struct DepthReader {
  private var scanner: JSONScanner
  /// A number that our types cannot hold: more telling than the scanner's error.
  private(set) var failure: ReplyError?

  init(_ bytes: UnsafeBufferPointer<UInt8>) { scanner = JSONScanner(bytes) }

  mutating func frame(into update: inout DepthUpdate) throws(JSONError) -> BinanceStreamFrame {
    update.removeAll()
    guard scanner.peek() == UInt8(ascii: "{") else {
      // All-market events are arrays; anything else is no frame of this protocol.
      guard scanner.peek() == UInt8(ascii: "[") else { throw scanner.malformed }
      return .other
    }
    var fields = DepthFields()
    let kind = try event(into: &update, &fields, isWrapper: true)
    guard kind == .depth else { return kind }
    try scanner.end()
    guard fields == .complete, update.firstID >= 0, update.firstID <= update.lastID else { throw scanner.malformed }
    return .depth
  }

  /// Reads an object's members. An event of another kind is left where its kind was seen.
  private mutating func event(
    into update: inout DepthUpdate, _ fields: inout DepthFields, isWrapper: Bool
  ) throws(JSONError) -> BinanceStreamFrame {
    var kind = BinanceStreamFrame.other
    try scanner.beginObject()
    while let name = try scanner.nextName() {
      if name == "b" {
        if try levels(into: &update.bids) { fields.insert(.bids) }
      } else if name == "a" {
        if try levels(into: &update.asks) { fields.insert(.asks) }
      } else if name == "e" {
        kind = Self.kind(try scanner.rawString())
        if kind != .depth { return kind }
      } else if name == "U" {
        update.firstID = try scanner.integer()
        fields.insert(.first)
      } else if name == "u" {
        update.lastID = try scanner.integer()
        fields.insert(.last)
      } else if name == "pu" {
        update.previousID = try scanner.integer()
      } else if name == "E" {
        update.eventTime = Timestamp(milliseconds: try scanner.integer())
      } else if name == "s" {
        try symbol(into: &update.venueSymbol)
        fields.insert(.symbol)
      } else if isWrapper, name == "data", scanner.peek() == UInt8(ascii: "{") {
        kind = try event(into: &update, &fields, isWrapper: false)
        if kind != .depth { return kind }
      } else {
        try scanner.skipValue()
      }
    }
    return kind
  }

  mutating func snapshot(into snapshot: inout DepthSnapshot) throws(JSONError) {
    snapshot.bids.removeAll(keepingCapacity: true)
    snapshot.asks.removeAll(keepingCapacity: true)
    var fields = DepthFields()
    try scanner.beginObject()
    while let name = try scanner.nextName() {
      if name == "lastUpdateId" {
        snapshot.lastID = try scanner.integer()
        fields.insert(.last)
      } else if name == "bids" {
        if try levels(into: &snapshot.bids) { fields.insert(.bids) }
      } else if name == "asks" {
        if try levels(into: &snapshot.asks) { fields.insert(.asks) }
      } else {
        try scanner.skipValue()
      }
    }
    try scanner.end()
    guard fields == [.last, .bids, .asks], snapshot.lastID >= 0 else { throw scanner.malformed }
  }

  private static func kind(_ word: JSONText) -> BinanceStreamFrame {
    if word == "depthUpdate" { return .depth }
    return word == "serverShutdown" ? .shutdown : .other
  }

  /// Keeps the string of the last frame when it is the same, as it nearly always is.
  private mutating func symbol(into text: inout String) throws(JSONError) {
    let raw = try scanner.rawString()
    if text.utf8.count == raw.count, text.utf8.elementsEqual(raw) { return }
    guard raw.count <= 32 else { throw scanner.malformed }
    text = String(decoding: raw, as: UTF8.self)
  }

  /// Reads `[["price","quantity"],…]`. False when the value is no array: other events use the same names for single numbers.
  private mutating func levels(into levels: inout [BookLevel]) throws(JSONError) -> Bool {
    guard scanner.peek() == UInt8(ascii: "[") else {
      try scanner.skipValue()
      return false
    }
    try scanner.beginArray()
    while true {
      if let (price, quantity) = scanner.nextDecimalPair() {
        levels.append(try level(price, quantity))
        continue
      }
      guard try scanner.nextElement() else { return true }
      try scanner.beginArray()
      guard try scanner.nextElement() else { throw scanner.malformed }
      let price = try scanner.decimalText()
      guard try scanner.nextElement() else { throw scanner.malformed }
      levels.append(try level(price, try scanner.decimalText()))
      // Old snapshots have a third, empty element.
      while try scanner.nextElement() { try scanner.skipValue() }
    }
  }

  @inline(__always)
  private mutating func level(_ price: JSONText, _ quantity: JSONText) throws(JSONError) -> BookLevel {
    let level: BookLevel
    do throws(DecimalError) {
      level = BookLevel(price: try Price(text: price), quantity: try Quantity(text: quantity))
    } catch {
      failure = .number("level", error)
      throw scanner.malformed
    }
    guard level.price.isPositive, !level.quantity.isNegative else { throw scanner.malformed }
    return level
  }
}

/// Which fields of a frame have been seen.
private struct DepthFields: OptionSet {
  let rawValue: UInt8
  static let bids = DepthFields(rawValue: 1)
  static let asks = DepthFields(rawValue: 2)
  static let first = DepthFields(rawValue: 4)
  static let last = DepthFields(rawValue: 8)
  static let symbol = DepthFields(rawValue: 16)
  static let complete: DepthFields = [.bids, .asks, .first, .last, .symbol]
}
