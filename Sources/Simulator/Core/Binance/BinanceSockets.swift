import Domain
import Wire

/// One client's WebSocket.
struct BinanceSocket: VenueSocket {
  /// Streams of one connection.
  static let maximumStreams = 1_024
  /// Messages from a client in one second on the stream port.
  static let maximumMessagesPerSecond = 5

  let id: SocketID
  /// True on `/ws-api/v3`, where requests are answered; false where market streams are pushed.
  let isAPI: Bool
  /// Messages are wrapped with the stream's name.
  var isCombined: Bool
  /// Names of the streams, in the order of subscription.
  var streams: [String] = []
  /// User data: the subscription's number and whose it is.
  var subscriptions: [(id: Int64, client: ClientAccount)] = []
  var nextSubscription: Int64 = 0
  /// Messages in this second.
  var messages = CountingWindow()

  func framed(_ message: [UInt8], of stream: String) -> [UInt8] {
    isCombined ? Array("{\"stream\":\"\(stream)\",\"data\":".utf8) + message + [UInt8(ascii: "}")] : message
  }
}

extension BinanceFace {
  /// Market streams and the WebSocket API.
  public func hasWebSocket(at path: String) -> Bool {
    path == "/ws" || path.hasPrefix("/ws/") || path == "/stream" || path == "/ws-api/v3"
  }

  /// Takes the streams that the address names.
  public mutating func opened(_ id: SocketID, path: String, query: String, _ world: inout World) {
    var socket = BinanceSocket(id: id, isAPI: path == "/ws-api/v3", isCombined: path == "/stream")
    if path.hasPrefix("/ws/") { socket.streams = path.dropFirst("/ws/".count).split(separator: "/").map(String.init) }
    if socket.isCombined, let names = FormParameters(query).first("streams") {
      socket.streams = names.split(separator: "/").map(String.init)
    }
    sockets.add(socket)
    if socket.streams.count > BinanceSocket.maximumStreams { world.close(id, code: 1008, reason: "Too many streams") }
  }

  /// Forgets the socket and its subscriptions.
  public mutating func closed(_ id: SocketID) { sockets.remove(id) }

  /// A subscription on the stream port, a request on the WebSocket API.
  public mutating func received(_ text: [UInt8], on id: SocketID, _ world: inout World) {
    let state = sockets.with(id) { socket -> (isAPI: Bool, isFlood: Bool) in
      socket.messages.roll(to: world.now, length: Interval.second)
      socket.messages.count += 1
      return (socket.isAPI, socket.messages.count > BinanceSocket.maximumMessagesPerSecond)
    }
    guard let state else { return }
    if state.isAPI {
      answerAPI(text, on: id, &world)
    } else if state.isFlood {
      world.close(id, code: 1008, reason: "Too many requests")
    } else {
      world.send(answerSubscription(text, on: id), to: id)
    }
  }

  // MARK: SUBSCRIBE and its kin

  private mutating func answerSubscription(_ text: [UInt8], on id: SocketID) -> [UInt8] {
    guard let request = try? JSON.parse(text), request.members != nil else {
      return failure(2, "Invalid request: not a JSON object", nil)
    }
    let requestID = request["id"]
    guard isRequestID(requestID) else {
      return failure(2, "Invalid request: request ID must be an unsigned integer, a short string or null", nil)
    }
    let parameters = request["params"]?.array
    let names = parameters?.compactMap(\.string) ?? []
    switch request["method"]?.string {
    case "SUBSCRIBE":
      guard names.count == parameters?.count else { return failure(2, "Invalid request: params must be stream names", requestID) }
      return subscribe(names, on: id) ? success(.null, requestID) : failure(2, "Invalid request: too many streams", requestID)
    case "UNSUBSCRIBE":
      _ = sockets.with(id) { socket in socket.streams.removeAll { names.contains($0) } }
      return success(.null, requestID)
    case "LIST_SUBSCRIPTIONS":
      return success(.array((sockets.with(id) { $0.streams } ?? []).map(JSON.string)), requestID)
    case "SET_PROPERTY":
      guard parameters?.first?.string == "combined", let flag = parameters?.last?.bool else {
        return failure(2, "Invalid request: unknown property", requestID)
      }
      _ = sockets.with(id) { $0.isCombined = flag }
      return success(.null, requestID)
    case "GET_PROPERTY":
      return success(.bool(sockets.with(id) { $0.isCombined } ?? false), requestID)
    default:
      return failure(
        2,
        "Invalid request: unknown variant, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, "
          + "`GET_PROPERTY`", requestID)
    }
  }

  /// A name that means nothing here is accepted and stays silent, as at the venue.
  private mutating func subscribe(_ names: [String], on id: SocketID) -> Bool {
    sockets.with(id) { socket in
      let new = names.filter { !socket.streams.contains($0) }
      guard socket.streams.count + new.count <= BinanceSocket.maximumStreams else { return false }
      socket.streams += new
      return true
    } ?? false
  }

  private func isRequestID(_ id: JSON?) -> Bool {
    switch id {
    case nil, .null?: true
    case .number?: id?.integer != nil
    case .string(let text)?: (1...36).contains(text.utf8.count)
    default: false
    }
  }

  private func success(_ result: JSON, _ id: JSON?) -> [UInt8] {
    JSONWriter.object { json in
      json.name("result")
      json.value(result)
      json.name("id")
      json.value(id ?? .null)
    }
  }

  private func failure(_ code: Int, _ message: String, _ id: JSON?) -> [UInt8] {
    JSONWriter.object { json in
      json.name("error")
      json.beginObject()
      json.member("code", code)
      json.member("msg", message)
      json.endObject()
      json.name("id")
      json.value(id ?? .null)
    }
  }
}
