import Crypto
import Domain

/// A venue as a pure state machine: requests, WebSocket messages and the passing of time go in, answers and messages come out. The
/// same events give the same effects, delays included.
public struct Simulation: Sendable {
  /// A client to open an account for.
  public struct Client: Sendable {
    /// What people call it.
    public var name: String
    /// The public part of its credentials.
    public var apiKey: String
    /// What it signs with.
    public var secret: String

    /// A client with its credentials.
    public init(name: String, apiKey: String, secret: String) {
      self.name = name
      self.apiKey = apiKey
      self.secret = secret
    }
  }

  /// What a simulated venue is like.
  public struct Configuration: Sendable {
    /// The markets.
    public var listings: [Exchange.Listing]
    /// Who may trade; each has the same holdings at the start.
    public var clients: [Client]
    /// What each client starts with.
    public var holdings: [(asset: String, amount: Money)]
    /// What clients pay.
    public var fees = Exchange.Fees()
    /// The synthetic crowd.
    public var participants = Participants.Configuration()
    /// How long the answer to an order takes, drawn evenly from this range of nanoseconds. The order is matched when it arrives.
    public var acknowledgementDelayNanoseconds: ClosedRange<Int64> = 10 * Interval.millisecond...100 * Interval.millisecond
    /// How long private events take, drawn evenly from this range of nanoseconds; their order is kept. With zero they come before the
    /// answer to the order, with a range as wide as the acknowledgement's before or after it.
    public var eventDelayNanoseconds: ClosedRange<Int64> = 0...0
    /// Time between two steps of the crowd, in nanoseconds.
    public var stepNanoseconds = 50 * Interval.millisecond
    /// Where all chance comes from.
    public var seed: UInt64 = 1
    /// Orders, trades and updates are numbered from here.
    public var firstID: Int64 = 1

    /// A venue with these markets and clients.
    public init(listings: [Exchange.Listing], clients: [Client], holdings: [(asset: String, amount: Money)]) {
      self.listings = listings
      self.clients = clients
      self.holdings = holdings
    }
  }

  /// What can happen to the simulator.
  public enum Event: Sendable {
    /// A client asks the venue.
    case request(RequestID, WebRequest)
    /// A test asks the control port.
    case control(RequestID, WebRequest)
    /// A client opened a WebSocket.
    case socketOpened(SocketID, path: String, query: String)
    /// A client sent a text message.
    case socketText(SocketID, [UInt8])
    /// A WebSocket has gone.
    case socketClosed(SocketID)
    /// Time passed.
    case tick
  }

  private let configuration: Configuration
  /// The exchange and what belongs to it.
  public private(set) var world: World
  private var face: any VenueFace
  private var control = ControlPort()
  private var nextStep = Timestamp.zero

  /// A venue that speaks the protocol of `face`.
  public init(_ configuration: Configuration, face: any VenueFace) {
    self.configuration = configuration
    self.face = face
    let crowd = configuration.listings.enumerated().map { index, listing in
      Participants(
        market: index, startingPrice: listing.startingPrice, configuration: configuration.participants,
        seed: configuration.seed &+ UInt64(index))
    }
    world = World(
      exchange: Exchange(listings: configuration.listings, fees: configuration.fees, firstID: configuration.firstID),
      openingHoldings: configuration.holdings, eventDelayNanoseconds: configuration.eventDelayNanoseconds,
      generator: SeededGenerator(seed: ~configuration.seed), crowd: crowd)
    world.exchange.keepsRejectedOrders = face.keepsRejectedOrders
    for client in configuration.clients {
      let index = world.exchange.addClient(configuration.holdings)
      world.clients.append(
        ClientAccount(name: client.name, apiKey: client.apiKey, index: index, signer: HMACSHA256(key: client.secret)))
    }
  }

  /// Handles one event. Time never runs backward here, whatever the clock does.
  public mutating func apply(_ event: Event, at now: Timestamp, into effects: inout [Effect]) {
    world.now = max(world.now, now)
    switch event {
    case .request(let id, let request): answer(request, id)
    case .control(let id, let request):
      world.effects.append(.reply(id, control.answer(request, &world), afterNanoseconds: 0))
    case .socketOpened(let id, let path, let query):
      control.opened(id, path: path)
      face.opened(id, path: path, query: query, &world)
    case .socketText(let id, let text): face.received(text, on: id, &world)
    case .socketClosed(let id):
      control.closed(id)
      world.silentUntil[id] = nil
      face.closed(id)
    case .tick: tick()
    }
    publish()
    effects.append(contentsOf: world.effects)
    world.effects.removeAll(keepingCapacity: true)
  }

  private mutating func tick() {
    if world.now >= max(nextStep, world.stillUntil) {
      // A late step is one step: the crowd does not make up for what it slept through.
      nextStep = world.now + configuration.stepNanoseconds
      for market in world.crowd.indices { world.crowd[market].step(&world.exchange, at: world.now) }
      publish()
    }
    world.sendDueEvents()
    face.tick(&world)
  }

  private mutating func publish() {
    let events = world.exchange.takeEvents()
    if !events.isEmpty { face.publish(events, &world) }
  }

  private mutating func answer(_ request: WebRequest, _ id: RequestID) {
    if let fault = world.faults.take(.refuseRequest, request.subject) {
      world.effects.append(.reply(id, fault.reply, afterNanoseconds: 0))
      return
    }
    var reply = face.answer(request, &world)
    var delay: Int64 = 0
    if reply.isAcknowledgement {
      delay = Int64.random(in: configuration.acknowledgementDelayNanoseconds, using: &world.generator)
    }
    if let fault = world.faults.take(.delayReply, request.subject) {
      delay += max(0, fault.nanoseconds)
    }
    if let fault = world.faults.take(.failReply, request.subject) { reply = fault.reply }
    reply.body = world.faults.altered(reply.body, .alterReply, request.subject)
    let isDropped = world.faults.take(.dropReply, request.subject) != nil
    world.effects.append(isDropped ? .drop(id, afterNanoseconds: delay) : .reply(id, reply, afterNanoseconds: delay))
  }
}
