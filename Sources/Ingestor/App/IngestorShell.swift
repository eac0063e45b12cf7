import Domain
import IngestorCore
import Net
import Redis
import Runtime
import Synchronization
import Venues
import Wire

/// The core behind a lock. Whoever has news, a stream's thread or that of the ticks, lets the core decide and carries out what it wants
/// before the next one does. So a frame waits in no queue, and who floods us is not read faster than its records are taken.
final class IngestorShell: Sendable {
  /// State in Redis goes away by itself when nobody has written it for this long.
  private static let expirySeconds = 5
  private static let tickMilliseconds = 50

  /// What the lock protects: the core and the memory that its work uses again and again.
  private struct Desk {
    var core: IngestorCore
    var effects: [IngestorEffect] = []
    var writer = JSONWriter(capacity: 4_096)
  }

  private let settings: IngestorSettings
  private let desk: Mutex<Desk>
  private let network: VenueNetwork
  private let outlet: RecordOutlet
  private let redis: RedisWriter
  private let inbox: Inbox
  private let logger: Logger
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
    let seed = UInt64(bitPattern: monotonicNanoseconds()) ^ UInt64(bitPattern: wallClock().nanoseconds)
    desk = Mutex(Desk(core: IngestorCore(settings, seed: seed)))
    gauges = FeedGauges(settings.feeds, health: health, metrics: metrics)
  }

  /// The thread of the ticks and of whatever comes through the inbox.
  func run(until stop: Latch) throws {
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
      gauges.update(desk.withLock { $0.core.health })
      if inbox.droppedEvents.value > 0 { throw InboxOverflow() }
    }
    apply(.stopping, at: Moment(.now()))
  }

  private func apply(_ event: IngestorEvent, at moment: Moment) {
    desk.withLock { desk in
      desk.core.apply(event, at: moment, into: &desk.effects)
      carryOut(&desk, at: moment)
    }
  }

  /// A frame, on its stream's thread.
  private func receive(_ frame: UnsafeBufferPointer<UInt8>, on link: LinkID, at moment: Moment) {
    desk.withLock { desk in
      desk.core.receive(frame, on: link, at: moment, into: &desk.effects)
      carryOut(&desk, at: moment)
    }
  }

  private func carryOut(_ desk: inout Desk, at moment: Moment) {
    for effect in desk.effects { carryOut(effect, at: moment, &desk.writer) }
    desk.effects.removeAll(keepingCapacity: true)
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
      network.connect(
        link, to: settings.feeds[link.feed].market.venue, target: target,
        receive: { [self] frame, time in receive(frame, on: link, at: Moment(time)) },
        tell: { [self] event, time in apply(event, at: Moment(time)) })
    case .send(let link, let frame): network.send(frame, on: link)
    case .pause(let link): network.pause(link)
    case .resume(let link): network.resume(link)
    case .disconnect(let link): network.disconnect(link)
    case .publishInstrument(let instrument): outlet.put(instrument)
    case .publish(let feed, let record):
      boundary("ingestor.record.decided")
      writer.removeAll()
      record.encode(into: &writer)
      outlet.put(writer.bytes, .book(feed: feed), heard: moment.wall)
    case .publishTrades(let feed, let record): outlet.put(record.encoded(), .trades(feed: feed), heard: moment.wall)
    case .publishFunding(let feed, let record): outlet.put(record.encoded(), .funding(feed: feed), heard: moment.wall)
    case .show(let feed, let view): show(view, settings.feeds[feed])
    case .log(let log): say(log)
    }
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

  init(_ feeds: [FeedPlace], health: Health, metrics: Metrics) {
    series = feeds.map { Series($0, metrics) }
    self.health = health
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
