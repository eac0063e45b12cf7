import Domain
import Wire

/// What RiskGate knows of the venues: their instruments, and the top of each book.
struct Market: Sendable {
  private let stablecoins: Set<String>
  private(set) var symbols = KeyedArray<Symbol, MarketSymbol>()
  private(set) var bases = KeyedArray<String, Bool>()
  /// Whether the venue lists anything.
  private(set) var venues = KeyedArray<Venue, Bool>()
  /// Counts the changes of books and marks, so that a valuation knows whether it is still good.
  private(set) var version: UInt64 = 0
  /// The symbols that changed last: the number of a change is the version before it.
  private var recentChanges = Queue<Int>()
  /// The version after the last change of a symbol that converts others to dollars.
  private var lastConversion: UInt64 = 0

  private static let maximumRecentChanges = 256

  /// USDT is the dollar of the limits, whatever else counts as one.
  init(stablecoins: Set<String>) { self.stablecoins = stablecoins.union(["USDT"]) }

  /// The position of a symbol, which becomes known by this.
  mutating func intern(_ symbol: Symbol) -> Int {
    if let known = symbols.position(of: symbol) { return known }
    let base = bases.position(of: symbol.base, adding: true)
    var dollarSymbol: Int?
    if !stablecoins.contains(symbol.quote), let bridge = Symbol(base: symbol.quote, quote: "USDT") {
      let converter = intern(bridge)
      symbols[converter].convertsOthers = true
      dollarSymbol = converter
    }
    return symbols.position(of: symbol, adding: MarketSymbol(symbol: symbol, base: base, dollarSymbol: dollarSymbol))
  }

  mutating func apply(_ instrument: Instrument) {
    let venue = venues.position(of: instrument.venue, adding: true)
    venues[venue] = true
    symbols[intern(instrument.symbol)].withListing(venue) { $0.rules = instrument.rules }
  }

  /// Takes a book that is read at `now`: one that says that it comes from later is from a clock that is wrong, and is as old as its
  /// reading.
  mutating func apply(_ book: BookRecord, at now: Timestamp) {
    let symbol = intern(book.symbol)
    let time = min(book.ingestTime, now)
    let top = book.isValid && !book.top.isCrossed ? book.top : TopOfBook(bid: nil, ask: nil)
    let venue = venues.position(of: book.venue, adding: false)
    symbols[symbol].withListing(venue) { listing in
      listing.bid = top.bid.flatMap { $0.price.isPositive ? $0.price : nil }
      listing.ask = top.ask.flatMap { $0.price.isPositive ? $0.price : nil }
      listing.time = time
    }
    noteChange(of: symbol)
    guard let bid = top.bid?.price, let ask = top.ask?.price, bid.isPositive else { return }
    setMark(Mark(price: Price(units: bid.units + (ask.units - bid.units) / 2), time: time), of: symbol)
  }

  /// Takes a mark that is not older than the one known.
  mutating func setMark(_ mark: Mark, of symbol: Int) {
    if let known = symbols[symbol].mark, known.time > mark.time { return }
    symbols[symbol].mark = mark
    noteChange(of: symbol)
  }

  /// The symbols whose books or marks have changed since `version`, some of them more than once; nil when that is not known, or when all
  /// that is quoted in another asset has changed with it.
  func changes(since version: UInt64) -> ArraySlice<Int>? {
    guard version >= lastConversion, version >= UInt64(recentChanges.firstNumber) else { return nil }
    return recentChanges.elements(from: Int(version))
  }

  private mutating func noteChange(of symbol: Int) {
    version += 1
    recentChanges.append(symbol)
    if recentChanges.count > Self.maximumRecentChanges { _ = recentChanges.popFirst() }
    if symbols[symbol].convertsOthers { lastConversion = version }
  }

  /// The venues that an order for `venue` may reach; nil when it is none of ours.
  @inline(__always)
  func reach(of venue: Venue) -> Reach? {
    if venue == .best { return .every }
    guard let number = venues.position(of: venue), venues[number] else { return nil }
    return .only(number)
  }

  /// The name of what `reach` made of a venue.
  func venue(of reach: Reach) -> Venue {
    switch reach {
    case .every: .best
    case .only(let number): venues.keys[number]
    }
  }

