import Domain

/// A record of type `adjustment` on `executions`: a change of position that no order of ours made, entered by Reconciler.
public struct Adjustment: Hashable, Sendable {
  /// Whose position.
  public var account: Account
  /// Unique within the account, so that it counts once.
  public var id: String
  /// What it changes.
  public var symbol: Symbol
  /// Signed base quantity.
  public var quantity: Quantity
  /// The price at which it enters the cost basis.
  public var price: Price
  /// Why.
  public var reason: String
  /// Reconciler's time.
  public var time: Timestamp

  /// An adjustment.
  public init(account: Account, id: String, symbol: Symbol, quantity: Quantity, price: Price, reason: String, time: Timestamp) {
    self.account = account
    self.id = id
    self.symbol = symbol
    self.quantity = quantity
    self.price = price
    self.reason = reason
    self.time = time
  }

  init(_ reader: RecordReader) throws(RecordError) {
    account = try reader.require("account", try reader.identifier("account"))
    id = try reader.require("id", try reader.foreignID("id"))
    symbol = try reader.require("symbol", try reader.symbol("symbol"))
    quantity = try reader.require("quantity", try reader.decimal("quantity"))
    price = try reader.require("price", try reader.decimal("price"))
    reason = try reader.string("reason") ?? ""
    time = try reader.require("time", try reader.time("time"))
  }

  func write(to writer: inout JSONWriter) {
    writer.member("type", "adjustment")
    writer.member("account", account)
    writer.member("id", id)
    writer.member("symbol", symbol)
    writer.member("quantity", quantity)
    writer.member("price", price)
    writer.member("reason", reason)
    writer.member("time", time)
  }
}

/// A record of type `control_ack` on `executions`: OrderManager obeys this version of `control` from here on.
public struct ControlAcknowledgement: Hashable, Sendable {
  /// Whose control.
  public var account: Account
  /// The version.
  public var version: Int64
  /// The state.
  public var state: TradingState
  /// OrderManager's time.
  public var time: Timestamp

  /// An acknowledgement.
  public init(account: Account, version: Int64, state: TradingState, time: Timestamp) {
    self.account = account
    self.version = version
    self.state = state
    self.time = time
  }

  init(_ reader: RecordReader) throws(RecordError) {
    account = try reader.require("account", try reader.identifier("account"))
    version = try reader.require("version", try reader.integer("version"))
    state = try reader.require("state", try reader.token("state"))
    time = try reader.require("time", try reader.time("time"))
  }

  func write(to writer: inout JSONWriter) {
    writer.member("type", "control_ack")
    writer.member("account", account)
    writer.member("version", version)
    writer.member("state", state)
    writer.member("time", time)
  }
}
