import Domain

/// Every market that Apus can follow. A venue is registered here, by a case and its line in each `switch`; the compiler names them.
public enum VenueMarket: Sendable, Hashable {
  /// Binance.
  case binance(BinanceMarket)
  /// Bybit.
  case bybit(BybitMarket)

  /// A venue's spot market, or its perpetuals; nil for one that Apus does not follow.
  public init?(_ venue: Venue, isPerpetual: Bool) {
    switch (venue, isPerpetual) {
    case (.binance, false): self = .binance(.spot)
    case (.bybit, false): self = .bybit(BybitMarket(.spot))
    case (.bybit, true): self = .bybit(BybitMarket(.linear))
    default: return nil
    }
  }

  /// The venues of a comma-separated list; nil when one is not registered or comes twice, or there is none.
  public static func venues(_ text: String) -> [Venue]? {
    let names = text.split(separator: ",").map { String($0).filter { $0 != " " } }
    let venues = names.compactMap { Venue($0) }.filter { VenueMarket($0, isPerpetual: false) != nil }
    return venues.count == names.count && Set(venues).count == venues.count && !venues.isEmpty ? venues : nil
  }

  /// What the venue declares.
  public var declaration: any MarketData {
    switch self {
    case .binance(let market): market
    case .bybit(let market): market
    }
  }

  /// Reads a frame as the venue declares, without a detour: this is called for every frame, which is lent for the time of the call.
  public func decode(frame: UnsafeBufferPointer<UInt8>, into update: inout DepthUpdate) throws(ReplyError) -> StreamFrame {
    switch self {
    case .binance(let market): try market.decode(frame: frame, into: &update)
    case .bybit(let market): try market.decode(frame: frame, into: &update)
    }
  }

  /// The venue.
  public var venue: Venue { declaration.venue }
}

/// Where a venue is reached.
public struct VenueEndpoints: Sendable, Hashable {
  /// Base of REST.
  public var rest: VenueAddress
  /// Base of the market data streams.
  public var streams: VenueAddress
  /// Base of the private streams.
  public var privateStreams: VenueAddress

  /// Checks the addresses of a venue; nil for one that is not registered. An address that is not given is that of the venue's test
  /// network, or belongs to those that are.
  public init?(
    _ venue: Venue, rest: String? = nil, streams: String? = nil, privateStreams: String? = nil, consent: String? = nil
  ) throws(VenueAddress.Refusal) {
    switch venue {
    case .binance:
      let endpoints = try BinanceEndpoints(rest: rest, streams: streams, webSocketAPI: privateStreams, consent: consent)
      (self.rest, self.streams, self.privateStreams) = (endpoints.rest, endpoints.streams, endpoints.webSocketAPI)
    case .bybit:
      let endpoints = try BybitEndpoints(rest: rest, streams: streams, privateStreams: privateStreams, consent: consent)
      (self.rest, self.streams, self.privateStreams) = (endpoints.rest, endpoints.streams, endpoints.privateStreams)
    default: return nil
    }
  }
}
