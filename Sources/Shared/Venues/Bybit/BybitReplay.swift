import Domain
import Wire

/// Replays recorded Bybit traffic for one book: a symbol of one category, at one depth.
public struct BybitReplay: BookReplay {
  private let market: BybitMarket
  private let venueSymbol: String
  private var sync: BookSync
  private var update = DepthUpdate()
  /// Connections of other categories, whose topics have the same names as ours.
  private var foreign: Set<String> = []
  /// The connection that brings the book, once known.
  private var connection: String?
  /// True once anything about the symbol was seen.
  public private(set) var hasSeenSymbol = false

  /// A replay of the symbol that the venue spells `venueSymbol`.
  public init(market: BybitMarket, venueSymbol: String) {
    self.market = market
    self.venueSymbol = venueSymbol.uppercased()
    sync = BookSync(rules: .bybit)
    _ = sync.opened(at: .zero)
  }

  /// The book, or nil while it is not valid.
  public var book: OrderBook? { sync.book }
  /// What the book has been through.
  public var counts: BookCounts { sync.counts }
  /// Number of the last change in the book, or nil while it is not valid.
  public var lastID: Int64? { sync.lastID }

  /// Takes the next record. Throws when the line is no record; the book is then as before.
  public mutating func take(line: [UInt8]) throws(ReplyError) {
    let record = try JSON.reply(line)
    let name = record["conn"]?.string ?? ""
    switch try record.requiredString("t") {
    case "connect": connect(address: record["addr"]?.string ?? "", name: name)
    case "recv": receive(frame: Array(try record.requiredString("data").utf8), from: name)
    default: break
    }
  }

  /// A record was there and cannot be read: it may have been a frame of the symbol.
  public mutating func lose() { _ = sync.damaged(at: .zero) }

  /// A connection to another category is none of ours; a new one of ours begins without a book.
  private mutating func connect(address: String, name: String) {
    guard address.hasSuffix(market.streamTarget) else {
      if address.contains("/v5/public/") { foreign.insert(name) }
      return
    }
    guard connection == nil || connection == name else { return }
    _ = sync.closed()
    _ = sync.opened(at: .zero)
  }

  private mutating func receive(frame: [UInt8], from name: String) {
    guard !foreign.contains(name) else { return }
    do throws(ReplyError) {
      guard try BybitDepth.decode(frame: frame, into: &update) == .book(depth: market.depth), update.venueSymbol == venueSymbol
      else {
        return
      }
      hasSeenSymbol = true
      connection = name
      _ = sync.receive(update, at: .zero)
    } catch {
      // A broken frame that names another topic is that topic's loss; any other may have been ours.
      if BybitDepth.namesOtherTopic(frame, than: market.bookTopic(venueSymbol: venueSymbol)) { return }
      _ = sync.damaged(at: .zero)
    }
  }
}

extension BookRules {
  /// The stream brings the book, and each step's number is the one before it plus one.
  static let bybit = BookRules(source: .stream, chain: .numbers)
}
