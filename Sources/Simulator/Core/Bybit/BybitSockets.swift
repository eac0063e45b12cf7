import Domain
import Wire

/// One client's WebSocket.
struct BybitSocket: VenueSocket {
  /// Where it was opened.
  enum Channel: Hashable, Sendable {
    case market(BybitCategory)
    case account

    init?(path: String) {
      if path == "/v5/private" {
        self = .account
      } else if path.hasPrefix("/v5/public/"), let category = BybitCategory(rawValue: String(path.dropFirst(11))) {
        self = .market(category)
      } else {
        return nil
      }
    }
  }

  let id: SocketID
  let channel: Channel
  /// What the venue calls the connection.
  let connection: String
  /// Public streams with their category before them, such as `spot/orderbook.50.BTCUSDT`; private topics as they are.
  var streams: [String] = []
  /// Who has authenticated on it.
  var client: ClientAccount?
  /// When the client was heard last.
  var heard: Timestamp

  func framed(_ message: [UInt8], of stream: String) -> [UInt8] { message }
}

extension BybitFace {
  /// Topics that a public subscription may name in one message of the spot market.
  private static let maximumSpotTopics = 10
  /// A connection whose client says nothing for this long is closed.
  private static let idleNanoseconds = 10 * Interval.minute

  /// Public streams of each category, and the private streams.
  public func hasWebSocket(at path: String) -> Bool { BybitSocket.Channel(path: path) != nil }

  /// Waits for subscriptions.
  public mutating func opened(_ id: SocketID, path: String, query: String, _ world: inout World) {
    guard let channel = BybitSocket.Channel(path: path) else { return }
    sockets.add(BybitSocket(id: id, channel: channel, connection: world.randomID(length: 20), heard: world.now))
  }

  /// Forgets the socket and its subscriptions.
  public mutating func closed(_ id: SocketID) { sockets.remove(id) }

  mutating func closeIdleSockets(_ world: inout World) {
    for socket in sockets.open where world.now - socket.heard > Self.idleNanoseconds {
      world.close(socket.id, code: 1000, reason: "idle")
      sockets.remove(socket.id)
    }
  }

  /// A ping, an authentication or a subscription.
  public mutating func received(_ text: [UInt8], on id: SocketID, _ world: inout World) {
    sockets.with(id) { $0.heard = world.now }
    guard let socket = sockets.open.first(where: { $0.id == id }) else { return }
    let request = try? JSON.parse(text)
    switch request?["op"]?.string {
    case "ping": world.send(pong(request, socket, world), to: id)
    case "auth" where socket.channel == .account: authenticate(request, socket, &world)
    case "subscribe": subscribe(request, socket, &world)
    case "unsubscribe":
      let topics = Self.topics(request).map { Self.stream($0, socket) }
      sockets.with(id) { socket in socket.streams.removeAll { topics.contains($0) } }
      acknowledge(request, socket, &world)
    default: refuse("error:unknown op", request, socket, &world)
    }
  }

  /// Names as the client sent them.
  private static func topics(_ request: JSON?) -> [String] { request?["args"]?.array?.compactMap(\.string) ?? [] }

  private static func stream(_ topic: String, _ socket: BybitSocket) -> String {
    if case .market(let category) = socket.channel { "\(category.rawValue)/\(topic)" } else { topic }
  }

  // MARK: Answers

  /// The form differs by channel.
  private func pong(_ request: JSON?, _ socket: BybitSocket, _ world: World) -> [UInt8] {
    let now = String(world.clock.milliseconds)
    return JSONWriter.object { json in
      if case .market = socket.channel {
        json.member("success", true)
        json.member("ret_msg", "pong")
        json.member("conn_id", socket.connection)
        json.member("req_id", request?["req_id"]?.string ?? "")
        json.member("op", "ping")
      } else {
        json.member("req_id", request?["req_id"]?.string)
        json.member("op", "pong")
        json.name("args")
        json.strings([now])
        json.member("conn_id", socket.connection)
      }
    }
  }

  private func reply(
    success: Bool, _ message: String, _ request: JSON?, _ socket: BybitSocket, _ world: inout World
  ) {
    world.send(
      JSONWriter.object { json in
        json.member("success", success)
        json.member("ret_msg", message)
        json.member("conn_id", socket.connection)
        json.member("req_id", request?["req_id"]?.string)
        json.member("op", request?["op"]?.string ?? "")
      }, to: socket.id)
  }

