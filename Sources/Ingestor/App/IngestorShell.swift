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
  private let topics: [String]
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
    topics = settings.feeds.map { Topic.book(venue: $0.market.venue, symbol: $0.symbol) }
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
      for feed in outlet.takeHoles() { apply(.undelivered(feed: feed), at: Moment(now)) }
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
    case .connect(let link, let target):
      network.connect(link, to: settings.feeds[link.feed].market.venue, target: target)
    case .send(let link, let frame): network.send(frame, on: link)
    case .disconnect(let link): network.disconnect(link)
    case .publishInstrument(let instrument):
      outlet.put(
        .init(topic: Topic.instruments, key: instrument.key, value: instrument.encoded(), headers: RecordHeaders(), feed: nil))
    case .publish(let feed, let record):
      boundary("ingestor.record.decided")
      writer.removeAll()
      record.encode(into: &writer)
      outlet.put(
        .init(
          topic: topics[feed], key: record.symbol.description, value: writer.bytes,
          headers: RecordHeaders().adding("ingestor.in", moment.wall), feed: feed))
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
    let valid, connected, updates, gaps, resyncs, connections, ignored: Gauge

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
      health.set(series.name, feed.invalidity.map { .unhealthy($0.rawValue) } ?? .healthy)
    }
  }
}
