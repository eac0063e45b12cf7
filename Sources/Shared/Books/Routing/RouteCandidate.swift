import Domain

/// What a venue takes of a trade.
public struct VenueFees: Hashable, Sendable {
  /// From whoever comes and takes.
  public var taker: FeeRate
  /// From whoever was there.
  public var maker: FeeRate

  /// Both rates.
  public init(taker: FeeRate, maker: FeeRate) {
    self.taker = taker
    self.maker = maker
  }

  /// No fees.
  public static let none = VenueFees(taker: .zero, maker: .zero)
}

/// A venue that an order might go to, and all that is known of it.
public struct RouteCandidate: Sendable {
  /// The venue's rules.
  public var instrument: Instrument
  /// The venue's fees, at the account's tier.
  public var fees: VenueFees
  /// Its book; nil when none has come.
  public var book: VenueBook?
  /// What the account has there of the asset that the order spends: the quote asset for a buy, the base asset for a sell. Nil when not
  /// known, which limits nothing: the venue will say.
  public var funds: Money?
  /// True while the venue's circuit breaker is not closed.
  public var isCut: Bool

  /// A candidate.
  public init(instrument: Instrument, fees: VenueFees = .none, book: VenueBook?, funds: Money? = nil, isCut: Bool = false) {
    self.instrument = instrument
    self.fees = fees
    self.book = book
    self.funds = funds
    self.isCut = isCut
  }

  /// The venue.
  public var venue: Venue { instrument.venue }
}

/// Why a venue is passed over.
public enum RouteObstacle: String, Error, Hashable {
  /// The venue has halted the symbol.
  case notTrading = "not_trading"
  /// Its circuit breaker is open.
  case cut
  /// There is no book, or it is not valid.
  case invalidBook = "invalid_book"
  /// The book is too old.
  case staleBook = "stale_book"
  /// The limit is outside the venue's range of prices.
  case price
  /// Its largest order, or the account's funds there, is below its smallest order or below one lot.
  case size
}

/// An order to be shared out.
public struct RouteOrder: Hashable, Sendable {
  /// Buy or sell.
  public var side: Side
  /// Base quantity.
  public var quantity: Quantity
  /// The furthest price, a market order's collar included.
  public var limit: Price
  /// FOK goes to one venue: several cannot be made to fill all or nothing together.
  public var timeInForce: TimeInForce
  /// Must not take: goes to one venue, where it rests.
  public var isPostOnly: Bool

  /// An order; quantity and limit are above zero.
  public init(side: Side, quantity: Quantity, limit: Price, timeInForce: TimeInForce = .ioc, isPostOnly: Bool = false) {
    self.side = side
    self.quantity = quantity
    self.limit = limit
    self.timeInForce = timeInForce
    self.isPostOnly = isPostOnly
  }
}

/// How an order is shared out.
public struct RoutePlan: Hashable, Sendable {
  /// One order at one venue.
  public struct Child: Hashable, Sendable {
    /// Where.
    public var venue: Venue
    /// Base quantity, in the venue's lots.
    public var quantity: Quantity
    /// The order's limit in the venue's ticks: not the last level that is expected to fill, so that a book that moves a little fills
    /// all the same.
    public var price: Price

    /// A share.
    public init(venue: Venue, quantity: Quantity, price: Price) {
      self.venue = venue
      self.quantity = quantity
      self.price = price
    }
  }

  /// A venue that was passed over.
  public struct Omission: Hashable, Sendable {
    /// The venue.
    public var venue: Venue
    /// Why.
    public var obstacle: RouteObstacle
  }

  /// The children, in the order of the candidates: at most one for each venue. Together never more than the order.
  public var children: [Child]
  /// The venues that were passed over, in the order of the candidates.
  public var omissions: [Omission]
  /// What the books as they are fill at once.
  public var expectedQuantity: Quantity
  /// What that costs with fees (for a sale: what it brings, as a negative cost), rounded up.
  public var expectedCost: Money
  /// The same exactly: price units × quantity units × 10^6.
  var exactCost: Int128

  /// What is sent in all.
  public var quantity: Quantity { children.reduce(.zero) { $0 + $1.quantity } }
}
