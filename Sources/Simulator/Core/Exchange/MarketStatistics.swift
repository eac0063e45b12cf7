import Domain

/// Open, high, low, close and volume of the last 24 hours, kept by the minute.
public struct MarketStatistics: Sendable {
  /// What a span of time adds up to.
  public struct Summary: Hashable, Sendable {
    /// Price of the first trade.
    public var open: Price
    /// Highest price.
    public var high: Price
    /// Lowest price.
    public var low: Price
    /// Price of the last trade.
    public var close: Price
    /// Base units.
    public var volume: Money
    /// Quote units.
    public var quoteVolume: Money
    /// Number of the first trade.
    public var firstTradeID: Int64
    /// Number of the last trade.
    public var lastTradeID: Int64
    /// Number of trades.
    public var count: Int64
    /// Size of the last trade.
    public var lastQuantity: Quantity

    init(_ trade: PublicTrade) {
      open = trade.price
      high = trade.price
      low = trade.price
      close = trade.price
      volume = Money(trade.quantity)
      quoteVolume = trade.price * trade.quantity
      firstTradeID = trade.id
      lastTradeID = trade.id
      count = 1
      lastQuantity = trade.quantity
    }

    mutating func append(_ next: Summary) {
      high = max(high, next.high)
      low = min(low, next.low)
      close = next.close
      volume += next.volume
      quoteVolume += next.quoteVolume
      lastTradeID = next.lastTradeID
      count += next.count
      lastQuantity = next.lastQuantity
    }
  }

  private static let minutesKept = 24 * 60
  private var minutes: [(minute: Int64, summary: Summary)] = []

  mutating func add(_ trade: PublicTrade) {
    let minute = trade.time.nanoseconds / Interval.minute
    if let last = minutes.last, last.minute == minute {
      minutes[minutes.count - 1].summary.append(Summary(trade))
    } else {
      if minutes.count >= 2 * Self.minutesKept { minutes.removeFirst(Self.minutesKept) }
      minutes.append((minute, Summary(trade)))
    }
  }

  /// What each span of that many minutes adds up to, counted from 1970; spans without a trade are left out.
  func spans(ofMinutes length: Int64) -> [(start: Timestamp, summary: Summary)] {
    var spans: [(start: Timestamp, summary: Summary)] = []
    for (minute, summary) in minutes {
      let start = Timestamp(nanoseconds: minute / length * length * Interval.minute)
      if spans.last?.start == start { spans[spans.count - 1].summary.append(summary) } else { spans.append((start, summary)) }
    }
    return spans
  }

  /// The 24 hours up to `now`, or nil when nothing traded.
  public func summary(at now: Timestamp) -> Summary? {
    let oldest = now.nanoseconds / Interval.minute - Int64(Self.minutesKept)
    var total: Summary?
    for (minute, summary) in minutes where minute > oldest {
      if total == nil { total = summary } else { total?.append(summary) }
    }
    return total
  }
}
