import Domain
import Wire

/// What a frame of a public Bybit stream turned out to be.
public enum BybitFrame: Sendable, Hashable {
  /// A book or a step of one, of so many levels a side, now in the `DepthUpdate` that was passed in.
  case book(depth: Int)
  /// An answer to a frame of ours: a subscription stands, or a pong.
  case answer
  /// A subscription was refused.
  case refused
  /// Another topic.
  case other
}

/// Reads `orderbook` frames (websocket/public/orderbook.mdx of bybit-exchange/docs) without building a tree and, once the arrays have
/// grown, without allocating.
public enum BybitDepth {
  /// Reads a frame into `update`; its members come in any order. Throws when it is of a book, or could be, and cannot be read to its
  /// end; `update` is then rubbish.
  public static func decode(
    frame: UnsafeBufferPointer<UInt8>, into update: inout DepthUpdate
  ) throws(ReplyError) -> BybitFrame {
    var reader = BookReader(frame)
    do throws(JSONError) {
      return try reader.frame(into: &update)
    } catch {
      throw reader.failure ?? .malformed
    }
  }

  /// Reads a frame as above.
  public static func decode(frame: [UInt8], into update: inout DepthUpdate) throws(ReplyError) -> BybitFrame {
    try frame.withUnsafeBufferPointer { bytes throws(ReplyError) in try decode(frame: bytes, into: &update) }
  }

  /// True when a frame, readable or not, begins by naming another topic than `topic`: its loss is then no loss to that topic's book.
  public static func namesOtherTopic(_ frame: [UInt8], than topic: String) -> Bool {
    let opening = Array(#"{"topic":""#.utf8)
    guard frame.starts(with: opening) else { return false }
    let name = frame.dropFirst(opening.count).prefix { $0 != UInt8(ascii: "\"") }
    // A name that was cut off may have been ours.
    return !Array(topic.utf8).starts(with: name)
  }
}

/// Reads one frame.
private struct BookReader {
  private enum Topic { case unknown, book(depth: Int), other }
  private enum Kind { case unknown, snapshot, delta }

  private var input: DepthScanner
  private var topic = Topic.unknown
  private var kind = Kind.unknown
  private var fields = BookFields()
  private var isAnswer = false
  private var isRefusal = false
  private var matchingTime: Int64?

  init(_ bytes: UnsafeBufferPointer<UInt8>) { input = DepthScanner(bytes) }

  var failure: ReplyError? { input.failure }

  mutating func frame(into update: inout DepthUpdate) throws(JSONError) -> BybitFrame {
    update.removeAll()
    try input.scanner.beginObject()
    while let name = try input.scanner.nextName() {
      if name == "topic" {
        try readTopic(into: &update)
        if case .other = topic { return .other }
      } else if name == "type" {
        try readKind()
      } else if name == "data" {
        if input.scanner.peek() == UInt8(ascii: "{") { try data(into: &update) } else { try input.scanner.skipValue() }
      } else if name == "ts" {
        update.eventTime = Timestamp(milliseconds: try input.scanner.integer())
      } else if name == "cts" {
        matchingTime = try input.scanner.integer()
      } else if name == "success" {
        isRefusal = try !input.scanner.bool()
      } else if name == "op" {
        isAnswer = true
        try input.scanner.skipValue()
      } else {
        try input.scanner.skipValue()
      }
    }
    try input.scanner.end()
    guard case .book(let depth) = topic else { return isRefusal ? .refused : isAnswer ? .answer : .other }
    guard fields == .complete, kind != .unknown, update.lastID > 0 else { throw input.scanner.malformed }
    // One number a step; number one begins a new life of the venue's service and is whole, whatever it is called.
    update.firstID = update.lastID
    update.isWhole = kind == .snapshot || update.lastID == 1
    if let matchingTime { update.eventTime = Timestamp(milliseconds: matchingTime) }
    return .book(depth: depth)
  }

  private mutating func data(into update: inout DepthUpdate) throws(JSONError) {
    try input.scanner.beginObject()
    while let name = try input.scanner.nextName() {
      if name == "b" {
        if try input.levels(into: &update.bids) { fields.insert(.bids) }
      } else if name == "a" {
        if try input.levels(into: &update.asks) { fields.insert(.asks) }
      } else if name == "u" {
        update.lastID = try input.scanner.integer()
        fields.insert(.number)
      } else {
        try input.scanner.skipValue()
      }
    }
  }

  private mutating func readKind() throws(JSONError) {
    let word = try input.scanner.rawString()
    if word == "snapshot" { kind = .snapshot } else if word == "delta" { kind = .delta }
  }

  /// `orderbook.<depth>.<symbol>`; the symbol may have points of its own.
  private mutating func readTopic(into update: inout DepthUpdate) throws(JSONError) {
    let text = try input.scanner.rawString()
    let prefix: StaticString = "orderbook."
    let start = prefix.utf8CodeUnitCount
    guard text.count > start, JSONText(rebasing: text[..<start]) == prefix else { return topic = .other }
    var depth = 0
    var position = start
    while position < text.count, text[position] &- 0x30 < 10, depth <= 10_000 {
      depth = depth * 10 + Int(text[position] &- 0x30)
      position += 1
    }
    guard position > start, position + 1 < text.count, text[position] == UInt8(ascii: ".") else { throw input.scanner.malformed }
    try input.take(JSONText(rebasing: text[(position + 1)...]), into: &update.venueSymbol)
    topic = .book(depth: depth)
  }
}

/// Which fields of a book have been seen.
private struct BookFields: OptionSet {
  let rawValue: UInt8
  static let bids = BookFields(rawValue: 1)
  static let asks = BookFields(rawValue: 2)
  static let number = BookFields(rawValue: 4)
  static let complete: BookFields = [.bids, .asks, .number]
}
