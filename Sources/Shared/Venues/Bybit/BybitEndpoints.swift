/// Where Bybit is reached. The test network unless other addresses are given; see `VenueAddress` for what is let through.
/// Sources: guide.mdx, demo.mdx and websocket/wss-authentication.mdx of bybit-exchange/docs.
public struct BybitEndpoints: Sendable, Hashable {
  /// The test network and demo trading: neither moves real money.
  public static let testHosts = [
    "api-testnet.bybit.com", "stream-testnet.bybit.com", "api-demo.bybit.com", "stream-demo.bybit.com",
  ]

  /// Base of REST; targets begin with `/v5/`.
  public let rest: VenueAddress
  /// Base of the public streams; targets begin with `/v5/public/`.
  public let streams: VenueAddress
  /// Base of the private stream; demo trading has it on a host of its own.
  public let privateStreams: VenueAddress

  /// Checks the base addresses. Nil stands for the test network's, or for what belongs to the address that is given. Real and test
  /// money do not mix: prices of one must not steer orders of the other.
  public init(
    rest: String? = nil, streams: String? = nil, privateStreams: String? = nil, consent: String? = nil
  ) throws(VenueAddress.Refusal) {
    self.rest = try VenueAddress(
      rest ?? "https://api-testnet.bybit.com", .http, testHosts: Self.testHosts, consent: consent)
    let streams = streams ?? (self.rest.isMainnet ? "wss://stream.bybit.com" : "wss://stream-testnet.bybit.com")
    self.streams = try VenueAddress(streams, .webSocket, testHosts: Self.testHosts, consent: consent)
    self.privateStreams = try VenueAddress(
      privateStreams ?? streams, .webSocket, testHosts: Self.testHosts, consent: consent)
    for address in [self.streams, self.privateStreams] where address.isMainnet != self.rest.isMainnet {
      throw .mixed(self.rest.text, address.text)
    }
  }
}
