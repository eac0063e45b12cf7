import Domain

/// The topics' names. `deploy/schemas/` says what their records hold.
public enum Topic {
  /// What clients ask for. Keyed and partitioned by account.
  public static let orders = "orders"
  /// RiskGate's approvals.
  public static let approved = "orders.approved"
  /// RiskGate's refusals.
  public static let rejected = "orders.rejected"
  /// What happened to orders: events and plans of OrderManager, observations and adjustments of Reconciler.
  public static let executions = "executions"
  /// OrderManager's snapshots, compacted.
  public static let orderState = "order.state"
  /// RiskGate's snapshots, compacted.
  public static let riskState = "risk.state"
  /// Trading states, compacted.
  public static let control = "control"
  /// Risk limits, compacted.
  public static let limits = "limits"
  /// Venue balances, compacted.
  public static let balances = "balances"
  /// The venues' instrument lists, compacted.
  public static let instruments = "instruments"
  /// What a person should know.
  public static let alerts = "alerts"
  /// Records that could not be read.
  public static let deadLetters = "dead_letters"

  /// `l2_order_books.binance.btc_usdt`
  public static func book(venue: Venue, symbol: Symbol) -> String { "l2_order_books.\(venue).\(symbol.topicSuffix)" }

  /// `trades.binance.btc_usdt`
  public static func trades(venue: Venue, symbol: Symbol) -> String { "trades.\(venue).\(symbol.topicSuffix)" }

  /// `funding_rates.bybit.btc_usdt_perp`
  public static func funding(venue: Venue, symbol: Symbol) -> String { "\(fundingPrefix)\(venue).\(symbol.topicSuffix)" }
  /// What the names of all funding topics begin with.
  public static let fundingPrefix = "funding_rates."

  /// How a topic is created.
  public struct Layout: Sendable {
    /// The topic.
    public let name: String
    /// Number of partitions.
    public let partitions: Int32
    /// Kafka's topic configuration.
    public let settings: [(name: String, value: String)]

    /// The same layout of another topic.
    public func named(_ name: String) -> Layout { Layout(name: name, partitions: partitions, settings: settings) }
  }

  /// Topics partitioned by account share one count, so that the same partition of each belongs to the same accounts.
  public static let defaultAccountPartitions: Int32 = 6

  private static let week = [(name: "retention.ms", value: "604800000")]
  private static let hour = [(name: "retention.ms", value: "3600000")]
  /// How old an order is counts from its arrival: the broker's clock, not the client's.
  private static let arrival = [(name: "message.timestamp.type", value: "LogAppendTime")]
  private static let compact = [(name: "cleanup.policy", value: "compact")]

  /// Every topic that is known before a feed is configured.
  public static func layouts(accountPartitions: Int32 = defaultAccountPartitions) -> [Layout] {
    [Layout(name: orders, partitions: accountPartitions, settings: week + arrival)]
      + [approved, rejected, executions].map { Layout(name: $0, partitions: accountPartitions, settings: week) }
      + [orderState, riskState].map { Layout(name: $0, partitions: accountPartitions, settings: compact) }
      + [control, limits, balances, instruments].map { Layout(name: $0, partitions: 1, settings: compact) }
      + [alerts, deadLetters].map { Layout(name: $0, partitions: 1, settings: week) }
  }

  /// The layout of a feed's book topic.
  public static func bookLayout(venue: Venue, symbol: Symbol) -> Layout {
    Layout(name: book(venue: venue, symbol: symbol), partitions: 1, settings: hour)
  }

  /// The layout of a perpetual's funding topic.
  public static func fundingLayout(venue: Venue, symbol: Symbol) -> Layout {
    Layout(name: funding(venue: venue, symbol: symbol), partitions: 1, settings: hour)
  }

  /// The layout of a feed's trade topic.
  public static func tradesLayout(venue: Venue, symbol: Symbol) -> Layout {
    Layout(name: trades(venue: venue, symbol: symbol), partitions: 1, settings: hour)
  }
}
