import Domain
import IngestorCore
import Kafka
import Net
import Redis
import Runtime
import Venues
import Wire

/// The core's thread: takes events from the inbox, lets the core decide, carries out what it wants.
final class IngestorShell: Sendable {
  /// State in Redis goes away by itself when nobody has written it for this long.
  private static let expirySeconds = 5
  private static let tickMilliseconds = 50

  private let settings: IngestorSettings
  private let network: VenueNetwork
  private let outlet: RecordOutlet
  private let redis: RedisWriter
  private let inbox: Inbox
  private let logger: Logger
  /// Of each feed, with its key.
  private let topics: [FeedTopics]
  private let gauges: FeedGauges

  init(
    _ settings: IngestorSettings, network: VenueNetwork, outlet: RecordOutlet, redis: RedisWriter, inbox: Inbox, health: Health,
    metrics: Metrics, logger: Logger
  ) {
    self.settings = settings
    self.network = network
    self.outlet = outlet
    self.redis = redis
    self.inbox = inbox
    self.logger = logger
    topics = settings.feeds.map(FeedTopics.init)
    gauges = FeedGauges(settings.feeds, inbox: inbox, health: health, metrics: metrics)
  }

  func run(until stop: Latch) throws {
    var core = IngestorCore(
      settings, seed: UInt64(bitPattern: monotonicNanoseconds()) ^ UInt64(bitPattern: wallClock().nanoseconds))
    var effects: [IngestorEffect] = []
    var writer = JSONWriter(capacity: 4_096)
    func apply(_ event: IngestorEvent, at moment: Moment) {
      core.apply(event, at: moment, into: &effects)
      for effect in effects { carryOut(effect, at: moment, &writer) }
      effects.removeAll(keepingCapacity: true)
    }
    apply(.started, at: Moment(.now()))
    var nextTick = monotonicNanoseconds()
    while !stop.isSet {
      for (event, moment) in inbox.take(timeoutMilliseconds: Self.tickMilliseconds) { apply(event, at: moment) }
      let now = EventTime.now()
      guard now.monotonicNanoseconds >= nextTick else { continue }
      nextTick = now.monotonicNanoseconds + Int64(Self.tickMilliseconds) * Interval.millisecond
      for stream in outlet.takeHoles() { apply(.undelivered(stream), at: Moment(now)) }
      network.tick()
      apply(.tick, at: Moment(now))
      gauges.update(core.health)
      if inbox.droppedEvents.value > 0 { throw InboxOverflow() }
    }
    apply(.stopping, at: Moment(.now()))
  }

  private func carryOut(_ effect: IngestorEffect, at moment: Moment, _ writer: inout JSONWriter) {
    switch effect {
    case .requestInstruments(let market, let request):
      network.send(request, to: settings.markets[market].venue) { .instruments(market: market, $0) }
    case .requestSnapshot(let feed, let call, let request):
      network.send(request, to: settings.feeds[feed].market.venue, timeoutMilliseconds: 5_000) {
        .snapshot(feed: feed, call: call, $0)
      }
    case .requestFunding(let feed, let question, let request):
      network.send(request, to: settings.feeds[feed].market.venue) { .funding(feed: feed, question, $0) }
    case .connect(let link, let target):
      network.connect(link, to: settings.feeds[link.feed].market.venue, target: target)
    case .send(let link, let frame): network.send(frame, on: link)
    case .disconnect(let link): network.disconnect(link)
    case .publishInstrument(let instrument):
      outlet.put(
        .init(.instruments, topic: Topic.instruments, key: instrument.key, value: instrument.encoded(), headers: RecordHeaders()))
    case .publish(let feed, let record):
      boundary("ingestor.record.decided")
      writer.removeAll()
      record.encode(into: &writer)
      put(writer.bytes, .book(feed: feed), on: topics[feed].book, at: moment)
    case .publishTrades(let feed, let record):
      put(record.encoded(), .trades(feed: feed), on: topics[feed].trades, at: moment)
    case .publishFunding(let feed, let record):
      put(record.encoded(), .funding(feed: feed), on: topics[feed].funding, at: moment)
    case .show(let feed, let view): show(view, settings.feeds[feed])
    case .log(let log): say(log)
    }
  }

  private func put(_ value: [UInt8], _ stream: RecordStream, on topic: FeedTopics.Place, at moment: Moment) {
    let headers = RecordHeaders().adding("ingestor.in", moment.wall)
    outlet.put(.init(stream, topic: topic.name, key: topic.key, value: value, headers: headers))
  }

