import Domain
import Runtime
import Testing
import Traffic
import Venues

@Suite struct VenueAccessTests {
  private func read(_ environment: [String: String]) -> (access: VenueAccess, keys: [String], problems: [String]) {
    var configuration = Configuration(environment: environment, arguments: [])
    let access = VenueAccess(to: "trade at", configuration: &configuration)
    let keys = access.keys(&configuration).map { "\($0.account)@\($0.venue)\($0.keys == nil ? " none" : "")" }
    do throws(ConfigurationError) {
      try configuration.check()
      return (access, keys, [])
    } catch {
      return (access, keys, error.problems)
    }
  }

  @Test func everyAccountHasItsKeysAtEveryVenue() {
    let found = read([
      "APUS_VENUES": "binance, bybit", "APUS_ACCOUNTS": "main,my-desk.2",
      "BINANCE_TESTNET_API_KEY": "k", "BINANCE_TESTNET_SECRET_KEY": "s",
      "BYBIT_TESTNET_API_KEY_MY_DESK_2": "k", "BYBIT_TESTNET_SECRET_KEY_MY_DESK_2": "s",
      "BYBIT_TESTNET_API_KEY": "k", "BYBIT_TESTNET_SECRET_KEY": "",
    ])
    #expect(found.access.venues == [.binance, .bybit] && found.problems.isEmpty)
    #expect(found.keys == ["main@binance", "main@bybit none", "my-desk.2@binance none", "my-desk.2@bybit"])
    #expect(found.access.endpoints[.bybit]?.rest.text == "https://api-testnet.bybit.com")
  }

  @Test(arguments: ["kraken", "binance,binance", "", "binance,,", "best"])
  func onlyRegisteredVenuesOnce(names: String) {
    let found = read(["APUS_VENUES": names])
    // An empty setting is one that was not made.
    #expect(found.problems.isEmpty == (names.isEmpty || names == "binance,,"), "\(found.problems)")
  }

  @Test func realMoneyIsRefusedWithoutConsent() {
    let found = read(["APUS_VENUES": "bybit", "APUS_BYBIT_REST_URL": "https://api.bybit.com"])
    #expect(found.access.endpoints.isEmpty)
    #expect(found.problems.count == 1 && found.problems.first?.contains("APUS_BYBIT_REST_URL") == true)
  }
}
