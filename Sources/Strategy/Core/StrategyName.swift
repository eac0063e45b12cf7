/// The strategies that there are, by the word of the configuration.
public enum StrategyName: String, CaseIterable, Sendable {
  /// `Quoter`.
  case quoter
  /// `BestPriceTaker`.
  case taker
}
