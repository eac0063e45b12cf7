import Domain
import Wire

/// Feeds recorded traffic to the book of one symbol, exactly as the live feed would. Records are JSON lines in time order:
/// `{"t":"connect|send|recv|http","conn":…,"ts":…,"addr"|"url":…,"data":"the frame or body"}`; an `http` record is the reply that a
/// request got at that moment.
public struct BinanceReplay: Sendable {
  private let venueSymbol: String
  private var sync: BinanceBookSync?
  private var update = DepthUpdate()
  private var snapshot = DepthSnapshot()
  /// The connection that brings the symbol's frames, once known.
  private var connection: String?
  /// True once anything about the symbol was seen.
  public private(set) var hasSeenSymbol = false

  /// A replay of the symbol that the venue spells `venueSymbol`.
  public init(venueSymbol: String) { self.venueSymbol = venueSymbol.uppercased() }

  /// The book, or nil while it is not valid.
  public var book: OrderBook? { sync?.book }
  /// What the book has been through.
  public var counts: BookCounts { sync?.counts ?? BookCounts() }
  /// Number of the last change in the book, or nil while it is not valid.
  public var lastID: Int64? { sync?.lastID }

  /// Takes the next record. Throws when the line is no record; the book is then as before.
  public mutating func take(line: [UInt8]) throws(ReplyError) {
    let record = try JSON.reply(line)
    switch try record.requiredString("t") {
    case "connect": connect(address: record["addr"]?.string ?? "", name: record["conn"]?.string)
    case "recv": receive(frame: Array(try record.requiredString("data").utf8), from: record["conn"]?.string)
    case "http":
      receive(body: Array(try record.requiredString("data").utf8), url: record["url"]?.string ?? record["addr"]?.string ?? "")
    default: break
    }
  }

  /// A record was there and cannot be read: it may have been a frame of the symbol.
  public mutating func lose() { _ = sync?.damaged(at: .zero) }

  /// The result as `{"bids":[["price","quantity"],…],"asks":…,"bid_levels":…,"ask_levels":…,"gaps":…,"resyncs":…,"valid":…}` with up
  /// to `depth` best levels a side; an invalid book has none.
  public func summary(depth: Int = 5) -> [UInt8] {
    let book = book
    return JSONWriter.object { writer in
      Self.write("bids", book?.levels(.buy, limit: depth) ?? [], to: &writer)
      Self.write("asks", book?.levels(.sell, limit: depth) ?? [], to: &writer)
      writer.member("bid_levels", book?.count(.buy) ?? 0)
      writer.member("ask_levels", book?.count(.sell) ?? 0)
      writer.member("gaps", counts.gaps)
      writer.member("resyncs", counts.resyncs)
      writer.member("valid", book != nil)
    }
  }

  private static func write(_ name: StaticString, _ levels: [BookLevel], to writer: inout JSONWriter) {
    writer.name(name)
    writer.beginArray()
    for level in levels {
      writer.beginArray()
      writer.value(level.price)
      writer.value(level.quantity)
      writer.endArray()
    }
    writer.endArray()
  }

  private mutating func connect(address: String, name: String?) {
    let lists = address.contains("\(venueSymbol.lowercased())@depth")
    guard lists || name == connection || (connection == nil && !address.contains("@depth")) else { return }
    if lists { connection = name }
    open(BinanceMarket(recordedAddress: address))
  }

  private mutating func receive(frame: [UInt8], from name: String?) {
    do throws(ReplyError) {
      guard try BinanceDepth.decode(frame: frame, into: &update) == .depth, update.venueSymbol == venueSymbol else { return }
      connection = name
      openIfNeeded(update.previousID == nil ? .spot : .futures)
      _ = sync?.receive(update, at: .zero)
    } catch {
      // A broken frame that names another stream is that stream's loss; any other may have been ours.
      if BinanceDepth.namesOtherStream(frame, than: venueSymbol) { return }
      _ = sync?.damaged(at: .zero)
    }
  }

  private mutating func receive(body: [UInt8], url: String) {
    guard let query = url.split(separator: "?").last, url.contains("/depth?"),
      query.split(separator: "&").contains("symbol=\(venueSymbol)")
    else { return }
    openIfNeeded(BinanceMarket(recordedAddress: url))
    do {
      try BinanceDepth.decode(snapshot: body, into: &snapshot)
      _ = sync?.receive(snapshot)
    } catch {
      // An unreadable reply is no snapshot: the next one counts.
    }
  }

  private mutating func openIfNeeded(_ market: BinanceMarket) {
    hasSeenSymbol = true
    if sync == nil { open(market) }
  }

  /// A new connection: whatever was known of the book belongs to the old one.
  private mutating func open(_ market: BinanceMarket) {
    if sync == nil { sync = BinanceBookSync(market: market) }
    _ = sync?.closed()
    _ = sync?.opened(at: .zero)
  }
}
