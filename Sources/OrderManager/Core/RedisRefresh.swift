import Domain
import Wire

/// What Redis shows, written again from time to time and when Redis may have forgotten: some orders with every tick, so that however many
/// are live, each gets its turn though the queue to Redis holds few.
extension OrderManagerPartition {
  struct RedisRefresh: Sendable {
    /// Orders with every tick.
    static let stretch = 128
    /// Those whose turn comes, last first.
    var waiting: [OrderKey] = []
    /// How long the key of an order that was open lives on when nobody writes it.
    static let keyLifetime = 90 * Interval.second
    /// Orders whose end is in the log, and perhaps not in Redis: whoever wrote it may have died in between.
    var restoredEnds: [OrderKey] = []
    /// Something was lost meanwhile: another round follows this one.
    var isWantedAgain = false
  }

  /// Begins to write every live order again, or does so when the round under way is over.
  mutating func refreshRedis() {
    guard redisRefresh.waiting.isEmpty else { return redisRefresh.isWantedAgain = true }
    redisRefresh.isWantedAgain = false
    let keys = live.sorted()
    let accounts = settings.routes.map(\.account).filter { settings.owns($0) }
    for (index, account) in accounts.enumerated() where accounts.firstIndex(of: account) == index {
      let ids = keys.filter { $0.account == account }.map(\.id)
      effects.append(.redis(.openOrders(account: account, ids)))
    }
    redisRefresh.waiting = keys.reversed()
    continueRedisRefresh()
  }

  mutating func continueRedisRefresh() {
    for _ in 0..<RedisRefresh.stretch {
      if let key = redisRefresh.waiting.popLast() {
        // One that has ended has said so itself.
        if live.contains(key) { showAgain(key) }
      } else if let key = redisRefresh.restoredEnds.popLast() {
        showAgain(key)
      } else {
        break
      }
    }
    if redisRefresh.waiting.isEmpty, redisRefresh.isWantedAgain { refreshRedis() }
  }

  private mutating func showAgain(_ key: OrderKey) {
    guard let order = orders[key] else { return }
    let child = order.children.first
    let event = OrderEvent(
      account: key.account, clientOrderID: key.id, venue: child?.venue ?? order.venue, symbol: order.symbol, side: order.side,
      quantity: order.quantity, limitPrice: child?.price ?? order.limitPrice, part: order.part(0),
      venueClientID: child?.venueClientID,
      venueOrderID: child?.venueOrderID, status: order.status, cumulativeQuantity: order.filled,
      cumulativeQuote: order.filledQuote, provenance: order.isTerminal && child?.venueOrderID != nil ? .venue : .engine,
      strategy: order.strategy, time: order.changedAt)
    let value = ExecutionRecord.order(event).encoded()
    effects.append(.redis(.order(account: key.account, clientOrderID: key.id, value: value, isOpen: !order.isTerminal)))
  }
}
