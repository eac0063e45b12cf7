import Domain
import Wire

/// The two kinds of Bybit market that Apus follows: one protocol (v5), told apart by `category`.
/// Sources: websocket/public/orderbook.mdx, market/instrument.mdx and websocket/wss-authentication.mdx of bybit-exchange/docs.
public struct BybitMarket: Sendable, Hashable {
  /// The venue's word for a kind of market.
  public enum Category: String, Sendable, CaseIterable {
    /// Spot.
    case spot
    /// Perpetuals and futures margined in USDT or USDC.
    case linear
  }

  /// Levels a side that the venue offers, each with a pace of its own: 10, 20, 100 and 200 ms.
  public static let depths = [1, 50, 200, 1_000]

  /// Which market.
  public var category: Category
  /// Levels a side of the books that are followed.
  public var depth: Int

  /// `depth` is one of `depths`; a recording may have been made with another.
  public init(_ category: Category, depth: Int = 1_000) {
    self.category = category
    self.depth = depth
  }

  /// The stream of all public topics of the category, below the base address of the streams.
  public var streamTarget: String { "/v5/public/\(category.rawValue)" }

  /// The topic of a symbol's book.
  public func bookTopic(venueSymbol: String) -> String { "orderbook.\(depth).\(venueSymbol)" }

  /// Asks for the instruments, all of them or one page; `cursor` is the one in the page before.
  public func instrumentsInfo(venueSymbol: String? = nil, cursor: String? = nil) -> VenueRequest {
    var parameters: [(String, String)] = []
    if let venueSymbol { parameters.append(("symbol", venueSymbol)) }
    // Spot is never paged, and takes neither of these.
    if category == .linear { parameters.append(("limit", "1000")) }
    var request = get("instruments-info", parameters)
    // A cursor comes from the venue encoded, as it is to be sent.
    if let cursor { request.query += "&cursor=\(cursor)" }
    return request
  }

  /// Asks for a snapshot of the book, up to 200 levels a side in spot and 500 in linear.
  public func orderBook(venueSymbol: String, limit: Int) -> VenueRequest {
    get("orderbook", [("symbol", venueSymbol), ("limit", String(limit))])
  }

  /// Asks for the last price, the best levels and, of a perpetual, the funding rate: of one symbol or of all.
  public func tickers(venueSymbol: String? = nil) -> VenueRequest {
    get("tickers", venueSymbol.map { [("symbol", $0)] } ?? [])
  }

  /// Asks for the newest funding rates that were paid; at most 200.
  public func fundingHistory(venueSymbol: String, limit: Int = 200) -> VenueRequest {
    get("funding/history", [("symbol", venueSymbol), ("limit", String(limit))])
  }

  /// Asks for the venue's clock.
  public static func time() -> VenueRequest { VenueRequest(method: .get, purpose: .marketData, path: "/v5/market/time") }

  private func get(_ endpoint: String, _ parameters: [(String, String)]) -> VenueRequest {
    VenueRequest(
      method: .get, purpose: .marketData, path: "/v5/market/\(endpoint)",
      query: FormParameters([("category", category.rawValue)] + parameters).text)
  }
}

/// Frames that a client of a Bybit stream sends (websocket/wss-authentication.mdx).
public enum BybitFrames {
  /// Begins topics.
  public static func subscribe(_ topics: [String], requestID: String? = nil) -> [UInt8] {
    operation("subscribe", topics, requestID)
  }

  /// Ends topics.
  public static func unsubscribe(_ topics: [String], requestID: String? = nil) -> [UInt8] {
    operation("unsubscribe", topics, requestID)
  }

  /// Keeps the connection: the venue ends one that has been idle for ten minutes.
  public static let ping = Array(#"{"op":"ping"}"#.utf8)
  /// How often the venue asks for a ping, in nanoseconds.
  public static let pingInterval = 20 * Interval.second

  private static func operation(_ name: String, _ topics: [String], _ requestID: String?) -> [UInt8] {
    JSONWriter.object { writer in
      writer.member("req_id", requestID)
      writer.member("op", name)
      writer.name("args")
      writer.beginArray()
      for topic in topics { writer.value(topic) }
      writer.endArray()
    }
  }
}
