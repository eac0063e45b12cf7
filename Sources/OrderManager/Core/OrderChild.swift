import Domain
import Venues
import Wire

/// The trades of an order that have been counted, so that none is counted twice.
struct TradeSet: Hashable, Sendable {
  /// `venue order id/trade id`, ascending.
  private(set) var names: [String] = []

  init(names: [String] = []) { self.names = names.sorted() }

  /// False when it was there already.
  mutating func insert(_ name: String) -> Bool {
    // Venues number trades upward: the usual place is the end.
    if let last = names.last, last < name {
      names.append(name)
      return true
    }
    let index = names.partitioningIndex { $0 >= name }
    if index < names.count, names[index] == name { return false }
    names.insert(name, at: index)
    return true
  }
}

extension Array {
  /// The first index at which `predicate` holds, in an array where it holds for a tail.
  fileprivate func partitioningIndex(where predicate: (Element) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if predicate(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

/// One order at one venue.
struct OrderChild: Sendable {
  /// The venue's word that an order has ended, kept until every fill up to its count has been counted.
  struct End: Hashable, Sendable {
    var transition: OrderTransition
    var provenance: Provenance
    var reason: String?
    var venueTime: Timestamp?
  }

  let number: Int
  let venue: Venue
  let venueClientID: String
  let quantity: Quantity
  let price: Price
  var status: OrderStatus = .received
  var venueOrderID: String?
  /// What has been counted, fill by fill.
  var filled: Quantity = .zero
  var filledQuote: Money = .zero
  var trades = TradeSet()
  /// The highest count that the venue has stated.
  var venueCumulative: Quantity = .zero
  /// The venue says that it is over; not yet published.
  var end: End?
  /// The venue may have the order though no answer says so, or an answer is still out. Absence must then be proven.
  var isDoubtful = false
  /// By the venue's clock: no request for it was signed later than this. Nil while unmeasured, or without doubt.
  var signedBy: Timestamp?
  /// What is under way; not part of the snapshot.
  var work = Work()

  init(_ child: Plan.Child) {
    self.init(
      number: child.number, venue: child.venue, venueClientID: child.venueClientID, quantity: child.quantity, price: child.price)
  }

  init(number: Int, venue: Venue, venueClientID: String, quantity: Quantity, price: Price) {
    self.number = number
    self.venue = venue
    self.venueClientID = venueClientID
    self.quantity = quantity
    self.price = price
  }

  /// What is under way for a child.
  struct Work: Sendable {
    /// A place request is out.
    var isPlaceOut = false
    /// A cancel request waits or is out.
    var isCancelling = false
    /// Declared dead, found alive: it is cancelled whatever its state says.
    var isRevenant = false
    var placeAttempts = 0
    var cancelAttempts = 0
    var wantsCancel = false
    var firstSentAt: Timestamp?
    var inquiry: Inquiry?
    var isFetchingFills = false
    var fetchAttempts = 0
  }

  /// Asking a venue what became of an order.
  struct Inquiry: Sendable {
    /// The pieces of evidence, in the order in which they are asked for.
    enum Step: Sendable {
      case order, openOrders, trades, allOrders
    }

    var step = Step.order
    var attempts = 0
    var since: Timestamp
    /// When the first step of this round was asked.
    var askedAt: Timestamp?
    /// Orders with trades in this round that are none that we know, by venue id: one of them might be this one.
    var unexplained: [String] = []
    /// The one from which on the venue's orders were asked for last; nil for the newest.
    var askedFrom: String?
    var isAlerted = false
  }

  var isTerminal: Bool { status.isTerminal }

  /// What no fill can add any more, once it has ended.
  var remaining: Quantity { filled < quantity ? quantity - filled : .zero }

  /// Takes over a state that is in the log. A cancel that was asked for stays wanted through doubt, until the venue refuses it.
  mutating func fold(_ status: OrderStatus) {
    if status == .pendingCancel { work.wantsCancel = true }
    if self.status == .pendingCancel, status == .open || status == .partiallyFilled { work.wantsCancel = false }
    self.status = status
  }

  /// Counts a fill; false when it is a repetition, nil when its figures cannot be.
  mutating func count(_ fill: Fill, venueOrderID id: String) -> Bool? {
    guard fill.quantity.isPositive, fill.price.isPositive else { return nil }
    let (units, overflow) = filled.units.addingReportingOverflow(fill.quantity.units)
    let quote = fill.price * fill.quantity
    let (quoteUnits, quoteOverflow) = filledQuote.units.addingReportingOverflow(quote.units)
    guard !overflow, !quoteOverflow else { return nil }
    guard trades.insert("\(id)/\(fill.tradeID)") else { return false }
    filled = Quantity(units: units)
    filledQuote = Money(units: quoteUnits)
    return true
  }
}
