import Domain
import Wire

/// A venue's instrument list, or a page of it: what we can trade, and what we cannot and why.
public struct InstrumentList: Sendable, Equatable {
  /// An instrument that does not fit our types, or that we cannot name.
  public struct Refusal: Sendable, Hashable {
    /// Why, as a stable code.
    public enum Code: String, Sendable {
      /// No universal name: an asset has characters that ours cannot have, or the contract is not a perpetual.
      case name
      /// A field is missing or is no number.
      case malformed
      /// The tick or a price bound has more digits than `Price`, or is not positive.
      case price
      /// The lot or a quantity bound has more digits than `Quantity`, or is not positive.
      case quantity
      /// The minimum notional does not fit.
      case notional
      /// An instrument of the same universal name came before.
      case repeated
    }

    /// The venue's spelling; empty when even that is missing.
    public var venueSymbol: String
    /// Why.
    public var code: Code

    /// A refusal.
    public init(venueSymbol: String, code: Code) {
      self.venueSymbol = venueSymbol
      self.code = code
    }
  }

  /// The instruments that fit.
  public var instruments: [Instrument] = []
  /// The others.
  public var refusals: [Refusal] = []
  /// What to ask for the next page with; nil on the last.
  public var nextCursor: String?

  /// The pages of one list together.
  public init(pages: [InstrumentList]) {
    instruments = pages.flatMap(\.instruments)
    refusals = pages.flatMap(\.refusals)
  }

  /// Reads the instruments one by one: one instrument's trouble is not the others'.
  init(
    _ elements: [JSON], nextCursor: String? = nil,
    read: (_ json: JSON, _ venueSymbol: String) throws(InstrumentRefused) -> Instrument
  ) {
    self.nextCursor = nextCursor
    var seen: Set<Symbol> = []
    for json in elements {
      let venueSymbol = json["symbol"]?.string ?? ""
      do throws(InstrumentRefused) {
        guard !venueSymbol.isEmpty else { throw InstrumentRefused(code: .malformed) }
        let instrument = try read(json, venueSymbol)
        guard seen.insert(instrument.symbol).inserted else { throw InstrumentRefused(code: .repeated) }
        instruments.append(instrument)
      } catch {
        refusals.append(.init(venueSymbol: venueSymbol, code: error.code))
      }
    }
  }
}

/// Why one instrument is left out.
struct InstrumentRefused: Error {
  let code: InstrumentList.Refusal.Code
}

extension JSON {
  /// A limit of an instrument, not below zero; zero is the venues' way to switch a bound off, and ours.
  func limit<Value: FixedPoint>(_ field: String, _ code: InstrumentList.Refusal.Code) throws(InstrumentRefused) -> Value {
    guard let text = self[field]?.text else { throw InstrumentRefused(code: .malformed) }
    let value: Value
    do { value = try Value(text) } catch {
      throw InstrumentRefused(code: error == .malformed ? .malformed : code)
    }
    guard !value.isNegative else { throw InstrumentRefused(code: code) }
    return value
  }
}
