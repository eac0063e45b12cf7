/// Where Binance spot is reached. The test network unless other addresses are given; see `VenueAddress` for what is let through.
/// Sources: rest-api.md, web-socket-streams.md, web-socket-api.md and testnet/general-info.md of binance-spot-api-docs.
public struct BinanceEndpoints: Sendable, Hashable {
  /// The spot test network and the demo mode, and the test hosts of the futures: none of them moves real money.
  public static let testHosts = [
    "testnet.binance.vision", "stream.testnet.binance.vision", "ws-api.testnet.binance.vision",
    "demo-api.binance.com", "demo-stream.binance.com", "demo-ws-api.binance.com",
    "testnet.binancefuture.com", "stream.binancefuture.com", "demo-fapi.binance.com", "demo-fstream.binance.com",
  ]

  /// Base of REST; targets begin with `/api/v3/`.
  public let rest: VenueAddress
  /// Base of the market data streams; targets begin with `/ws/` or `/stream`.
  public let streams: VenueAddress
  /// Base of the WebSocket API; its target is `BinanceUserStream.target`.
  public let webSocketAPI: VenueAddress

  /// Checks the three base addresses. Nil stands for the test network's, or for what belongs to the addresses that are given. Real and
  /// test money do not mix: prices of one must not steer orders of the other.
  public init(
    rest: String? = nil, streams: String? = nil, webSocketAPI: String? = nil, consent: String? = nil
  ) throws(VenueAddress.Refusal) {
    self.rest = try VenueAddress(
      rest ?? "https://testnet.binance.vision", .http, testHosts: Self.testHosts, consent: consent)
    let streams = streams ?? (self.rest.isMainnet ? "wss://stream.binance.com:9443" : "wss://stream.testnet.binance.vision")
    self.streams = try VenueAddress(streams, .webSocket, testHosts: Self.testHosts, consent: consent)
    self.webSocketAPI = try VenueAddress(
      webSocketAPI ?? Self.webSocketAPI(beside: streams), .webSocket, testHosts: Self.testHosts, consent: consent)
    for address in [self.streams, self.webSocketAPI] where address.isMainnet != self.rest.isMainnet {
      throw .mixed(self.rest.text, address.text)
    }
  }

  /// Binance has a host of its own for each; anywhere else (a simulator) one address serves both.
  private static func webSocketAPI(beside streams: String) -> String {
    for (stream, api) in [
      ("wss://stream.testnet.binance.vision", "wss://ws-api.testnet.binance.vision"),
      ("wss://demo-stream.binance.com", "wss://demo-ws-api.binance.com"),
      ("wss://stream.binance.com", "wss://ws-api.binance.com"),
    ] where streams.hasPrefix(stream) { return api }
    return streams
  }
}
