import Domain
import Venues
import Wire

/// A venue in a few lines: one book that changes at random, its frames and its snapshots, in the venue's own words.
struct VenueModel {
  let market: VenueMarket
  private(set) var book = OrderBook()
  private(set) var lastID: Int64 = 1_000
  /// The book after each change, to compare with what the topic says of it.
  private(set) var history: [Int64: OrderBook] = [:]
  private var generator: SeededGenerator

  init(_ market: VenueMarket = .binance(.spot), seed: UInt64) {
    self.market = market
    generator = SeededGenerator(seed: seed)
    for _ in 0..<40 { change() }
    number()
  }

  static let instruments = Array(
    #"""
    {"symbols":[{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT","filters":[
    {"filterType":"PRICE_FILTER","minPrice":"0","maxPrice":"0","tickSize":"0.01"},
    {"filterType":"LOT_SIZE","minQty":"0","maxQty":"9","stepSize":"0.001"}]}]}
    """#.utf8)

  /// The instrument list of the market.
  var instruments: [UInt8] {
    guard case .bybit = market else { return Self.instruments }
    return Self.bybitInstruments("BTC", cursor: "")
  }

  static func bybitInstruments(_ base: String, cursor: String) -> [UInt8] {
    Array(
      #"""
      {"retCode":0,"result":{"nextPageCursor":"\#(cursor)","list":[{"symbol":"\#(base)USDT","status":"Trading","baseCoin":"\#(base)",
      "quoteCoin":"USDT","contractType":"LinearPerpetual","priceFilter":{"minPrice":"0.01","maxPrice":"0","tickSize":"0.01"},
      "lotSizeFilter":{"basePrecision":"0.001","qtyStep":"0.001","minOrderQty":"0","maxOrderQty":"9","minOrderAmt":"5",
      "minNotionalValue":"5"}}]}}
      """#.utf8)
  }

  /// A few changes in one frame.
  mutating func nextFrame() -> [UInt8] {
    let first = lastID + 1
    var bids: [BookLevel] = []
    var asks: [BookLevel] = []
    for _ in 0..<Int.random(in: 1...4, using: &generator) {
      let (side, level) = change()
      if side == .buy { bids.append(level) } else { asks.append(level) }
      if case .binance = market { number() }
    }
    if case .bybit = market { number() }
    guard case .binance = market else { return bybitFrame("delta", bids, asks) }
    return JSONWriter.object { writer in
      writer.member("e", "depthUpdate")
      writer.member("E", 1_700_000_000_000 + lastID)
      writer.member("s", "BTCUSDT")
      writer.member("U", first)
      writer.member("u", lastID)
      writer.name("b")
      writer.levels(bids)
      writer.name("a")
      writer.levels(asks)
    }
  }

  /// The whole book as the stream brings it.
  func wholeFrame() -> [UInt8] { bybitFrame("snapshot", book.levels(.buy), book.levels(.sell)) }

  private func bybitFrame(_ type: String, _ bids: [BookLevel], _ asks: [BookLevel]) -> [UInt8] {
    guard case .bybit(let market) = market else { return [] }
    return JSONWriter.object { writer in
      writer.member("topic", market.bookTopic(venueSymbol: "BTCUSDT"))
      writer.member("type", type)
      writer.member("ts", 1_700_000_000_000 + lastID)
      writer.name("data")
      writer.beginObject()
      writer.member("s", "BTCUSDT")
      writer.name("b")
      writer.levels(bids)
      writer.name("a")
      writer.levels(asks)
      writer.member("u", lastID)
      writer.endObject()
    }
  }

  func snapshot() -> VenueResult {
    let body = JSONWriter.object { writer in
      writer.member("lastUpdateId", lastID)
      writer.name("bids")
      writer.levels(book.levels(.buy))
      writer.name("asks")
      writer.levels(book.levels(.sell))
    }
    return .reply(VenueReply(status: 200, body: body))
  }

  /// Bids rest below 1000, asks above, so that the book never crosses.
  @discardableResult
  private mutating func change() -> (Side, BookLevel) {
    let side: Side = Bool.random(using: &generator) ? .buy : .sell
    let distance = Int64.random(in: 1...30, using: &generator)
    let price = Price(units: (1_000 + (side == .buy ? -distance : distance)) * 10_000_000_000)
    let quantity = Quantity(units: max(0, Int64.random(in: -3...9, using: &generator)) * 100_000)
    book.set(side, price: price, quantity: quantity)
    return (side, BookLevel(price: price, quantity: quantity))
  }

  /// Numbers the state that has been reached: Binance every change, Bybit every frame.
  private mutating func number() {
    lastID += 1
    history[lastID] = book
  }
}

/// Follows the topic as a consumer would: by its records alone.
struct TopicReader {
  private(set) var book: OrderBook?
  private(set) var records: [BookRecord] = []
  private var building = OrderBook()
  private var nextChunk = 0

  mutating func read(_ record: BookRecord) throws {
    // Through the bytes, as on the topic.
    let record = try BookRecord(record.encoded())
    records.append(record)
    switch record.kind {
    case .status: if !record.isValid { book = nil }
    case .diff: if let old = book { book = applying(record, to: old) }
    case .snapshot:
      if record.chunk == 0 { building = OrderBook() }
      guard record.chunk == 0 || record.chunk == nextChunk else { return }
      building = applying(record, to: building)
      nextChunk = record.chunk + 1
      if nextChunk == record.chunks { book = building }
    }
  }

  private func applying(_ record: BookRecord, to book: OrderBook) -> OrderBook {
    var book = book
    for level in record.bids { book.set(.buy, price: level.price, quantity: level.quantity) }
    for level in record.asks { book.set(.sell, price: level.price, quantity: level.quantity) }
    return book
  }
}
