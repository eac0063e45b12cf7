import Domain

/// Universal symbols to a venue's spellings and back, from the venue's own instrument list.
public struct SymbolMapper: Sendable {
  private var bySymbol: [Symbol: Instrument] = [:]
  private var byVenueSymbol: [String: Instrument] = [:]

  /// Takes a venue's instruments. Of two that claim the same name on either side the first stays, so that both directions agree.
  public init(_ instruments: [Instrument]) {
    for instrument in instruments
    where bySymbol[instrument.symbol] == nil && byVenueSymbol[instrument.venueSymbol] == nil {
      bySymbol[instrument.symbol] = instrument
      byVenueSymbol[instrument.venueSymbol] = instrument
    }
  }

  /// How many instruments are known.
  public var count: Int { bySymbol.count }

  /// The instrument under our name; nil when the venue does not list it.
  public func instrument(_ symbol: Symbol) -> Instrument? { bySymbol[symbol] }

  /// The instrument under the venue's name, exactly as the venue spells it; nil when it does not list it.
  public func instrument(venueSymbol: String) -> Instrument? { byVenueSymbol[venueSymbol] }
}
