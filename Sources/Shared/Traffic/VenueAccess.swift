import Domain
import Runtime
import Venues

/// The venues that a process was told of, where they are reached, and the accounts' keys there.
public struct VenueAccess: Sendable {
  /// In the order in which they were named.
  public let venues: [Venue]
  /// Of each of them.
  public let endpoints: [Venue: VenueEndpoints]

  /// Reads the venues and their addresses, which are those of their test networks unless said otherwise. `use` says in the help text what
  /// for: `trade at`.
  public init(to use: String, configuration: inout Configuration) {
    venues =
      configuration.value(
        "APUS_VENUES", default: "binance", help: "venues to \(use)", expected: "venue names such as binance,bybit, each once",
        parse: VenueMarket.venues) ?? []
    let consent = configuration.optionalString(
      "APUS_ALLOW_MAINNET", help: "\(VenueAddress.mainnetConsent) lets through other hosts than test networks")
    var endpoints: [Venue: VenueEndpoints] = [:]
    for venue in venues {
      let prefix = "APUS_\(Self.nameOfSetting(venue.text))"
      let rest = configuration.optionalString("\(prefix)_REST_URL", help: "REST of \(venue) [its test network]")
      let streams = configuration.optionalString("\(prefix)_WS_URL", help: "streams of \(venue) [its test network]")
      let api = configuration.optionalString(
        "\(prefix)_WS_API_URL", help: "private streams of \(venue) [those of the streams if given, else the test network's]")
      do throws(VenueAddress.Refusal) {
        endpoints[venue] = try VenueEndpoints(venue, rest: rest, streams: streams, privateStreams: api, consent: consent)
      } catch {
        configuration.reject("\(prefix)_REST_URL, \(prefix)_WS_URL, \(prefix)_WS_API_URL: \(error)")
      }
    }
    self.endpoints = endpoints
  }

  /// An account at a venue; nil for its keys when there are none.
  public typealias AccountKeys = (account: Account, venue: Venue, keys: VenueAccount?)

  /// Reads the keys of every account at every venue.
  public func keys(_ configuration: inout Configuration) -> [AccountKeys] {
    let fallback = configuration.string("APUS_DEFAULT_ACCOUNT", default: "main", help: "the account of the keys without a suffix")
    let names = configuration.list("APUS_ACCOUNTS", default: fallback, help: "accounts that have keys")
    var all: [AccountKeys] = []
    for name in names {
      guard let account = Account(name) else {
        configuration.reject("APUS_ACCOUNTS: \(name) is not 1 to 64 of [A-Za-z0-9._-]")
        continue
      }
      let suffix = name == fallback ? "" : "_" + Self.nameOfSetting(name)
      for venue in venues {
        let prefix = "\(Self.nameOfSetting(venue.text))_TESTNET"
        let key = configuration.secret("\(prefix)_API_KEY\(suffix)", help: "API key of the account \(name) at \(venue)")
        let secret = configuration.secret("\(prefix)_SECRET_KEY\(suffix)", help: "its secret")
        var keys: VenueAccount?
        if let key, let secret, !key.isEmpty, !secret.isEmpty {
          keys = VenueAccount(venue, apiKey: key.reveal(), secret: secret.reveal())
        }
        all.append((account, venue, keys))
      }
    }
    return all
  }

  /// Letters in upper case, `-` and `.` as `_`: the way in which names become names of settings.
  private static func nameOfSetting(_ name: String) -> String {
    String(name.uppercased().map { $0 == "-" || $0 == "." ? "_" : $0 })
  }
}
