import Domain
import Wire

/// One symbol's position of an account, as Redis shows it under `position:<account>:<symbol>`.
public struct PositionView: Hashable, Sendable {
  /// Whose.
  public var account: Account
  /// Of what.
  public var symbol: Symbol
  /// Signed base quantity.
  public var quantity: Quantity
  /// What the open position cost or brought, in the quote asset.
  public var cost: Money
  /// Profit of what was closed, less fees, in the quote asset.
  public var realised: Money
  /// Profit of the open position at the mark; nil before the first valid book.
  public var unrealised: Money?
  /// The middle of the last valid book.
  public var mark: Price?
  /// The core's time.
  public var time: Timestamp

  /// What an average unit cost, rounded against the position; nil without a position.
  public var entryPrice: Price? { cost.price(of: quantity.magnitude, quantity.isPositive ? .up : .down) }

  /// The value of the Redis key.
  public func encoded() -> [UInt8] {
    JSONWriter.object { writer in
      writer.member("v", 1)
      writer.member("account", account)
      writer.member("symbol", symbol.description)
      writer.member("quantity", quantity)
      writer.member("entry_price", entryPrice)
      writer.member("cost", cost)
      writer.member("realised", realised)
      writer.member("unrealised", unrealised)
      writer.member("mark", mark)
      writer.member("time", time)
    }
  }
}

/// What RiskGate allows an account, as Redis shows it under `risk:<account>`.
public struct RiskView: Hashable, Sendable {
  /// The trading state and its version.
  public var control: Control
  /// The limits and their version.
  public var limits: Limits
  /// Realised plus unrealised since 00:00 UTC, in dollars.
  public var dailyProfit: Money
  /// True when the daily loss has reached its limit.
  public var isLossReached: Bool
  /// Orders that may still fill.
  public var openOrders: Int
  /// Position and reservations by base asset, sorted.
  public var exposures: [BaseExposure]
  /// The core's time.
  public var time: Timestamp

  /// Position and reservations of one base asset.
  public struct BaseExposure: Hashable, Sendable {
    /// The asset.
    public var asset: String
    /// Signed position.
    public var position: Quantity
    /// What buys may still add.
    public var openBuys: Quantity
    /// What sells may still take away.
    public var openSells: Quantity
  }

  /// The value of the Redis key.
  public func encoded() -> [UInt8] {
    JSONWriter.object(capacity: 1024) { writer in
      writer.member("v", 1)
      writer.member("account", control.account)
      writer.member("state", control.state)
      writer.member("control_version", control.version)
      writer.member("limits_version", limits.version)
      writer.member("daily_profit", dailyProfit)
      writer.member("daily_loss_reached", isLossReached)
      writer.member("open_orders", openOrders)
      writer.name("exposures")
      writer.beginArray()
      for exposure in exposures {
        writer.beginObject()
        writer.member("asset", exposure.asset)
        writer.member("position", exposure.position)
        writer.member("open_buys", exposure.openBuys)
        writer.member("open_sells", exposure.openSells)
        writer.endObject()
      }
      writer.endArray()
      writer.name("limits")
      writer.raw(String(decoding: limits.encoded(), as: UTF8.self))
      writer.member("time", time)
    }
  }
}
