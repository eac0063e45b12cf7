import Domain

/// The venue's counters: request weight by the minute for one address (all clients here come from one), orders by account in windows of
/// ten seconds and a day.
struct BinanceRateLimits: Sendable {
  /// The limits.
  struct Configuration: Sendable {
    var weightPerMinute: Int64 = 6_000
    var ordersPerTenSeconds: Int64 = 100
    var ordersPerDay: Int64 = 200_000
    /// Requests that a client may send on after the first 429 before it is banned.
    var patience: Int64 = 20
  }

  private struct OrderWindows: Sendable {
    var tenSeconds = CountingWindow()
    var day = CountingWindow()
  }

  let configuration: Configuration
  private var weight = CountingWindow()
  private var refused: Int64 = 0
  private var bannedUntil = Timestamp.zero
  private var banNanoseconds = 2 * Interval.minute
  private var orders: [Int: OrderWindows] = [:]

  init(_ configuration: Configuration) { self.configuration = configuration }

  /// Weight used in this minute.
  var usedWeight: Int64 { weight.count }

  /// Counts a request, or refuses it: 429 beyond the limit, 418 for clients that go on regardless.
  mutating func spend(_ amount: Int64, at now: Timestamp) throws(BinanceError) {
    if weight.roll(to: now, length: Interval.minute) { refused = 0 }
    guard now >= bannedUntil else { throw banned(at: now) }
    guard weight.count + amount > configuration.weightPerMinute else {
      weight.count += amount
      return
    }
    refused += 1
    if refused > configuration.patience {
      bannedUntil = now + banNanoseconds
      // Two minutes at first, three days at most.
      banNanoseconds = min(2 * banNanoseconds, 3 * Interval.day)
      throw banned(at: now)
    }
    let rest = Interval.minute - now.nanoseconds % Interval.minute
    throw BinanceError(
      status: 429, code: -1003,
      message: "Too much request weight used; current limit is \(configuration.weightPerMinute) request weight per 1 MINUTE. "
        + "Please use WebSocket Streams for live updates to avoid polling the API.",
      retryAfterSeconds: rest / Interval.second + 1)
  }

  private func banned(at now: Timestamp) -> BinanceError {
    BinanceError(
      status: 418, code: -1003,
      message: "Way too much request weight used; IP banned until \(bannedUntil.milliseconds). "
        + "Please use WebSocket Streams for live updates to avoid bans.",
      retryAfterSeconds: (bannedUntil - now) / Interval.second + 1)
  }

  /// Refuses an order of an account that has sent too many.
  mutating func checkOrder(of account: Int, at now: Timestamp) throws(BinanceError) {
    roll(account, now)
    let used = orderCounts(of: account)
    if used.tenSeconds >= configuration.ordersPerTenSeconds {
      throw tooManyOrders("\(configuration.ordersPerTenSeconds) orders per 10 SECOND", 10 * Interval.second, now)
    }
    if used.day >= configuration.ordersPerDay {
      throw tooManyOrders("\(configuration.ordersPerDay) orders per 1 DAY", Interval.day, now)
    }
  }

  private func tooManyOrders(_ limit: String, _ length: Int64, _ now: Timestamp) -> BinanceError {
    BinanceError(
      status: 429, code: -1015, message: "Too many new orders; current limit is \(limit).",
      retryAfterSeconds: (length - now.nanoseconds % length) / Interval.second + 1)
  }

  /// Counts an order that was taken.
  mutating func countOrder(of account: Int, at now: Timestamp) {
    roll(account, now)
    orders[account]?.tenSeconds.count += 1
    orders[account]?.day.count += 1
  }

  /// Orders of the account in the current windows.
  func orderCounts(of account: Int) -> (tenSeconds: Int64, day: Int64) {
    let windows = orders[account] ?? OrderWindows()
    return (windows.tenSeconds.count, windows.day.count)
  }

  private mutating func roll(_ account: Int, _ now: Timestamp) {
    orders[account, default: OrderWindows()].tenSeconds.roll(to: now, length: 10 * Interval.second)
    orders[account, default: OrderWindows()].day.roll(to: now, length: Interval.day)
  }
}
