import Domain
import Wire

/// What RiskGate knows of the venues: their instruments, and the top of each book.
struct Market: Sendable {
  private let stablecoins: Set<String>
  private(set) var symbols = KeyedArray<Symbol, MarketSymbol>()
  private(set) var bases = KeyedArray<String, Bool>()
  private(set) var venues = KeyedArray<Venue, Bool>()
  /// Changes with every mark, so that a valuation knows whether it is still good.
  private(set) var version: UInt64 = 0

  /// USDT is the dollar of the limits, whatever else counts as one.
  init(stablecoins: Set<String>) { self.stablecoins = stablecoins.union(["USDT"]) }

  /// The position of a symbol, which becomes known by this.
  mutating func intern(_ symbol: Symbol) -> Int {
    if let known = symbols.position(of: symbol) { return known }
    let base = bases.position(of: symbol.base, adding: true)
    var dollarSymbol: Int?
    if !stablecoins.contains(symbol.quote), let bridge = Symbol(base: symbol.quote, quote: "USDT") {
      dollarSymbol = intern(bridge)
    }
    return symbols.position(of: symbol, adding: MarketSymbol(symbol: symbol, base: base, dollarSymbol: dollarSymbol))
  }

  mutating func apply(_ instrument: Instrument) {
    _ = venues.position(of: instrument.venue, adding: true)
    symbols[intern(instrument.symbol)].withListing(instrument.venue) { $0.instrument = instrument }
  }

  /// Takes a book that is read at `now`: one that says that it comes from later is from a clock that is wrong, and is as old as its
  /// reading.
  mutating func apply(_ book: BookRecord, at now: Timestamp) {
    let symbol = intern(book.symbol)
    let time = min(book.ingestTime, now)
    let top = book.isValid && !book.top.isCrossed ? book.top : TopOfBook(bid: nil, ask: nil)
    symbols[symbol].withListing(book.venue) { listing in
      listing.bid = top.bid.flatMap { $0.price.isPositive ? $0.price : nil }
      listing.ask = top.ask.flatMap { $0.price.isPositive ? $0.price : nil }
      listing.time = time
    }
    guard let bid = top.bid?.price, let ask = top.ask?.price, bid.isPositive else {
      version += 1
      return
    }
    setMark(Mark(price: Price(units: bid.units + (ask.units - bid.units) / 2), time: time), of: symbol)
  }

  /// Takes a mark that is not older than the one known.
  mutating func setMark(_ mark: Mark, of symbol: Int) {
    if let known = symbols[symbol].mark, known.time > mark.time { return }
    symbols[symbol].mark = mark
    version += 1
  }

  /// What an order of `side` must expect to pay or get: the ask for buys, the bid for sells, of the venue named; of the worst eligible
  /// one for `best`. Nil without a valid book that is at most `maximumAge` old.
  func reference(_ symbol: Int, venue: Venue, side: Side, now: Timestamp, maximumAge: Int64) -> Reference? {
    var worst: Reference?
    for listing in symbols[symbol].listings where venue == .best || listing.venue == venue {
      guard listing.instrument?.isTrading == true, let price = side == .buy ? listing.ask : listing.bid,
        now - listing.time <= maximumAge
      else { continue }
      let isWorse = worst.map { side == .buy ? price > $0.price : price < $0.price } ?? true
      if isWorse { worst = Reference(venue: listing.venue, price: price, time: listing.time) }
    }
    return worst
  }

  /// The instruments that an order for `venue` may reach.
  func instruments(_ symbol: Int, _ venue: Venue) -> [Instrument] {
    symbols[symbol].listings.compactMap { venue == .best || $0.venue == venue ? $0.instrument : nil }
  }

  /// True when the venue, or any for `best`, lists the symbol.
  func lists(_ symbol: Int, at venue: Venue) -> Bool {
    symbols[symbol].listings.contains { $0.instrument != nil && (venue == .best || $0.venue == venue) }
  }

  /// An amount of the symbol's quote asset in dollars, rounded up; nil without a valid young book of that asset.
  func dollars(_ amount: Money, quoteOf symbol: Int, now: Timestamp, maximumAge: Int64) -> Money? {
    guard let bridge = symbols[symbol].dollarSymbol else { return amount }
    let reference = reference(bridge, venue: .best, side: .buy, now: now, maximumAge: maximumAge)
    return reference.flatMap { amount.converted(at: $0.price, .up) }
  }

  /// An amount of the symbol's quote asset in dollars at the last mark, rounded against us; nil when there never was one.
  func markedDollars(_ amount: Money, quoteOf symbol: Int) -> Money? {
    guard let bridge = symbols[symbol].dollarSymbol else { return amount }
    return symbols[bridge].mark.flatMap { amount.converted(at: $0.price, .down) }
  }

  /// The ingest time of the newest book of the symbol that is valid now; nil when none is.
  func newestValidTime(_ symbol: Int) -> Timestamp? {
    var newest: Timestamp?
    for listing in symbols[symbol].listings where listing.bid != nil && listing.ask != nil {
      newest = max(newest ?? listing.time, listing.time)
    }
    return newest
  }
}

/// A price to judge an order by, and where it comes from.
struct Reference: Sendable {
  var venue: Venue
  var price: Price
  var time: Timestamp
}

/// The middle of the last valid book: what a position is valued at.
struct Mark: Hashable, Sendable {
  var price: Price
  var time: Timestamp
}

/// One symbol at all venues.
struct MarketSymbol: Sendable {
  let symbol: Symbol
  /// Position of its base asset among the bases.
  let base: Int
  /// The symbol that converts its quote asset to dollars; nil when the quote asset counts as a dollar.
  let dollarSymbol: Int?
  var listings: [Listing] = []
  var mark: Mark?

  /// One symbol at one venue. A book without an instrument, and an instrument without a book, give no reference.
  struct Listing: Sendable {
    let venue: Venue
    var instrument: Instrument?
    var bid: Price?
    var ask: Price?
    /// Ingest time of the book.
    var time = Timestamp.zero
  }

  init(symbol: Symbol, base: Int, dollarSymbol: Int?) {
    self.symbol = symbol
    self.base = base
    self.dollarSymbol = dollarSymbol
  }

  mutating func withListing(_ venue: Venue, _ body: (inout Listing) -> Void) {
    let known = listings.firstIndex { $0.venue == venue }
    if known == nil { listings.append(Listing(venue: venue)) }
    body(&listings[known ?? listings.count - 1])
  }
}
