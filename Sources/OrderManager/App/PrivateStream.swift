import Domain
import Net
import OrderManagerCore
import Runtime
import Venues

/// The private stream of one account: connects, logs on and subscribes as its venue declares, watches that it lives, and connects
/// again with back-off. Belongs to the shell's thread.
final class PrivateStream {
  /// What happens on a connection.
  enum Event: Sendable {
    case opened
    case pong
    case venue([VenueEvent])
    case unreadable(String)
    case closed(String)
  }

  /// A connection on which nothing has come for so long is dead.
  private static let silence = 30 * Interval.second
  private static let pingEvery = 10 * Interval.second
  /// From `connect` to the answer to the subscription.
  private static let subscribeWithin = 10 * Interval.second

  let route: Route
  /// The subscription stands.
  private(set) var isUp = false
  private let account: any AccountData
  private let plan: StreamPlan
  private let client: WebSocketClient
  private let gateway: VenueGateway
  private let inbox: Inbox
  private let logger: Logger
  private var link: WebSocketLink?
  /// Tells events of this connection from those of earlier ones.
  private var number: UInt64 = 0
  private var begunAt: Int64 = 0
  private var pingedAt: Int64 = 0
  private var beatAt: Int64 = 0
  private var retryAt: Int64 = 0
  private var backoff = Backoff(initialMilliseconds: 200, maximumMilliseconds: 10_000)
  private var generator: SeededGenerator

  init(
    _ route: Route, _ account: VenueAccount, client: WebSocketClient, gateway: VenueGateway, inbox: Inbox,
    logger: Logger
  ) {
    self.route = route
    self.account = account.declaration
    plan = account.declaration.privateStream
    self.client = client
    self.gateway = gateway
    self.inbox = inbox
    self.logger = logger
    generator = SeededGenerator(seed: UInt64(bitPattern: monotonicNanoseconds()))
  }

  /// Connects when it is time to, and ends a connection that is dead.
  func keepUp() -> OrderManagerEvent? {
    let now = monotonicNanoseconds()
    guard let link else {
      if now >= retryAt { connect(at: now) }
      return nil
    }
    let isLate = !isUp && now - begunAt > Self.subscribeWithin
    if isLate || (isUp && now - link.lastActivityNanoseconds > Self.silence) {
      // What it still says has an old number: it is not waited for.
      link.close(reason: isLate ? "no subscription in time" : "silent")
      number += 1
      logger.warning("private stream is down: \(isLate ? "no subscription" : "silent")", ["route": .string("\(route)")])
      return ended()
    }
    guard isUp else { return nil }
    if now - pingedAt > Self.pingEvery {
      pingedAt = now
      try? link.ping()  // A refusal means that the connection has ended, which is told of anyway.
    }
    if let heartbeat = plan.heartbeat, now - beatAt > heartbeat.interval {
      beatAt = now
      send([heartbeat.frame])
    }
    return nil
  }

  /// Takes an event of connection `number`; what the core is to hear, in order.
  func take(_ event: Event, number: UInt64) -> [OrderManagerEvent] {
    guard number == self.number else { return [] }
    switch event {
    case .opened:
      send(account.greeting(requestID: "greeting-\(number)", at: gateway.time(at: route.venue)))
      return []
    case .venue(let events): return events.compactMap(take)
    case .pong: return []
    case .unreadable(let reason):
      logger.warning("unreadable event on the private stream: \(reason)", ["route": .string("\(route)")])
      return []
    case .closed(let reason):
      logger.warning("private stream is down: \(reason)", ["route": .string("\(route)")])
      return ended().map { [$0] } ?? []
    }
  }

  private func take(_ event: VenueEvent) -> OrderManagerEvent? {
    switch event {
    case .authenticated:
      send(account.subscription(requestID: "subscription-\(number)"))
      return nil
    case .subscribed:
      logger.info("private stream is up", ["route": .string("\(route)")])
      isUp = true
      backoff.reset()
      return .connected(route, true)
    case .refused(_, let failure):
      logger.error("private stream refused: \(failure)", ["route": .string("\(route)")])
      link?.close(reason: "refused")
      return nil
    case .ended(let reason):
      link?.close(reason: reason)
      return nil
    case .order, .balances, .balanceChange, .ignored: return .stream(route, event)
    }
  }

  func close() {
    number += 1
    link?.close()
    link = nil
    isUp = false
  }

  private func connect(at now: Int64) {
    number += 1
    begunAt = now
    pingedAt = now
    beatAt = now
    let inbox = inbox
    let route = route
    let number = number
    let account = account
    guard let address = gateway.endpoints[route.venue]?.privateStreams else {
      preconditionFailure("a venue that is traded has its addresses")
    }
    do throws(WebSocketRefusal) {
      let url = address.appending(plan.target)
      link = try client.connect(WebSocketRequest(url)) { link, event, _ in
        // An event that does not fit ends the connection: what was missed is then looked up.
        if !inbox.offer(.stream(route, number: number, Event(event, of: account))) { link.close(reason: "inbox full") }
      }
    } catch {
      logger.warning("private stream: \(error)", ["route": .string("\(route)")])
      _ = ended()
    }
  }

  private func send(_ frames: [[UInt8]]) {
    do throws(WebSocketRefusal) {
      for frame in frames { try link?.send(text: frame) }
    } catch {
      link?.close(reason: "\(error)")
    }
  }

  private func ended() -> OrderManagerEvent? {
    link = nil
    retryAt = monotonicNanoseconds() + Int64(backoff.nextDelayMilliseconds(using: &generator)) * Interval.millisecond
    guard isUp else { return nil }
    isUp = false
    return .connected(route, false)
  }
}

extension PrivateStream.Event {
  init(_ event: WebSocketEvent, of account: any AccountData) {
    switch event {
    case .opened: self = .opened
    case .text(let bytes), .binary(let bytes):
      do throws(ReplyError) {
        self = .venue(try account.events(bytes))
      } catch {
        self = .unreadable("\(error)")
      }
    case .pong: self = .pong
    case .closed(let closure): self = .closed("code \(closure.code) \(closure.reason)")
    }
  }
}
