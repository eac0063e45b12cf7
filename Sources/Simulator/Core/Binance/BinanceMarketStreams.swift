import Domain
import Wire

/// Level changes of one market since they went out last.
struct DepthChanges: Sendable {
  private var changes: [LevelChange] = []

  mutating func add(_ change: LevelChange) { changes.append(change) }

  /// The changed levels with their latest quantities and the range of update numbers, or nil when nothing changed.
  mutating func take() -> (first: Int64, last: Int64, bids: [BookLevel], asks: [BookLevel])? {
    guard let first = changes.first, let last = changes.last else { return nil }
    let result = (first.updateID, last.updateID, latest(.buy), latest(.sell))
    changes.removeAll(keepingCapacity: true)
    return result
  }

  /// One entry a price, best price first.
  private func latest(_ side: Side) -> [BookLevel] {
    let sorted = changes.filter { $0.side == side }.sorted {
      $0.level.price == $1.level.price ? $0.updateID < $1.updateID : ($0.level.price > $1.level.price) == (side == .buy)
    }
    var levels: [BookLevel] = []
    for change in sorted {
      if levels.last?.price == change.level.price { levels.removeLast() }
      levels.append(change.level)
    }
    return levels
  }
}

/// The diff streams of all markets: what has changed, by the speed at which it is told.
struct BinanceDepthStreams: Sendable {
  private struct Speed: Sendable {
    let suffix: String
    let nanoseconds: Int64
    var changes: [Int: DepthChanges] = [:]
    var due = Timestamp.zero
  }

  private var speeds: [Speed]

  /// The stream called `@depth@100ms` tells what has changed as often as `fastNanoseconds` says.
  init(fastNanoseconds: Int64) {
    speeds = [
      Speed(suffix: "@depth@100ms", nanoseconds: fastNanoseconds),
      Speed(suffix: "@depth", nanoseconds: Interval.second),
    ]
  }

  mutating func add(_ change: LevelChange) {
    for index in speeds.indices { speeds[index].changes[change.market, default: DepthChanges()].add(change) }
  }

  /// Sends what is due.
  mutating func flush(_ sockets: VenueSockets<BinanceSocket>, _ world: inout World) {
    for index in speeds.indices where world.now >= speeds[index].due {
      speeds[index].due = world.now + speeds[index].nanoseconds
      for market in world.exchange.markets.indices {
        guard let diff = speeds[index].changes[market]?.take() else { continue }
        let symbol = world.symbol(market)
        let now = world.now
        sockets.broadcast(symbol.lowercased() + speeds[index].suffix, &world) {
          JSONWriter.object(capacity: 2_048) { json in
            json.member("e", "depthUpdate")
            json.milliseconds("E", now)
            json.member("s", symbol)
            json.member("U", diff.first)
            json.member("u", diff.last)
            json.name("b")
            json.sideOfBook(diff.bids)
            json.name("a")
            json.sideOfBook(diff.asks)
          }
        }
      }
    }
  }
}

extension BinanceFace {
  /// Sends the diffs that are due.
  public mutating func tick(_ world: inout World) { depth.flush(sockets, &world) }

  /// Tells streams at once and collects level changes for the diffs.
  public mutating func publish(_ events: [ExchangeEvent], _ world: inout World) {
    for event in events {
      switch event {
      case .level(let change): depth.add(change)
      case .trade(let trade): publish(trade, &world)
      case .top(let change): publish(change, &world)
      case .order(let update): publish(update, &world)
      }
    }
  }

  private func publish(_ trade: PublicTrade, _ world: inout World) {
    let symbol = world.symbol(trade.market)
    sockets.broadcast(symbol.lowercased() + "@trade", &world) {
      JSONWriter.object { json in
        json.member("e", "trade")
        json.milliseconds("E", trade.time)
        json.member("s", symbol)
        json.member("t", trade.id)
        json.amount("p", trade.price)
        json.amount("q", trade.quantity)
        json.milliseconds("T", trade.time)
        json.member("m", trade.isBuyerMaker)
        json.member("M", true)
      }
    }
  }

  private func publish(_ change: TopChange, _ world: inout World) {
    guard let bid = change.top.bid, let ask = change.top.ask else { return }
    let symbol = world.symbol(change.market)
    sockets.broadcast(symbol.lowercased() + "@bookTicker", &world) {
      JSONWriter.object { json in
        json.member("u", change.updateID)
        json.member("s", symbol)
        json.amount("b", bid.price)
        json.amount("B", bid.quantity)
        json.amount("a", ask.price)
        json.amount("A", ask.quantity)
      }
    }
  }
}
