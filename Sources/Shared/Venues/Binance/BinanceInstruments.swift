import Domain
import Wire

/// A venue's instrument list: what we can trade, and what we cannot and why.
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
}

extension BinanceMarket {
  /// Reads the reply to `exchangeInfo` (filters.md of binance-spot-api-docs). One instrument's trouble is not the others'.
  public func instruments(_ body: [UInt8]) throws(ReplyError) -> InstrumentList {
    var list = InstrumentList()
    var seen: Set<Symbol> = []
    for json in try JSON.reply(body).requiredArray("symbols") {
      let venueSymbol = json["symbol"]?.string ?? ""
      do throws(InstrumentRefused) {
        let instrument = try instrument(json, venueSymbol: venueSymbol)
        guard seen.insert(instrument.symbol).inserted else { throw InstrumentRefused(code: .repeated) }
        list.instruments.append(instrument)
      } catch {
        list.refusals.append(.init(venueSymbol: venueSymbol, code: error.code))
      }
    }
    return list
  }

  private func instrument(_ json: JSON, venueSymbol: String) throws(InstrumentRefused) -> Instrument {
    guard !venueSymbol.isEmpty, let base = json["baseAsset"]?.string, let quote = json["quoteAsset"]?.string,
      let filters = json["filters"]?.array
    else { throw InstrumentRefused(code: .malformed) }
    let isNamed = self == .spot || json["contractType"]?.string == "PERPETUAL"
    guard isNamed, let symbol = Symbol(base: base, quote: quote, isPerpetual: self == .futures) else {
      throw InstrumentRefused(code: .name)
    }
    let reader = FilterReader(filters)
    let tick: Price = try reader.value("PRICE_FILTER", "tickSize", .price)
    let lot: Quantity = try reader.value("LOT_SIZE", "stepSize", .quantity)
    guard lot.isPositive else { throw InstrumentRefused(code: .quantity) }
    return Instrument(
      venue: .binance, symbol: symbol, venueSymbol: venueSymbol, tick: tick,
      minimumPrice: try reader.value("PRICE_FILTER", "minPrice", .price),
      maximumPrice: try reader.value("PRICE_FILTER", "maxPrice", .price),
      lot: lot,
      minimumQuantity: try reader.value("LOT_SIZE", "minQty", .quantity),
      maximumQuantity: try reader.value("LOT_SIZE", "maxQty", .quantity),
      minimumNotional: try reader.minimumNotional(),
      isTrading: json["status"]?.string == "TRADING")
  }
}

private struct InstrumentRefused: Error {
  let code: InstrumentList.Refusal.Code
}

/// Looks up numbers in an instrument's filters. Zero is the venue's way to switch a bound off, and ours.
private struct FilterReader {
  private let filters: [JSON]

  init(_ filters: [JSON]) { self.filters = filters }

  func value<Value: FixedPoint>(
    _ filter: String, _ field: String, _ code: InstrumentList.Refusal.Code
  ) throws(InstrumentRefused) -> Value {
    guard let filter = find(filter) else { throw InstrumentRefused(code: .malformed) }
    return try read(filter, field, code)
  }

  /// Spot names it `NOTIONAL` or, formerly, `MIN_NOTIONAL`; the futures write `notional` in the latter. None: no minimum.
  func minimumNotional() throws(InstrumentRefused) -> Money {
    guard let filter = find("NOTIONAL") ?? find("MIN_NOTIONAL") else { return .zero }
    let amount: Money = try read(filter, filter["minNotional"] == nil ? "notional" : "minNotional", .notional)
    guard amount <= Money.limit else { throw InstrumentRefused(code: .notional) }
    return amount
  }

  private func find(_ type: String) -> JSON? { filters.first { $0["filterType"]?.string == type } }

  private func read<Value: FixedPoint>(
    _ filter: JSON, _ field: String, _ code: InstrumentList.Refusal.Code
  ) throws(InstrumentRefused) -> Value {
    guard let text = filter[field]?.text else { throw InstrumentRefused(code: .malformed) }
    let value: Value
    do { value = try Value(text) } catch {
      throw InstrumentRefused(code: error == .malformed ? .malformed : code)
    }
    guard !value.isNegative else { throw InstrumentRefused(code: code) }
    return value
  }
}
