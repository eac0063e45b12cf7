import Domain

/// Best-price routing. An order takes from the venues' books what costs least after fees (a sale: what brings most), over as many
/// venues and levels as it needs, within each venue's lots, smallest and largest orders and the account's funds there.
///
/// First as much as the books fill within the limit, then the least cost of that: `Allocation` finds both exactly. What no book has
/// within the limit goes along with the venue of the best price that has room for it, to rest there or to expire. Pure: the same order,
/// candidates and time give the same route.
public struct Router: Sendable {
  /// More venues than this are not searched: the first ones are.
  public static let maximumVenues = 8
  /// An order of more quote units (10^13) is not one that anybody means; keeps exact costs in 128 bits.
  static let maximumNotional = Int128(10_000_000_000_000) * 1_000_000_000_000_000_000

  /// A book whose newest update is older than this is not used, in nanoseconds.
  public var maximumBookAge: Int64

  /// A router.
  public init(maximumBookAge: Int64 = 2 * Interval.second) { self.maximumBookAge = maximumBookAge }

  /// How `order` is shared out among `candidates` at `now`. No children: no venue can take it now, and the omissions say why.
  public func route(_ order: RouteOrder, among candidates: [RouteCandidate], at now: Timestamp) -> RoutePlan {
    var route = RoutePlan(children: [], omissions: [], expectedQuantity: .zero, expectedCost: .zero, exactCost: 0)
    var venues: [RouteVenue] = []
    for candidate in candidates.prefix(Self.maximumVenues) {
      do throws(RouteObstacle) {
        venues.append(try RouteVenue(candidate, order, at: now, maximumAge: maximumBookAge))
      } catch {
        route.omissions.append(.init(venue: candidate.venue, obstacle: error))
      }
    }
    if order.isPostOnly || order.timeInForce == .fok {
      placeWhole(order, venues, &route)
    } else {
      spread(order, venues, &route)
    }
    return route
  }

  private func spread(_ order: RouteOrder, _ venues: [RouteVenue], _ route: inout RoutePlan) {
    let sorted = venues.indices.sorted { (venues[$0].lot, $0) < (venues[$1].lot, $1) }
    var parts: [Allocation.Venue] = []
    var places: [Int] = []
    var lot: Int64 = 1
    for index in sorted {
      // Lots that are no multiples of each other are rare; then the coarser one counts in steps that fit both.
      guard let step = leastCommonMultiple(lot, venues[index].lot), let part = venues[index].part(step: step) else { continue }
      lot = step
      parts.append(part)
      places.append(index)
    }
    let answer = Allocation.solve(parts, wanted: order.quantity.units)
    var shares = [Int64](repeating: 0, count: venues.count)
    for (place, share) in zip(places, answer.shares) { shares[place] = share }
    addRest(order.quantity.units - answer.total, venues, &shares)
    route.expectedQuantity = Quantity(units: answer.total)
    setCost(answer.cost, &route)
    for (venue, share) in zip(venues, shares) where share > 0 {
      route.children.append(.init(venue: venue.venue, quantity: Quantity(units: share), price: venue.price))
    }
  }

  /// Gives what no book has within the limit to the venues of the best prices, as far as they have room.
  private func addRest(_ quantity: Int64, _ venues: [RouteVenue], _ shares: inout [Int64]) {
    var rest = quantity
    for index in venues.indices.sorted(by: { (venues[$0].rank, $0) < (venues[$1].rank, $1) }) {
      let venue = venues[index]
      let room = min(venue.maximum - shares[index], rest - rest % venue.lot)
      guard room > 0, shares[index] + room >= venue.minimum else { continue }
      shares[index] += room
      rest -= room
    }
  }

  /// All at one venue: where it is cheapest if it must fill at once, where it may rest at the lowest fee if it must not.
  private func placeWhole(_ order: RouteOrder, _ venues: [RouteVenue], _ route: inout RoutePlan) {
    let wanted = order.quantity.units
    let able = venues.filter { $0.minimum <= wanted && wanted <= $0.maximum && wanted % $0.lot == 0 }
    let fitting = able.filter { order.isPostOnly ? $0.executable == 0 : $0.executable >= wanted }
    var choice: (venue: RouteVenue, cost: Int128)?
    // Where none fits the first choice still says what the venue makes of it.
    for venue in fitting.isEmpty ? able : fitting {
      let cost = order.isPostOnly ? Int128(venue.makerFee.millionths) : fitting.isEmpty ? venue.rank : venue.cost(of: wanted)
      if choice.map({ cost < $0.cost }) ?? true { choice = (venue, cost) }
    }
    guard let choice else {
      for venue in venues { route.omissions.append(.init(venue: venue.venue, obstacle: .size)) }
      return
    }
    if !order.isPostOnly, !fitting.isEmpty {
      route.expectedQuantity = order.quantity
      setCost(choice.cost, &route)
    }
    route.children = [.init(venue: choice.venue.venue, quantity: order.quantity, price: choice.venue.price)]
  }

  private func setCost(_ cost: Int128, _ route: inout RoutePlan) {
    route.exactCost = cost
    let quotient = cost / 1_000_000
    route.expectedCost = Money(units: cost > quotient * 1_000_000 ? quotient + 1 : quotient)
  }
}

private func leastCommonMultiple(_ a: Int64, _ b: Int64) -> Int64? {
  var (divisor, rest) = (a, b)
  while rest != 0 { (divisor, rest) = (rest, divisor % rest) }
  let (product, overflow) = (a / divisor).multipliedReportingOverflow(by: b)
  return overflow ? nil : product
}
