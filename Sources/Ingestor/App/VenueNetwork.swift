import Domain
import IngestorCore
import Net
import Runtime
import Synchronization
import Venues

/// Streams and requests of the venues: carries out what the core asks for and puts what comes of it into the inbox.
final class VenueNetwork: Sendable {
  private let endpoints: [Venue: VenueEndpoints]
  private let inbox: Inbox
  private let http: HTTPClient
  private let streams: WebSocketClient
  /// The open or opening stream of each feed.
  private let links = Mutex<[Int: (number: Int, link: WebSocketLink)]>([:])

  init(_ endpoints: [Venue: VenueEndpoints], inbox: Inbox) throws {
    self.endpoints = endpoints
    self.inbox = inbox
    http = try HTTPClient()
    var configuration = WebSocketClient.Configuration()
    // A depth frame of a wild second has some ten thousand levels.
    configuration.maxMessageBytes = 1 << 20
    streams = try WebSocketClient(configuration)
  }

  func connect(_ id: LinkID, to venue: Venue, target: String) {
    let inbox = inbox
    do throws(WebSocketRefusal) {
      let link = try streams.connect(WebSocketRequest(address(of: venue).streams.appending(target))) { _, event, time in
        switch event {
        case .opened: inbox.offer(.opened(id), at: time)
        case .text(let bytes), .binary(let bytes): inbox.offer(.frame(id, bytes), at: time)
        case .pong: break
        case .closed(let closure):
          let reason = closure.reason.isEmpty ? "" : " (\(closure.reason))"
          inbox.offer(.closed(id, reason: "code \(closure.code)\(reason)"), at: time)
        }
      }
      links.withLock { $0[id.feed] = (id.number, link) }
    } catch {
      inbox.offer(.closed(id, reason: "\(error)"), at: .now())
    }
  }

  /// Sends a text frame; a stream that does not take it is about to end, which is told of anyway.
  func send(_ frame: [UInt8], on id: LinkID) {
    let link = links.withLock { links in links[id.feed].flatMap { $0.number == id.number ? $0.link : nil } }
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

  /// Sends a request for public data; `answer` makes an event of its result.
  func send(
    _ request: VenueRequest, to venue: Venue, timeoutMilliseconds: Int = 10_000,
    answer: @escaping @Sendable (VenueResult) -> IngestorEvent
  ) {
    let inbox = inbox
    let url = address(of: venue).rest.appending(request.target)
    do throws(HTTPRefusal) {
      try http.submit(HTTPRequest(.get, url, timeoutMilliseconds: timeoutMilliseconds)) { completion in
        inbox.offer(answer(VenueResult(completion.outcome)), at: completion.finished)
      }
    } catch {
      inbox.offer(answer(.notSent(reason: "\(error)")), at: .now())
    }
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

extension VenueResult {
  /// The transport's outcome in the venues' terms.
  init(_ outcome: HTTPOutcome) {
    switch outcome {
    case .response(let response):
      self = .reply(VenueReply(status: response.status, retryAfter: response.headers["retry-after"], body: response.body))
    case .notSent(let failure): self = .notSent(reason: "\(failure.reason): \(failure.detail)")
    case .maybeSent(let failure): self = .maybeSent(reason: "\(failure.reason): \(failure.detail)")
    }
  }
}
