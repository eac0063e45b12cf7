import Domain
import ReconcilerCore
import Runtime
import Traffic
import Venues

/// Which accounts are compared with which venues, and how often.
struct VenueSettings: Sendable {
  /// An account's keys at a venue; an account without keys is projected but cannot be compared.
  var accounts: [(subject: Subject, account: any AccountData)] = []
  /// Of every venue.
  let endpoints: [Venue: VenueEndpoints]
  /// How much may be asked of them.
  let traffic: TrafficSettings
  /// Spot alone: accounts hold nothing else.
  var symbols: [Symbol] = []
  /// What every venue client id of ours begins with.
  var deployment: String
  var intervalMilliseconds: Int

  init(_ configuration: inout Configuration) {
    deployment = configuration.string("APUS_DEPLOYMENT", default: "apus", help: "what our order ids at venues begin with")
    intervalMilliseconds = configuration.int(
      "APUS_RECONCILE_INTERVAL_MS", default: 5_000, in: 100...3_600_000,
      help: "time between two comparisons with a venue, or more where its limits want it")
    for text in configuration.list("APUS_SYMBOLS", default: "BTC-USDT", help: "symbols compared with the venues") {
      if let symbol = Symbol(text) {
        if !symbol.isPerpetual { symbols.append(symbol) }
      } else {
        configuration.reject("APUS_SYMBOLS: \(text) is not a symbol")
      }
    }
    let access = VenueAccess(to: "compare with", configuration: &configuration)
    endpoints = access.endpoints
    traffic = TrafficSettings(access.venues, share: 20, asksOnly: true, configuration: &configuration)
    for place in access.keys(&configuration) {
      guard let keys = place.keys else { continue }
      accounts.append((Subject(account: place.account, venue: place.venue), keys.declaration))
    }
  }
}
