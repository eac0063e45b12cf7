import Domain
import Wire

/// The order book streams: what each depth of each market showed last, so that the next message tells the difference.
struct BybitOrderBooks: Sendable {
  /// The depths that the venue offers, and how often each is told.
  static let depths: [(levels: Int, nanoseconds: Int64)] = [
    (1, 10 * Interval.millisecond), (50, 20 * Interval.millisecond), (200, 100 * Interval.millisecond),
    (1_000, 200 * Interval.millisecond),
  ]
  /// The best prices are told again when nothing has changed for this long.
  private static let repetition = 3 * Interval.second

  private struct Key: Hashable {
    let market: Int
    let depth: Int
  }

  /// One book as its listeners have it.
  private struct View: Sendable {
    /// Rises by one with every message that differs.
    var number: Int64
    /// The exchange's number of the last level change in it.
    var sequence: Int64
    var bids: [BookLevel]
    var asks: [BookLevel]
    var due: Timestamp
    var told: Timestamp

    init(_ market: Market, depth: Int, at now: Timestamp) {
      number = market.updateID
      sequence = market.updateID
      bids = market.levels(.buy, limit: depth)
      asks = market.levels(.sell, limit: depth)
      due = now
      told = now
    }
  }

  private var views: [Key: View] = [:]

  static func stream(_ market: Market, _ depth: Int) -> String {
    "\(BybitCategory(of: market).rawValue)/orderbook.\(depth).\(market.instrument.venueSymbol)"
  }

  /// The book as the other listeners have it, or as it is when there is none.
  mutating func snapshot(_ index: Int, _ depth: Int, _ sockets: VenueSockets<BybitSocket>, _ world: World) -> [UInt8] {
    let market = world.exchange.markets[index]
    let key = Key(market: index, depth: depth)
    let kept = sockets.hasListener(of: Self.stream(market, depth)) ? views[key] : nil
    let view = kept ?? View(market, depth: depth, at: world.now)
    views[key] = view
    return message("snapshot", view.bids, view.asks, view, market, depth, world.clock)
  }

  /// Sends what is due.
  mutating func flush(_ sockets: VenueSockets<BybitSocket>, _ world: inout World) {
    for index in world.exchange.markets.indices {
      for depth in Self.depths {
        let key = Key(market: index, depth: depth.levels)
        let market = world.exchange.markets[index]
        guard var view = views[key], world.now >= view.due else { continue }
        let stream = Self.stream(market, depth.levels)
        guard sockets.hasListener(of: stream) else {
          views[key] = nil
          continue
        }
        view.due = world.now + depth.nanoseconds
        if let message = change(&view, market, depth.levels, world) { sockets.broadcast(stream, &world) { message } }
        views[key] = view
      }
    }
  }

  /// The next message, or nil when there is nothing to tell.
  private func change(_ view: inout View, _ market: Market, _ depth: Int, _ world: World) -> [UInt8]? {
    let isQuietLong = depth == 1 && world.now - view.told >= Self.repetition
    guard view.sequence != market.updateID || isQuietLong else { return nil }
    let bids = market.levels(.buy, limit: depth)
    let asks = market.levels(.sell, limit: depth)
    let changes = (Self.difference(view.bids, bids, .buy), Self.difference(view.asks, asks, .sell))
    let hasChanged = !changes.0.isEmpty || !changes.1.isEmpty
    guard hasChanged || isQuietLong else { return nil }
    (view.bids, view.asks, view.sequence, view.told) = (bids, asks, market.updateID, world.now)
    if hasChanged { view.number += 1 }
    return depth == 1
      ? message("snapshot", bids, asks, view, market, depth, world.clock)
      : message("delta", changes.0, changes.1, view, market, depth, world.clock)
  }

  /// Levels that are new or another, with their quantities, and those that are gone, with zero; best price first.
  static func difference(_ old: [BookLevel], _ new: [BookLevel], _ side: Side) -> [BookLevel] {
    var changes: [BookLevel] = []
    var (before, after) = (old[...], new[...])
    while let next = before.first ?? after.first {
      let isGone = before.first.map { level in after.first.map { $0.isBehind(level, side) } ?? true } ?? false
      let isNew = after.first.map { level in before.first.map { $0.isBehind(level, side) } ?? true } ?? false
      if isGone {
        changes.append(BookLevel(price: next.price, quantity: .zero))
        before.removeFirst()
      } else if isNew {
        changes.append(after.removeFirst())
      } else {
        let level = after.removeFirst()
        if before.removeFirst() != level { changes.append(level) }
      }
    }
    return changes
  }

  private func message(
    _ type: String, _ bids: [BookLevel], _ asks: [BookLevel], _ view: View, _ market: Market, _ depth: Int, _ clock: Timestamp
  ) -> [UInt8] {
    JSONWriter.object(capacity: 32 * (bids.count + asks.count) + 256) { json in
      json.member("topic", "orderbook.\(depth).\(market.instrument.venueSymbol)")
      json.member("type", type)
      json.milliseconds("ts", clock)
      json.name("data")
      json.beginObject()
      json.member("s", market.instrument.venueSymbol)
      json.name("b")
      json.levels(bids, of: market.instrument)
      json.name("a")
      json.levels(asks, of: market.instrument)
      json.member("u", view.number)
      json.member("seq", view.sequence)
      json.endObject()
      json.milliseconds("cts", clock)
    }
  }
}

extension BookLevel {
  /// True when `other` has the better price on `side`.
  fileprivate func isBehind(_ other: BookLevel, _ side: Side) -> Bool {
    side == .buy ? price < other.price : price > other.price
  }
}
