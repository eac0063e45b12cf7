import Crypto
import Domain

/// A venue's protocol on top of the exchange. A new venue is one more type of this kind, in a folder of its own.
public protocol VenueFace: Sendable {
  /// True when an order that the engine refuses after the venue has accepted it stays in the account's history.
  var keepsRejectedOrders: Bool { get }
  /// True when the venue has a WebSocket at this path.
  func hasWebSocket(at path: String) -> Bool
  /// Answers one request.
  mutating func answer(_ request: WebRequest, _ world: inout World) -> WebReply
  /// A client opened a WebSocket.
  mutating func opened(_ socket: SocketID, path: String, query: String, _ world: inout World)
  /// A client sent a text message.
  mutating func received(_ text: [UInt8], on socket: SocketID, _ world: inout World)
  /// A WebSocket has gone, whoever ended it.
  mutating func closed(_ socket: SocketID)
  /// Things happened in the exchange.
  mutating func publish(_ events: [ExchangeEvent], _ world: inout World)
  /// Time passed: for what goes out at intervals.
  mutating func tick(_ world: inout World)
}

/// A client with a key of its own.
public struct ClientAccount: Sendable {
  /// What people call it.
  public let name: String
  /// The public part of its credentials.
  public let apiKey: String
  /// Its index in the exchange.
  public let index: Int
  let signer: HMACSHA256

  /// True when `signature` is the client's own over `payload`, in either case of hexadecimal letters.
  func hasSigned(_ payload: String, _ signature: String) -> Bool {
    Hex.decode(signature).map { constantTimeEquals($0, signer.signature(of: payload).bytes) } ?? false
  }
}

/// What a venue's face works on: the exchange with its crowd and clients, the faults, chance and the time.
public struct World: Sendable {
  /// The markets and accounts.
  public internal(set) var exchange: Exchange
  /// The clients, in the order of their accounts.
  public internal(set) var clients: [ClientAccount] = []
  /// Faults that wait for their moment.
  public internal(set) var faults = FaultList()
  /// The time of the event being handled.
  public internal(set) var now = Timestamp.zero
  /// What is to be done.
  var effects: [Effect] = []
  /// How far the venue's clock is from the true one.
  var clockSkewNanoseconds: Int64 = 0
  /// The crowd does nothing until then.
  var stillUntil = Timestamp.zero
  /// WebSockets that say nothing until then.
  var silentUntil: [SocketID: Timestamp] = [:]
  /// Accounts, by index, that may look and not trade.
  var restricted: Set<Int> = []
  /// Orders that cannot be found until then, by number.
  var forgottenUntil: [Int64: Timestamp] = [:]
  /// Private events on their way, in the order in which they arrive.
  var eventsOnTheirWay: [(due: Timestamp, socket: SocketID, message: [UInt8])] = []
  /// What each client had at the start.
  let openingHoldings: [(asset: String, amount: Money)]
  let eventDelayNanoseconds: ClosedRange<Int64>
  var generator: SeededGenerator
  var crowd: [Participants]

  /// The venue's spelling of a market.
  func symbol(_ market: Int) -> String { exchange.markets[market].instrument.venueSymbol }

  /// The client that owns a key.
  func client(withKey apiKey: String) -> ClientAccount? { clients.first { $0.apiKey == apiKey } }

  /// What the venue's clock shows.
  var clock: Timestamp { now + clockSkewNanoseconds }

  /// True unless a fault has made the venue forget the order for a while.
  mutating func canFind(_ order: VenueOrder) -> Bool { canFind(order.id, named: order.request.clientOrderID) }

  /// True unless a fault has made the venue forget the order for a while.
  mutating func canFind(_ id: Int64, named clientOrderID: String) -> Bool {
    if let fault = faults.take(.forgetOrder, clientOrderID) { forgottenUntil[id] = now + fault.nanoseconds }
    guard let until = forgottenUntil[id] else { return true }
    if now >= until { forgottenUntil[id] = nil }
    return now >= until
  }

  /// Takes a client's order; the makers get out of its way first when the market is configured to slip.
  mutating func place(_ order: NewOrder, numbered id: Int64? = nil) throws(OrderRejection) -> Int64 {
    if order.kind != .postOnly { crowd[order.market].withdraw(before: order.side, &exchange, at: now) }
    return try exchange.place(order, numbered: id, at: now)
  }

  mutating func send(_ message: [UInt8], to socket: SocketID) {
    if let until = silentUntil[socket], now < until { return }
    effects.append(.send(socket, message))
  }

  /// Sends a private event, after a while when the venue is configured so. Time is rounded up to the next tick.
  mutating func sendEvent(_ message: [UInt8], to socket: SocketID) {
    guard eventDelayNanoseconds.upperBound > 0 else { return send(message, to: socket) }
    let due = now + Int64.random(in: eventDelayNanoseconds, using: &generator)
    eventsOnTheirWay.append((max(due, eventsOnTheirWay.last?.due ?? due), socket, message))
  }

  /// A private event as often as it is to go out, and as the faults change it.
  mutating func copies(ofEvent name: String, _ message: [UInt8]) -> [[UInt8]] {
    let message = faults.altered(message, .alterEvent, name)
    return Array(repeating: message, count: faults.copies(ofPrivate: name))
  }

  /// Sends the private events whose time has come.
  mutating func sendDueEvents() {
    let due = eventsOnTheirWay.prefix { $0.due <= now }
    for event in due { send(event.message, to: event.socket) }
    eventsOnTheirWay.removeFirst(due.count)
  }

  mutating func close(_ socket: SocketID, code: UInt16, reason: String) {
    effects.append(.close(socket, code: code, reason: reason))
  }

  /// An id as venues make them up: letters and digits.
  mutating func randomID(length: Int) -> String {
    let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
    return String(
      decoding: (0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }, as: UTF8.self)
  }
}
