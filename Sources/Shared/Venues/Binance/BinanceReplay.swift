import Domain
import Wire

/// Replays recorded Binance traffic for the book of one symbol; the market is known from the recorded addresses.
public struct BinanceReplay: BookReplay {
  private let venueSymbol: String
  private var sync: BookSync?
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
    if sync == nil { sync = BookSync(rules: market.bookRules) }
    _ = sync?.closed()
    _ = sync?.opened(at: .zero)
  }
}
