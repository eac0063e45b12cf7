import Domain
import IngestorCore
import Net
import Runtime
import Synchronization
import Traffic
import Venues

/// Streams and requests of the venues: carries out what the core asks for. Answers go into the inbox; what a stream brings is handed over
/// on the spot.
final class VenueNetwork: Sendable {
  private let endpoints: [Venue: VenueEndpoints]
  private let inbox: Inbox
  private let http: HTTPClient
  private let callers: [Venue: VenueCaller]
  private let streams: WebSocketClient
  /// The open or opening stream of each feed.
  private let links = Mutex<[Int: (number: Int, link: WebSocketLink)]>([:])

  init(_ endpoints: [Venue: VenueEndpoints], traffic: TrafficSettings, inbox: Inbox, metrics: Metrics) throws {
    self.endpoints = endpoints
    self.inbox = inbox
    let http = try HTTPClient()
    self.http = http
    callers = endpoints.reduce(into: [:]) { callers, place in
      callers[place.key] = VenueCaller(place.key, at: place.value.rest, over: http, traffic: traffic, metrics: metrics)
    }
    var configuration = WebSocketClient.Configuration()
    // A depth frame of a wild second has some ten thousand levels.
    configuration.maxMessageBytes = 1 << 20
    streams = try WebSocketClient(configuration)
  }

  /// Opens a stream. `receive` is lent each frame and `tell` hears of the rest, both on the streams' thread, which reads nothing while
  /// they work; that a stream could not be begun is told through the inbox.
  func connect(
    _ id: LinkID, to venue: Venue, target: String,
    receive: @escaping @Sendable (UnsafeBufferPointer<UInt8>, EventTime) -> Void,
    tell: @escaping @Sendable (IngestorEvent, EventTime) -> Void
  ) {
    do throws(WebSocketRefusal) {
      let request = WebSocketRequest(address(of: venue).streams.appending(target))
      let link = try streams.connect(request, messages: { _, bytes, time in receive(bytes, time) }) { _, event, time in
        switch event {
        case .opened: tell(.opened(id), time)
        case .text, .binary, .pong: break
        case .closed(let closure):
          let reason = closure.reason.isEmpty ? "" : " (\(closure.reason))"
          tell(.closed(id, reason: "code \(closure.code)\(reason)"), time)
        }
      }
      links.withLock { $0[id.feed] = (id.number, link) }
    } catch {
      inbox.offer(.closed(id, reason: "\(error)"), at: .now())
    }
  }

  /// Stops reading a stream for a while.
  func pause(_ id: LinkID) { link(id)?.pauseReading() }

  /// Reads a stream again.
  func resume(_ id: LinkID) { link(id)?.resumeReading() }

  /// Sends a text frame; a stream that does not take it is about to end, which is told of anyway.
  func send(_ frame: [UInt8], on id: LinkID) {
    let link = link(id)
    do throws(WebSocketRefusal) {
      try link?.send(text: frame)
    } catch {
      link?.close(reason: "\(error)")
    }
  }

  func disconnect(_ id: LinkID) {
    links.withLock { links in
      guard let current = links[id.feed], current.number == id.number else { return }
      current.link.close()
      links[id.feed] = nil
    }
  }

  /// Sends a request for public data as soon as the venue's limits and health allow; `answer` makes an event of its result.
  func send(
    _ request: VenueRequest, to venue: Venue, timeoutMilliseconds: Int = 10_000,
    answer: @escaping @Sendable (VenueResult) -> IngestorEvent
  ) {
    guard let caller = callers[venue] else { preconditionFailure("every venue that is fed is registered and has its addresses") }
    caller.submit(
      request.purpose, weight: request.weight, timeoutMilliseconds: timeoutMilliseconds,
      make: { () throws(VenueCaller.Withdrawal) in request },
      answer: { [inbox] ended in inbox.offer(answer(ended.result), at: ended.finished) })
  }

  /// Time has passed: lets go what waits for the venues' limits.
  func tick() { for caller in callers.values { caller.gate.tick() } }

  private func link(_ id: LinkID) -> WebSocketLink? {
    links.withLock { links in links[id.feed].flatMap { $0.number == id.number ? $0.link : nil } }
  }

  private func address(of venue: Venue) -> VenueEndpoints {
    guard let endpoints = endpoints[venue] else { preconditionFailure("every venue that is fed has its addresses") }
    return endpoints
  }

  func shutDown() {
    streams.shutDown()
    http.shutDown()
  }
}