  /// What a success says differs by operation and channel; clients look at `success`.
  private func acknowledge(_ request: JSON?, _ socket: BybitSocket, _ world: inout World) {
    let isTold = request?["op"]?.string == "subscribe" && socket.channel != .market(.linear)
    reply(success: true, isTold ? "subscribe" : "", request, socket, &world)
  }

  private func refuse(_ message: String, _ request: JSON?, _ socket: BybitSocket, _ world: inout World) {
    reply(success: false, message, request, socket, &world)
  }

  // MARK: Authentication and subscription

  private mutating func authenticate(_ request: JSON?, _ socket: BybitSocket, _ world: inout World) {
    let arguments = request?["args"]?.array ?? []
    guard arguments.count == 3, let key = arguments[0].string, let expires = arguments[1].integer,
      let signature = arguments[2].string
    else { return refuse("Params Error", request, socket, &world) }
    guard let client = BybitSecurity.authenticate(key: key, expires: expires, signature: signature, world) else {
      return refuse("Auth failed: check the API key, its signature and the expiry", request, socket, &world)
    }
    sockets.with(socket.id) { $0.client = client }
    reply(success: true, "", request, socket, &world)
  }

  /// All topics of a request are taken, or none.
  private mutating func subscribe(_ request: JSON?, _ socket: BybitSocket, _ world: inout World) {
    let topics = Self.topics(request)
    guard !topics.isEmpty else { return refuse("error:args is empty", request, socket, &world) }
    if socket.channel == .account, socket.client == nil {
      return refuse("Request not authorized", request, socket, &world)
    }
    if socket.channel == .market(.spot), topics.count > Self.maximumSpotTopics {
      return refuse("args size >10", request, socket, &world)
    }
    for topic in topics {
      guard isOffered(topic, socket.channel, world) else {
        return refuse("error:handler not found,topic:\(topic)", request, socket, &world)
      }
      guard !socket.streams.contains(Self.stream(topic, socket)) else {
        return refuse("error:already subscribed,topic:\(topic)", request, socket, &world)
      }
    }
    acknowledge(request, socket, &world)
    for topic in topics {
      // What follows is told from here on; books and tickers start with how they stand.
      sendSnapshot(of: topic, socket, &world)
      sockets.with(socket.id) { $0.streams.append(Self.stream(topic, $0)) }
    }
  }

  private func isOffered(_ topic: String, _ channel: BybitSocket.Channel, _ world: World) -> Bool {
    switch channel {
    case .account: BybitPrivateTopic(topic) != nil
    case .market(let category): BybitPublicTopic(topic, category, world.exchange) != nil
    }
  }

  private mutating func sendSnapshot(of topic: String, _ socket: BybitSocket, _ world: inout World) {
    guard case .market(let category) = socket.channel else { return }
    switch BybitPublicTopic(topic, category, world.exchange) {
    case .orderBook(let market, let depth): world.send(books.snapshot(market, depth, sockets, world), to: socket.id)
    case .ticker(let market): world.send(tickers.snapshot(market, world), to: socket.id)
    case .trades, nil: break
    }
  }
}

/// What a public subscription names.
enum BybitPublicTopic: Equatable {
  case orderBook(market: Int, depth: Int)
  case trades(market: Int)
  case ticker(market: Int)

  /// Nil for anything that the category does not offer.
  init?(_ topic: String, _ category: BybitCategory, _ exchange: Exchange) {
    let parts = topic.split(separator: ".", omittingEmptySubsequences: false)
    let found = exchange.markets.firstIndex { category.lists($0) && $0.instrument.venueSymbol == parts[parts.count - 1] }
    guard let market = found else { return nil }
    switch (parts.first, parts.count) {
    case ("orderbook", 3):
      guard let depth = BybitOrderBooks.depths.first(where: { String($0.levels) == parts[1] }) else { return nil }
      self = .orderBook(market: market, depth: depth.levels)
    case ("publicTrade", 2): self = .trades(market: market)
    case ("tickers", 2): self = .ticker(market: market)
    default: return nil
    }
  }
}
