import Domain
import Wire

/// A check that failed: its stable code and its sentence.
struct Refusal: Hashable, Sendable {
  let code: RejectionCode
  let sentence: String

  init(_ code: RejectionCode, _ what: String) {
    self.code = code
    sentence = "Order rejected: \(what)"
  }

  init(_ error: RecordError) { self.init(error.code, error.reason) }

  static let halted = Refusal(.halted, "Trading is halted.")
  static let notReady = Refusal(.notReady, "RiskGate is not ready.")
  static let mustReduce = Refusal(.reduceOnly, "Only orders that reduce the position are allowed.")
  static let tooManyAccounts = Refusal(.tooManyAccounts, "There are too many accounts.")
  static let duplicate = Refusal(.duplicateIdentifier, "The id was used before for another order.")
  static let expired = Refusal(.expired, "The order has expired.")
  static let unknownTarget = Refusal(.unknownTarget, "The order to replace is not known.")
  static let noQuantityLeft = Refusal(.quantityRange, "The new total quantity is already filled.")
  static let lessThanOneLot = Refusal(.quantityRange, "The quote_quantity comes to less than one lot.")
  static let tooManyOrders = Refusal(.tooManyOrders, "There are too many live orders.")
  static let noCollar = Refusal(.priceRange, "The collar price is out of range.")

  static func unknownVenue(_ venue: Venue) -> Refusal { Refusal(.unknownVenue, "\(venue) is not a venue of ours.") }

  static func unknownInstrument(_ symbol: Symbol, at venue: Venue) -> Refusal {
    Refusal(.unknownInstrument, venue == .best ? "No venue lists \(symbol)." : "\(venue) does not list \(symbol).")
  }

  static func violation(_ violation: Instrument.Violation, of rules: TradingRules, _ symbol: Symbol, at venue: Venue) -> Refusal {
    let place = "\(symbol) at \(venue)"
    switch violation {
    case .notTrading: return Refusal(.notTrading, "\(place) is not trading.")
    case .tick: return Refusal(.tick, "Price is not a multiple of \(rules.tick), the tick of \(place).")
    case .priceRange: return Refusal(.priceRange, "Price is outside the range of \(place).")
    case .lot: return Refusal(.lot, "Quantity is not a multiple of \(rules.lot), the lot of \(place).")
    case .quantityRange:
      let most = rules.maximumQuantity.isZero ? "" : " to \(rules.maximumQuantity)"
      return Refusal(.quantityRange, "Quantity is outside \(rules.minimumQuantity)\(most), the range of \(place).")
    case .notional:
      return Refusal(
        .minimumNotional, "Notional is below \(rules.minimumNotional) \(symbol.quote), the minimum of \(place).")
    }
  }

  static func stale(_ limits: Limits) -> Refusal {
    Refusal(.stale, "The order is older than \(seconds(limits.orderMaximumAge)) s.")
  }

  static func noReference(_ symbol: Symbol, _ limits: Limits) -> Refusal {
    Refusal(.noReference, "No valid book of \(symbol) is younger than \(seconds(limits.referenceMaximumAge)) s.")
  }

  static func collar(_ limits: Limits, _ reference: Price) -> Refusal {
    let percent = Quantity(units: limits.priceCollarBasisPoints * 1_000_000)
    return Refusal(.priceCollar, "Price is more than \(percent)% through the reference \(reference).")
  }

  static func orderSize(_ limits: Limits) -> Refusal {
    Refusal(.orderSize, "Notional exceeds \(dollars(limits.maximumOrderNotional)) limit.")
  }

  static func position(_ limit: Quantity, _ asset: String) -> Refusal {
    Refusal(.position, "Position exceeds \(limit) \(asset) limit.")
  }

  static func noPositionLimit(_ asset: String) -> Refusal { Refusal(.noPositionLimit, "\(asset) has no position limit.") }

  static func orderRate(_ limits: Limits) -> Refusal {
    Refusal(.orderRate, "Order rate exceeds \(limits.maximumOrdersPerSecond) per second limit.")
  }

  static func dailyLoss(_ limits: Limits) -> Refusal {
    Refusal(.dailyLoss, "Daily loss reached \(dollars(limits.maximumDailyLoss)) limit.")
  }

  /// The answer to the repetition of a request that was refused.
  static func repeated(_ code: RejectionCode) -> Refusal {
    Refusal(code, "The same request was refused before (\(code.rawValue)).")
  }

  /// `$50,000`, `$1,234.5`
  private static func dollars(_ amount: Money) -> String {
    let text = amount.description
    let whole = text.prefix { $0 != "." }
    var grouped = ""
    for (index, digit) in whole.enumerated() {
      if index > 0, (whole.count - index).isMultiple(of: 3) { grouped.append(",") }
      grouped.append(digit)
    }
    return "$\(grouped)\(text.dropFirst(whole.count))"
  }

  /// `10`, `2.5`
  private static func seconds(_ nanoseconds: Int64) -> String {
    Quantity(units: nanoseconds / 10).description
  }
}
