import Testing
import Venues

@Suite struct VenueAddressTests {
  private func check(_ text: String, _ transport: VenueAddress.Transport = .http, consent: String? = nil) throws(VenueAddress
    .Refusal)
    -> VenueAddress
  {
    try VenueAddress(text, transport, testHosts: BinanceEndpoints.testHosts, consent: consent)
  }

  @Test func theTestNetworkIsTheDefault() throws {
    let endpoints = try BinanceEndpoints()
    #expect(endpoints.rest.text == "https://testnet.binance.vision")
    #expect(!endpoints.rest.isMainnet && !endpoints.streams.isMainnet && !endpoints.webSocketAPI.isMainnet)
  }

  @Test(arguments: [
    "http://127.0.0.1:9001", "https://localhost:1", "http://[::1]:80", "http://simulator:9001/",
    "http://simulator.apus.svc.cluster.local",
    "http://10.1.2.3", "http://172.31.0.1", "http://192.168.0.1", "https://testnet.binance.vision",
    "HTTPS://Testnet.Binance.Vision",
  ])
  func localAndTestHostsPass(address: String) throws {
    #expect(try !check(address).isMainnet)
  }

  @Test(arguments: [
    "https://api.binance.com", "https://api1.binance.com", "https://fapi.binance.com", "https://example.com", "https://8.8.8.8",
    "https://testnet.binance.vision.evil.com", "https://127.0.0.1.evil.com", "https://172.32.0.1", "https://2130706433",
    "https://0x7f000001", "https://010.0.0.1", "https://api.binance.com.", "https://testnet.binance.vision:443.evil.com",
  ])
  func everythingElseNeedsConsent(address: String) {
    #expect(throws: VenueAddress.Refusal.self) { try check(address) }
    #expect(throws: VenueAddress.Refusal.self) { try check(address, consent: "yes") }
  }

  @Test func consentInSoManyWordsPasses() throws {
    let address = try check("https://api.binance.com", consent: VenueAddress.mainnetConsent)
    #expect(address.isMainnet)
    #expect(address.appending("/api/v3/time") == "https://api.binance.com/api/v3/time")
    #expect(throws: VenueAddress.Refusal.unencrypted(host: "api.binance.com")) {
      try check("http://api.binance.com", consent: VenueAddress.mainnetConsent)
    }
  }

  @Test(arguments: [
    "", "testnet.binance.vision", "https://", "https://user@testnet.binance.vision",
    "https://testnet.binance.vision@api.binance.com",
    "https://testnet.binance.vision#x", "https://testnet.binance.vision?x", "https://testnet.binance.vision\\@api.binance.com",
    "https://127.0.0.1:", "https://127.0.0.1:0", "https://127.0.0.1:65536", "https://[::1]x", "https://[fe80::1]", "https://a b",
    "https://löcal",
  ])
  func whatCouldBeReadInTwoWaysIsRefused(address: String) {
    #expect(throws: VenueAddress.Refusal.self) { try check(address, consent: VenueAddress.mainnetConsent) }
  }

  @Test func theWebSocketAPIBelongsToTheStreams() throws {
    #expect(try BinanceEndpoints().webSocketAPI.text == "wss://ws-api.testnet.binance.vision")
    let local = try BinanceEndpoints(rest: "http://127.0.0.1:1", streams: "ws://127.0.0.1:2")
    #expect(local.webSocketAPI.text == "ws://127.0.0.1:2")
    let real = try BinanceEndpoints(
      rest: "https://api.binance.com", streams: "wss://stream.binance.com:9443", consent: VenueAddress.mainnetConsent)
    #expect(real.webSocketAPI.text == "wss://ws-api.binance.com")
  }

  @Test func realAndTestMoneyDoNotMix() throws {
    let test = "wss://stream.testnet.binance.vision"
    for (rest, streams) in [("https://api.binance.com", test), (nil, "wss://stream.binance.com:9443")] as [(String?, String?)] {
      #expect(throws: VenueAddress.Refusal.self) {
        try BinanceEndpoints(rest: rest, streams: streams, consent: VenueAddress.mainnetConsent)
      }
    }
    let real = try BinanceEndpoints(rest: "https://api.binance.com", consent: VenueAddress.mainnetConsent)
    #expect(real.streams.isMainnet && real.webSocketAPI.isMainnet)
  }

  @Test func theSchemeFitsTheTransport() throws {
    #expect(throws: VenueAddress.Refusal.scheme("ws://127.0.0.1")) { try check("ws://127.0.0.1") }
    #expect(throws: VenueAddress.Refusal.scheme("http://127.0.0.1")) { try check("http://127.0.0.1", .webSocket) }
    #expect(throws: VenueAddress.Refusal.unencrypted(host: "testnet.binance.vision")) {
      try check("http://testnet.binance.vision")
    }
    #expect(try check("ws://127.0.0.1:80/", .webSocket).text == "ws://127.0.0.1:80")
  }
}
