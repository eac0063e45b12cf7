/// Buy or sell.
public enum Side: String, CaseIterable, Sendable {
  case buy, sell

  /// The other side.
  public var opposite: Side { self == .buy ? .sell : .buy }
  /// +1 for a buy, −1 for a sell: how a fill moves a position.
  public var sign: Int64 { self == .buy ? 1 : -1 }
}

/// What the client asked for. Market orders reach a venue as IOC limits at the collar.
public enum OrderType: String, CaseIterable, Sendable {
  case market, limit
}

/// How long an order may rest.
public enum TimeInForce: String, CaseIterable, Sendable {
  /// Good till cancelled.
  case gtc
  /// Immediate or cancel.
  case ioc
  /// Fill or kill.
  case fok
}

/// What a record on `orders` asks for.
public enum OrderAction: String, CaseIterable, Sendable {
  case new, cancel, replace
  case cancelAll = "cancel_all"
}

/// What an account may do. Written by people through `control`.
public enum TradingState: String, CaseIterable, Sendable {
  case active = "ACTIVE"
  case reduceOnly = "REDUCE_ONLY"
  case halted = "HALTED"
}

/// How a terminal state is known.
public enum Provenance: String, CaseIterable, Sendable {
  /// The venue said so in a reply or on the private stream.
  case venue
  /// Found by asking the venue later.
  case reconciled
  /// A person decided.
  case `operator`
  /// Apus itself, which never sent the order.
  case engine
}

/// Maker or taker.
public enum Liquidity: String, CaseIterable, Sendable {
  case maker, taker
}
