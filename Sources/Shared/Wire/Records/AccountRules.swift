import Domain

/// A record on `control`: what an account may do. The latest version counts; every record is the full state.
public struct Control: Hashable, Sendable {
  /// Whose control.
  public var account: Account
  /// Grows by one with every change.
  public var version: Int64
  /// What is allowed.
  public var state: TradingState
  /// Why, in the words of who changed it.
  public var reason: String
  /// When it was changed.
  public var time: Timestamp

  /// A control record.
  public init(account: Account, version: Int64, state: TradingState, reason: String, time: Timestamp) {
    self.account = account
    self.version = version
    self.state = state
    self.reason = reason
    self.time = time
  }

  /// An account that nobody has restricted: active, version 0.
  public static func initial(_ account: Account) -> Control {
    Control(account: account, version: 0, state: .active, reason: "", time: .zero)
  }

  /// Reads the record's bytes.
  public init(_ bytes: [UInt8]) throws(RecordError) {
    let reader = try RecordReader(bytes)
    account = try reader.require("account", try reader.identifier("account"))
    version = try reader.require("version", try reader.integer("version"))
    state = try reader.require("state", try reader.token("state"))
    reason = try reader.string("reason") ?? ""
    time = try reader.time("time") ?? .zero
  }

  /// The record's bytes.
  public func encoded() -> [UInt8] {
    JSONWriter.object { writer in
      writer.member("v", 1)
      writer.member("account", account)
      writer.member("version", version)
      writer.member("state", state)
      writer.member("reason", reason)
      writer.member("time", time)
    }
  }
}

/// A record on `limits`: an account's risk limits. The latest version counts; every record is the full set.
public struct Limits: Hashable, Sendable {
  /// Whose limits.
  public var account: Account
  /// Grows by one with every change.
  public var version: Int64
  /// Largest notional of one order in USDT; exactly this passes.
  public var maximumOrderNotional: Money
  /// Largest position per base asset, long or short; a base that is not listed is refused. Sorted by asset.
  public var maximumPosition: [BaseLimit]
  /// Approved orders in any second.
  public var maximumOrdersPerSecond: Int
  /// Loss since midnight UTC, in USDT, at which only reducing orders pass.
  public var maximumDailyLoss: Money
  /// How far through the reference a limit may be, in basis points.
  public var priceCollarBasisPoints: Int64
  /// Oldest book that gives a reference, in nanoseconds.
  public var referenceMaximumAge: Int64
  /// Oldest record on `orders` that is decided, in nanoseconds.
  public var orderMaximumAge: Int64
  /// How long an approval is valid, in nanoseconds.
  public var approvalLifetime: Int64

  /// A base asset and its largest position.
  public struct BaseLimit: Hashable, Sendable {
    /// The asset.
    public var asset: String
    /// Largest position, long or short.
    public var quantity: Quantity

    /// A limit for one base asset.
    public init(asset: String, quantity: Quantity) {
      self.asset = asset
      self.quantity = quantity
    }
  }

  /// The limits of an account that has no record: $50,000, 5 BTC, 5 orders a second, $10,000 a day, 5 %, 2 s, 10 s; approvals live 5 s.
  public init(account: Account) {
    self.account = account
    version = 0
    maximumOrderNotional = Money(units: 50_000 * Self.one)
    maximumPosition = [BaseLimit(asset: "BTC", quantity: Quantity(units: 5_0000_0000))]
    maximumOrdersPerSecond = 5
    maximumDailyLoss = Money(units: 10_000 * Self.one)
    priceCollarBasisPoints = 500
    referenceMaximumAge = 2 * Interval.second
    orderMaximumAge = 10 * Interval.second
    approvalLifetime = 5 * Interval.second
  }

  private static let one: Int128 = 1_000_000_000_000_000_000

  /// The largest position of a base asset, or nil when there is no limit for it.
  public func maximumPosition(of base: String) -> Quantity? { maximumPosition.first { $0.asset == base }?.quantity }

  /// Reads the record's bytes; what is absent keeps its default. Refuses negative limits.
  public init(_ bytes: [UInt8]) throws(RecordError) {
    let reader = try RecordReader(bytes)
    self.init(account: try reader.require("account", try reader.identifier("account")))
    version = try reader.require("version", try reader.integer("version"))
    maximumOrderNotional = try reader.decimal("max_order_notional") ?? maximumOrderNotional
    if let positions = try reader.object("max_position") {
      maximumPosition = try positions.decimals().map { BaseLimit(asset: $0.name, quantity: $0.value) }
      maximumPosition.sort { $0.asset < $1.asset }
    }
    maximumOrdersPerSecond = Int(clamping: try reader.integer("max_orders_per_second") ?? Int64(maximumOrdersPerSecond))
    maximumDailyLoss = try reader.decimal("max_daily_loss") ?? maximumDailyLoss
    priceCollarBasisPoints = try reader.integer("price_collar_bps") ?? priceCollarBasisPoints
    referenceMaximumAge = try milliseconds("reference_max_age_ms", reader) ?? referenceMaximumAge
    orderMaximumAge = try milliseconds("order_max_age_ms", reader) ?? orderMaximumAge
    approvalLifetime = try milliseconds("approval_lifetime_ms", reader) ?? approvalLifetime
    try checkRanges()
  }

  private func milliseconds(_ name: StaticString, _ reader: RecordReader) throws(RecordError) -> Int64? {
    guard let count = try reader.integer(name) else { return nil }
    guard (0...86_400_000).contains(count) else { throw RecordError(.outOfRange, "The field \(name) is not 0 to a day.") }
    return count * Interval.millisecond
  }

  private func checkRanges() throws(RecordError) {
    let amountsAreLegal =
      !maximumOrderNotional.isNegative && maximumOrderNotional <= .limit && !maximumDailyLoss.isNegative
      && maximumDailyLoss <= .limit && maximumPosition.allSatisfy { !$0.quantity.isNegative }
    guard amountsAreLegal, (0...1_000_000).contains(maximumOrdersPerSecond), (0..<10_000).contains(priceCollarBasisPoints) else {
      throw RecordError(.outOfRange, "A limit is negative or beyond its range.")
    }
  }

  /// The record's bytes.
  public func encoded() -> [UInt8] {
    JSONWriter.object { writer in
      writer.member("v", 1)
      writer.member("account", account)
      writer.member("version", version)
      writer.member("max_order_notional", maximumOrderNotional)
      writer.name("max_position")
      writer.beginObject()
      for limit in maximumPosition {
        writer.name(dynamic: limit.asset)
        writer.value(limit.quantity)
      }
      writer.endObject()
      writer.member("max_orders_per_second", maximumOrdersPerSecond)
      writer.member("max_daily_loss", maximumDailyLoss)
      writer.member("price_collar_bps", priceCollarBasisPoints)
      writer.member("reference_max_age_ms", referenceMaximumAge / Interval.millisecond)
      writer.member("order_max_age_ms", orderMaximumAge / Interval.millisecond)
      writer.member("approval_lifetime_ms", approvalLifetime / Interval.millisecond)
    }
  }
}
