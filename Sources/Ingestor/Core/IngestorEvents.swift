import Domain
import Venues
import Wire

/// One connection of one feed. A feed's later connections have higher numbers; events of an earlier one are too late to matter.
public struct LinkID: Sendable, Hashable {
  /// Which feed, by its place in the configuration.
  public var feed: Int
  /// Which of its connections, from 1.
  public var number: Int

  /// A connection's name.
  public init(feed: Int, number: Int) {
    self.feed = feed
    self.number = number
  }
}

/// A kind of records that the Ingestor writes: when some are lost, it says who has to make up for them.
public enum RecordStream: Sendable, Hashable {
  /// The instruments of all markets.
  case instruments
  /// A feed's book.
  case book(feed: Int)
  /// A feed's trades.
  case trades(feed: Int)
  /// The funding of a feed's perpetual.
  case funding(feed: Int)
}

/// What happens to the Ingestor.
public enum IngestorEvent: Sendable {
  /// The program has started.
  case started
  /// Time passes; comes every 50 ms or so.
  case tick
  /// A page of a market's instrument list, or why there is none.
  case instruments(market: Int, VenueResult)
  /// A stream is open.
  case opened(LinkID)
  /// A frame came; `IngestorCore.receive` takes one that is only lent.
  case frame(LinkID, [UInt8])
  /// A stream ended or could not be opened.
  case closed(LinkID, reason: String)
  /// The answer to the snapshot request `call` of a feed.
  case snapshot(feed: Int, call: Int, VenueResult)
  /// The answer to a question about the funding of a feed's perpetual.
  case funding(feed: Int, FundingQuestion, VenueResult)
  /// Records could not be delivered: whoever follows the topic has a hole.
  case undelivered(RecordStream)
  /// Redis may have forgotten everything.
  case stateForgotten
  /// The program is about to end.
  case stopping
}

/// What the Ingestor wants done. In order.
public enum IngestorEffect: Sendable, Equatable {
  /// Ask for a page of a market's instrument list.
  case requestInstruments(market: Int, VenueRequest)
  /// Open a stream at this target below the base address of the streams.
  case connect(LinkID, target: String)
  /// Send a text frame on a stream.
  case send(LinkID, [UInt8])
  /// Stop reading a stream; what it brings waits in the network.
  case pause(LinkID)
  /// Read a stream again.
  case resume(LinkID)
  /// End a stream; its `closed` is not waited for.
  case disconnect(LinkID)
  /// Ask for a snapshot.
  case requestSnapshot(feed: Int, call: Int, VenueRequest)
  /// Write a record on `instruments`.
  case publishInstrument(Instrument)
  /// Write a record on the feed's book topic.
  case publish(feed: Int, BookRecord)
  /// Write a record on the feed's trade topic.
  case publishTrades(feed: Int, TradeRecord)
  /// Ask for the funding of a feed's perpetual.
  case requestFunding(feed: Int, FundingQuestion, VenueRequest)
  /// Write a record on the feed's funding topic.
  case publishFunding(feed: Int, FundingRecord)
  /// Show the feed to people.
  case show(feed: Int, FeedView)
  /// Tell people.
  case log(IngestorLog)
}

/// What people see of a feed, in Redis.
public struct FeedView: Sendable, Equatable {
  /// The best levels, as a snapshot record.
  public var book: BookRecord
  /// Validity and the best prices, as a status record.
  public var top: BookRecord
  /// How the feed is doing.
  public var health: FeedHealth
}

/// How a feed is doing. The counts never decrease while the program lives.
public struct FeedHealth: Sendable, Hashable {
  /// True while a stream is open.
  public var isConnected = false
  /// Why the book is not valid; nil while it is.
  public var invalidity: BookInvalidity? = .starting
  /// What the book has been through.
  public var counts = BookCounts()
  /// What the trades have been through.
  public var trades = TradeCounts()
  /// Streams opened.
  public var connections = 0
  /// Frames of other kinds, and of other symbols.
  public var ignoredFrames = 0
  /// When the venue was last heard of.
  public var lastHeard = Timestamp.zero

  /// The bytes under `feed:<venue>:<symbol>`.
  public func encoded(venue: Venue, symbol: Symbol) -> [UInt8] {
    JSONWriter.object { writer in
      writer.member("v", 1)
      writer.member("venue", venue)
      writer.member("symbol", symbol.description)
      writer.member("connected", isConnected)
      writer.member("valid", invalidity == nil)
      writer.member("reason", invalidity)
      writer.member("connections", connections)
      writer.member("updates", counts.applied)
      writer.member("gaps", counts.gaps)
      writer.member("resyncs", counts.resyncs)
      writer.member("trades", trades.published)
      writer.member("trade_gaps", trades.gaps)
      writer.member("ignored_frames", ignoredFrames)
      writer.member("last_heard", lastHeard)
    }
  }
}

/// A line for people.
public struct IngestorLog: Sendable, Hashable {
  /// How much it matters.
  public enum Level: Sendable { case info, warning, error }
  /// How much it matters.
  public var level: Level
  /// The venue it is about.
  public var venue: Venue
  /// The symbol it is about, if any.
  public var symbol: Symbol?
  /// The sentence.
  public var message: String
}
