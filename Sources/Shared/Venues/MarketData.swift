import Domain
import Wire

/// What a venue declares of the market data of one of its markets. Whatever connects, times, retries and keeps books is shared, and
/// learns everything about the venue from here. Pure: requests and frames are built and read, never sent.
public protocol MarketData: Sendable, Hashable {
  /// The venue.
  var venue: Venue { get }
  /// True when its symbols are perpetuals.
  var isPerpetual: Bool { get }
  /// How its books are kept in step.
  var bookRules: BookRules { get }
  /// How its public trades are numbered.
  var tradeNumbering: TradeNumbering { get }
  /// The funding of its perpetuals; nil where nothing is paid.
  var funding: (any FundingData)? { get }

  /// The stream of a symbol's book and public trades.
  func symbolStream(venueSymbol: String) -> StreamPlan
  /// Reads a frame of that stream into `update`. Throws when it is of a book, or could be, and cannot be read to its end.
  func decode(frame: UnsafeBufferPointer<UInt8>, into update: inout DepthUpdate) throws(ReplyError) -> StreamFrame
  /// The public trades in a frame of that stream, in the venue's order; nil for a frame of another kind.
  func trades(frame: [UInt8]) throws(ReplyError) -> PublicTrades?
  /// Asks for the whole book; nil where the stream brings it.
  func bookRequest(venueSymbol: String) -> VenueRequest?
  /// Reads the reply to `bookRequest`.
  func decode(book body: [UInt8], into snapshot: inout DepthSnapshot) throws(ReplyError)

  /// Asks for the instruments; `cursor` is the last page's.
  func instrumentsRequest(cursor: String?) -> VenueRequest
  /// Reads a page of instruments.
  func instruments(_ body: [UInt8]) throws(ReplyError) -> InstrumentList

  /// Asks for the venue's clock.
  func clockRequest() -> VenueRequest
  /// Reads the reply to `clockRequest`.
  func clock(_ body: [UInt8]) throws(ReplyError) -> Timestamp
  /// Asks for the last price of a symbol.
  func priceRequest(venueSymbol: String) -> VenueRequest
  /// Reads the reply to `priceRequest`.
  func price(_ body: [UInt8]) throws(ReplyError) -> Price

  /// The venue's limits on requests, market data and trading together.
  var rateRules: [RateRule] { get }
  /// What an answer says of them; `venueTime` is our idea of the venue's clock when it came.
  func rateReadings(_ reply: VenueReply, to purpose: VenueRequest.Purpose, at venueTime: Timestamp) -> [RateReading]

  /// What the result of a call means by the venue's own table of errors, and what `read` makes of a good one.
  func classify<Reply: Sendable>(
    _ result: VenueResult, of purpose: VenueRequest.Purpose, read: ([UInt8]) throws(ReplyError) -> Reply
  ) -> VenueOutcome<Reply>
}

/// How a stream is opened and kept.
public struct StreamPlan: Sendable, Hashable {
  /// Text frames that a venue wants from time to time, beside the pings of the WebSocket protocol, which the transport answers.
  public struct Heartbeat: Sendable, Hashable {
    /// The frame.
    public var frame: [UInt8]
    /// Between two of them, in nanoseconds.
    public var interval: Int64

    /// This frame, this often.
    public init(_ frame: [UInt8], every interval: Int64) {
      self.frame = frame
      self.interval = interval
    }
  }

  /// What follows the base address of the streams.
  public var target: String
  /// Sent when the stream is open, in order; empty where the address says it all.
  public var subscribe: [[UInt8]] = []
  /// Sent to have the stream bring a whole book again, where it brings one.
  public var resubscribe: [[UInt8]] = []
  /// What keeps it alive.
  public var heartbeat: Heartbeat?
  /// The venue ends a stream of this age, in nanoseconds; we go first. Nil where it does not.
  public var longestLife: Int64?

  /// A stream at this target, to which nothing has to be sent.
  public init(target: String) { self.target = target }
}
