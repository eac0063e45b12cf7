import Domain
import Runtime
import Traffic
import Venues

/// Which accounts are compared with which venue, and how often.
struct VenueSettings: Sendable {
  /// Accounts with their keys at Binance; an account without keys is projected but cannot be compared.
  var credentials: [Account: BinanceCredentials] = [:]
  var endpoints: BinanceEndpoints?
  /// How much may be asked of the venue.
  let traffic: TrafficSettings
  var symbols: [Symbol] = []
  /// What every venue client id of ours begins with.
  var deployment: String
  var intervalMilliseconds: Int

  init(_ configuration: inout Configuration) {
    traffic = TrafficSettings([.binance], share: 20, asksOnly: true, configuration: &configuration)
    deployment = configuration.string("APUS_DEPLOYMENT", default: "apus", help: "what our order ids at venues begin with")
    intervalMilliseconds = configuration.int(
      "APUS_RECONCILE_INTERVAL_MS", default: 5_000, in: 100...3_600_000, help: "time between two comparisons with a venue")
    for text in configuration.list("APUS_SYMBOLS", default: "BTC-USDT", help: "symbols compared with the venue") {
      if let symbol = Symbol(text) {
        symbols.append(symbol)
      } else {
        configuration.reject("APUS_SYMBOLS: \(text) is not a symbol")
      }
    }
    readEndpoints(&configuration)
    readAccounts(&configuration)
  }

  private mutating func readEndpoints(_ configuration: inout Configuration) {
    let rest = configuration.optionalString(
      "APUS_BINANCE_REST_URL", help: "Binance's REST address; the test network's by default")
    let consent = configuration.optionalString("APUS_ALLOW_MAINNET", help: "must be said in so many words to use real money")
    do throws(VenueAddress.Refusal) {
      endpoints = try BinanceEndpoints(rest: rest, consent: consent)
    } catch {
      configuration.reject("APUS_BINANCE_REST_URL: \(error)")
    }
  }

  private mutating func readAccounts(_ configuration: inout Configuration) {
    let main = configuration.string("APUS_DEFAULT_ACCOUNT", default: "main", help: "account of orders that name none")
    for name in configuration.list("APUS_ACCOUNTS", default: main, help: "accounts that have keys") {
      guard let account = Account(name) else {
        configuration.reject("APUS_ACCOUNTS: \(name) is not 1 to 64 of [A-Za-z0-9._-]")
        continue
      }
      let suffix = name == main ? "" : "_" + name.uppercased().replacing("-", with: "_").replacing(".", with: "_")
      let key = configuration.secret("BINANCE_TESTNET_API_KEY\(suffix)", help: "Binance API key of account \(name)")
      let secret = configuration.secret("BINANCE_TESTNET_SECRET_KEY\(suffix)", help: "its secret")
      guard let key, let secret, !key.isEmpty, !secret.isEmpty else { continue }
      credentials[account] = BinanceCredentials(apiKey: key.reveal(), secret: secret.reveal())
    }
  }
}
