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
  var endpoints: [Venue: VenueEndpoints] = [:]
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
      "APUS_RECONCILE_INTERVAL_MS", default: 5_000, in: 100...3_600_000, help: "time between two comparisons with a venue")
    for text in configuration.list("APUS_SYMBOLS", default: "BTC-USDT", help: "symbols compared with the venues") {
      if let symbol = Symbol(text) {
        if !symbol.isPerpetual { symbols.append(symbol) }
      } else {
        configuration.reject("APUS_SYMBOLS: \(text) is not a symbol")
      }
    }
    let venues = configuration.value(
      "APUS_VENUES", default: "binance", help: "venues to compare with", expected: "venue names such as binance,bybit, each once",
      parse: VenueMarket.venues)
    traffic = TrafficSettings(venues ?? [], share: 20, asksOnly: true, configuration: &configuration)
    readEndpoints(venues ?? [], &configuration)
    readAccounts(venues ?? [], &configuration)
  }

  private mutating func readEndpoints(_ venues: [Venue], _ configuration: inout Configuration) {
    let consent = configuration.optionalString("APUS_ALLOW_MAINNET", help: "must be said in so many words to use real money")
    for venue in venues {
      let name = "APUS_\(venue.text.uppercased())_REST_URL"
      let rest = configuration.optionalString(name, help: "REST of \(venue) [its test network]")
      do throws(VenueAddress.Refusal) {
        endpoints[venue] = try VenueEndpoints(venue, rest: rest, consent: consent)
      } catch {
        configuration.reject("\(name): \(error)")
      }
    }
  }

  private mutating func readAccounts(_ venues: [Venue], _ configuration: inout Configuration) {
    let main = configuration.string("APUS_DEFAULT_ACCOUNT", default: "main", help: "account of orders that name none")
    for name in configuration.list("APUS_ACCOUNTS", default: main, help: "accounts that have keys") {
      guard let account = Account(name) else {
        configuration.reject("APUS_ACCOUNTS: \(name) is not 1 to 64 of [A-Za-z0-9._-]")
        continue
      }
      let suffix = name == main ? "" : "_" + name.uppercased().replacing("-", with: "_").replacing(".", with: "_")
      for venue in venues {
        let prefix = "\(venue.text.uppercased())_TESTNET"
        let key = configuration.secret("\(prefix)_API_KEY\(suffix)", help: "API key of account \(name) at \(venue)")
        let secret = configuration.secret("\(prefix)_SECRET_KEY\(suffix)", help: "its secret")
        guard let key, let secret, !key.isEmpty, !secret.isEmpty,
          let keys = VenueAccount(venue, apiKey: key.reveal(), secret: secret.reveal())
        else { continue }
        accounts.append((Subject(account: account, venue: venue), keys.declaration))
      }
    }
  }
}