  private func show(_ view: FeedView, _ feed: FeedPlace) {
    let venue = feed.market.venue
    let values = [
      ("book", view.book.encoded()), ("top", view.top.encoded()),
      ("feed", view.health.encoded(venue: venue, symbol: feed.symbol)),
    ]
    for (kind, value) in values {
      let key = "\(kind):\(venue):\(feed.symbol)"
      redis.write(key, .set(key, value, expiresInSeconds: Self.expirySeconds))
    }
  }

  private func say(_ log: IngestorLog) {
    let level: LogLevel =
      switch log.level {
      case .info: .info
      case .warning: .warning
      case .error: .error
      }
    if let symbol = log.symbol {
      logger.log(level, log.message, ["venue": .string(log.venue.text), "symbol": .string(symbol.description)])
    } else {
      logger.log(level, log.message, ["venue": .string(log.venue.text)])
    }
  }
}

/// Where a feed's records go.
struct FeedTopics: Sendable {
  struct Place: Sendable {
    let name: String
    let key: String
  }

  let book, trades, funding: Place
  /// How they are created.
  let layouts: [Topic.Layout]

  init(_ feed: FeedPlace) {
    let (venue, symbol) = (feed.market.venue, feed.symbol)
    func place(_ name: String) -> Place { Place(name: name, key: symbol.description) }
    book = place(Topic.book(venue: venue, symbol: symbol))
    trades = place(Topic.trades(venue: venue, symbol: symbol))
    funding = place(Topic.funding(venue: venue, symbol: symbol))
    let hasFunding = feed.market.declaration.funding != nil
    layouts =
      [Topic.bookLayout(venue: venue, symbol: symbol), Topic.tradesLayout(venue: venue, symbol: symbol)]
      + (hasFunding ? [Topic.fundingLayout(venue: venue, symbol: symbol)] : [])
  }
}

/// More happened than could be remembered: only a fresh start knows what is true.
private struct InboxOverflow: Error, CustomStringConvertible {
  let description = "events were lost because the inbox was full"
}

/// Shows how the feeds are doing in `/healthz` and `/metrics`.
private struct FeedGauges: Sendable {
  private struct Series: Sendable {
    let name: String
    let valid, connected, updates, gaps, resyncs, connections, ignored, trades, tradeGaps, repeatedTrades, unknown: Gauge

    init(_ feed: FeedPlace, _ metrics: Metrics) {
      let labels: KeyValuePairs = ["venue": feed.market.venue.text, "symbol": feed.symbol.description]
      name = "book \(feed.market.venue) \(feed.symbol)"
      func gauge(_ name: String, _ help: String) -> Gauge {
        metrics.gauge("apus_feed_\(name)", help: help, labels: labels)
      }
      valid = gauge("valid", "1 while the book may be used")
      connected = gauge("connected", "1 while a stream is open")
      updates = gauge("updates", "Steps applied since the start")
      gaps = gauge("gaps", "Breaks noticed since the start")
      resyncs = gauge("resyncs", "Times the book became valid again since the start")
      connections = gauge("connections", "Streams opened since the start")
      ignored = gauge("ignored_frames", "Frames of other kinds since the start")
      trades = gauge("trades", "Trades published since the start")
      tradeGaps = gauge("trade_gaps", "Places at which trades may be missing since the start")
      repeatedTrades = gauge("repeated_trades", "Trades dropped because they came before since the start")
      unknown = gauge("unknown_fields", "Fields and words of trades that are not known since the start")
    }
  }

  private let series: [Series]
  private let health: Health

  init(_ feeds: [FeedPlace], inbox: Inbox, health: Health, metrics: Metrics) {
    series = feeds.map { Series($0, metrics) }
    self.health = health
    metrics.gauge("apus_inbox_dropped_frames", help: "Frames dropped because the inbox was full") { inbox.droppedFrames.value }
  }

  func update(_ feeds: [FeedHealth]) {
    for (series, feed) in zip(series, feeds) {
      series.valid.set(feed.invalidity == nil ? 1 : 0)
      series.connected.set(feed.isConnected ? 1 : 0)
      series.updates.set(Int64(feed.counts.applied))
      series.gaps.set(Int64(feed.counts.gaps))
      series.resyncs.set(Int64(feed.counts.resyncs))
      series.connections.set(Int64(feed.connections))
      series.ignored.set(Int64(feed.ignoredFrames))
      series.trades.set(Int64(feed.trades.published))
      series.tradeGaps.set(Int64(feed.trades.gaps))
      series.repeatedTrades.set(Int64(feed.trades.repeated))
      series.unknown.set(Int64(feed.trades.unknown))
      health.set(series.name, feed.invalidity.map { .unhealthy($0.rawValue) } ?? .healthy)
    }
  }
}
