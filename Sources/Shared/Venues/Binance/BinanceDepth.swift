import Domain
import Wire

/// Reads depth frames and snapshots (web-socket-streams.md of binance-spot-api-docs) without building a tree and, once the arrays have
/// grown, without allocating.
public enum BinanceDepth {
  /// Reads a frame, bare or wrapped as `{"stream","data"}`, into `update`. Throws when it is a depth frame, or could be one, and cannot
  /// be read to its end; `update` is then rubbish.
  public static func decode(
    frame: UnsafeBufferPointer<UInt8>, into update: inout DepthUpdate
  ) throws(ReplyError) -> StreamFrame {
    var reader = DepthReader(frame)
    do throws(JSONError) {
      return try reader.frame(into: &update)
    } catch {
      throw reader.failure ?? .malformed
    }
  }

  /// Reads a frame as above.
  public static func decode(frame: [UInt8], into update: inout DepthUpdate) throws(ReplyError) -> StreamFrame {
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
  private var input: DepthScanner

  init(_ bytes: UnsafeBufferPointer<UInt8>) { input = DepthScanner(bytes) }

  var failure: ReplyError? { input.failure }

  mutating func frame(into update: inout DepthUpdate) throws(JSONError) -> StreamFrame {
    update.removeAll()
    guard input.scanner.peek() == UInt8(ascii: "{") else {
      // All-market events are arrays; anything else is no frame of this protocol.
      guard input.scanner.peek() == UInt8(ascii: "[") else { throw input.scanner.malformed }
      return .other
    }
    var fields = DepthFields()
    let kind = try event(into: &update, &fields, isWrapper: true)
    guard kind == .depth else { return kind }
    try input.scanner.end()
    guard fields == .complete, update.firstID >= 0, update.firstID <= update.lastID else { throw input.scanner.malformed }
    return .depth
  }

  /// Reads an object's members. An event of another kind is left where its kind was seen.
  private mutating func event(
    into update: inout DepthUpdate, _ fields: inout DepthFields, isWrapper: Bool
  ) throws(JSONError) -> StreamFrame {
    var kind = StreamFrame.other
    try input.scanner.beginObject()
    while let name = try input.scanner.nextName() {
      if name == "b" {
        if try input.levels(into: &update.bids) { fields.insert(.bids) }
      } else if name == "a" {
        if try input.levels(into: &update.asks) { fields.insert(.asks) }
      } else if name == "e" {
        kind = Self.kind(try input.scanner.rawString())
        if kind != .depth { return kind }
      } else if name == "U" {
        update.firstID = try input.scanner.integer()
        fields.insert(.first)
      } else if name == "u" {
        update.lastID = try input.scanner.integer()
        fields.insert(.last)
      } else if name == "pu" {
        update.previousID = try input.scanner.integer()
      } else if name == "E" {
        update.eventTime = Timestamp(milliseconds: try input.scanner.integer())
      } else if name == "s" {
        try input.symbol(into: &update.venueSymbol)
        fields.insert(.symbol)
      } else if isWrapper, name == "data", input.scanner.peek() == UInt8(ascii: "{") {
        kind = try event(into: &update, &fields, isWrapper: false)
        if kind != .depth { return kind }
      } else {
        try input.scanner.skipValue()
      }
    }
    return kind
  }

  mutating func snapshot(into snapshot: inout DepthSnapshot) throws(JSONError) {
    snapshot.bids.removeAll(keepingCapacity: true)
    snapshot.asks.removeAll(keepingCapacity: true)
    var fields = DepthFields()
    try input.scanner.beginObject()
    while let name = try input.scanner.nextName() {
      if name == "lastUpdateId" {
        snapshot.lastID = try input.scanner.integer()
        fields.insert(.last)
      } else if name == "bids" {
        if try input.levels(into: &snapshot.bids) { fields.insert(.bids) }
      } else if name == "asks" {
        if try input.levels(into: &snapshot.asks) { fields.insert(.asks) }
      } else {
        try input.scanner.skipValue()
      }
    }
    try input.scanner.end()
    guard fields == [.last, .bids, .asks], snapshot.lastID >= 0 else { throw input.scanner.malformed }
  }

  private static func kind(_ word: JSONText) -> StreamFrame {
    if word == "depthUpdate" { return .depth }
    return word == "serverShutdown" ? .shutdown : .other
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