  /// What an order of `side` must expect to pay or get: the ask for buys, the bid for sells, of the venue named; of the worst eligible
  /// one for `best`. Nil without a valid book that is at most `maximumAge` old.
  @inline(__always)
  func reference(_ symbol: Int, _ reach: Reach, side: Side, now: Timestamp, maximumAge: Int64) -> Reference? {
    var worst: Reference?
    // Looked at where they lie: a listing is large.
    for index in symbols[symbol].listings.indices {
      guard reach.includes(symbols[symbol].listings[index].venue), symbols[symbol].listings[index].rules?.isTrading == true,
        let price = symbols[symbol].listings[index].price(for: side)
      else { continue }
      let time = symbols[symbol].listings[index].time
      guard now - time <= maximumAge else { continue }
      if let worst, side == .buy ? price <= worst.price : price >= worst.price { continue }
      worst = Reference(venue: symbols[symbol].listings[index].venue, price: price, time: time)
    }
    return worst
  }

  /// What the instruments have in common that an order may reach; nil when there is none.
  @inline(__always)
  func steps(_ symbol: Int, _ reach: Reach) -> Steps? {
    var steps: Steps?
    for index in symbols[symbol].listings.indices where reach.includes(symbols[symbol].listings[index].venue) {
      guard let rules = symbols[symbol].listings[index].rules else { continue }
      var coarser = steps ?? Steps()
      coarser.tick = max(coarser.tick, rules.tick)
      coarser.lot = max(coarser.lot, rules.lot)
      let band = rules.priceBandBasisPoints
      if band > 0 { coarser.band = min(coarser.band ?? band, band) }
      steps = coarser
    }
    return steps
  }

  /// An amount of the symbol's quote asset in dollars, rounded up; nil without a valid young book of that asset.
  @inline(__always)
  func dollars(_ amount: Money, quoteOf symbol: Int, now: Timestamp, maximumAge: Int64) -> Money? {
    guard let bridge = symbols[symbol].dollarSymbol else { return amount }
    let reference = reference(bridge, .every, side: .buy, now: now, maximumAge: maximumAge)
    return reference.flatMap { amount.converted(at: $0.price, .up) }
  }

  /// An amount of the symbol's quote asset in dollars at the last mark, rounded against us; nil when there never was one.
  func markedDollars(_ amount: Money, quoteOf symbol: Int) -> Money? {
    guard let bridge = symbols[symbol].dollarSymbol else { return amount }
    return symbols[bridge].mark.flatMap { amount.converted(at: $0.price, .down) }
  }
}

/// Where an order may go.
enum Reach: Sendable {
  case every
  /// The venue of this number.
  case only(Int)

  func includes(_ venue: Int) -> Bool {
    switch self {
    case .every: true
    case .only(let number): number == venue
    }
  }
}

/// The coarsest steps and the narrowest band of the instruments that an order may reach.
struct Steps: Sendable {
  var tick = Price.zero
  var lot = Quantity.zero
  /// In hundredths of a percent; nil where no venue has one.
  var band: Int64?
}

/// A price to judge an order by, and where it comes from.
struct Reference: Sendable {
  /// The venue's number in the market.
  var venue: Int
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
  /// Other symbols' quote assets are converted to dollars by it.
  var convertsOthers = false
  var listings: [Listing] = []
  var mark: Mark?

  /// One symbol at one venue, in plain numbers. A book without an instrument, and an instrument without a book, give no reference.
  struct Listing: Sendable {
    /// The venue's number in the market.
    let venue: Int
    /// The instrument's; nil before one was read.
    var rules: TradingRules?
    var bid: Price?
    var ask: Price?
    /// Ingest time of the book.
    var time = Timestamp.zero

    /// What a buyer has to pay, or a seller gets.
    func price(for side: Side) -> Price? { side == .buy ? ask : bid }
  }

  init(symbol: Symbol, base: Int, dollarSymbol: Int?) {
    self.symbol = symbol
    self.base = base
    self.dollarSymbol = dollarSymbol
  }

  mutating func withListing(_ venue: Int, _ body: (inout Listing) -> Void) {
    let known = listings.firstIndex { $0.venue == venue }
    if known == nil { listings.append(Listing(venue: venue)) }
    body(&listings[known ?? listings.count - 1])
  }

  /// The ingest time of the newest book that is valid now; nil when none is.
  var newestValidTime: Timestamp? {
    var newest: Timestamp?
    for listing in listings where listing.bid != nil && listing.ask != nil {
      newest = max(newest ?? listing.time, listing.time)
    }
    return newest
  }
}
