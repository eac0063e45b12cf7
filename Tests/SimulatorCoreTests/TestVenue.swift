import Crypto
import Domain
import Testing
import Wire

@testable import SimulatorCore

/// A simulated venue with two clients, `alice` and `bob`, driven by hand: requests and time go in, answers and messages come out.
class VenueBench {
  private var simulation: Simulation
  var now = Timestamp(milliseconds: 1_700_000_000_000)
  private var lastRequest: RequestID = 0
  /// The delay of the last answer.
  private(set) var delay: Int64 = 0
  /// What was sent on each WebSocket and not yet taken.
  private var inbox: [SocketID: [JSON]] = [:]
  /// WebSockets that the venue ended.
  private(set) var ended: Set<SocketID> = []

  init(
    face: any VenueFace, listings: [Exchange.Listing] = [bitcoin],
    _ configure: (inout Simulation.Configuration) -> Void = { _ in }
  ) {
    var configuration = Simulation.Configuration(
      listings: listings,
      clients: ["alice", "bob"].map { Simulation.Client(name: $0, apiKey: "\($0)-key", secret: "\($0)-secret") },
      holdings: [("USDT", money("1000000")), ("BTC", money("50"))])
    configuration.participants.isFrozen = true
    configure(&configuration)
    simulation = Simulation(configuration, face: face)
    step()
  }

  var exchange: Exchange { simulation.world.exchange }

  /// Lets 100 ms pass.
  func step() { advance(milliseconds: 100) }

  func advance(milliseconds: Int64) {
    now = now + milliseconds * Interval.millisecond
    _ = apply(.tick)
  }

  /// The answer to an event, nil when its connection was dropped.
  private func apply(_ event: Simulation.Event) -> WebReply? {
    var effects: [Effect] = []
    simulation.apply(event, at: now, into: &effects)
    var answer: WebReply?
    for effect in effects {
      switch effect {
      case .reply(_, let reply, let after): (answer, delay) = (reply, after)
      case .drop(_, let after): delay = after
      case .send(let socket, let message):
        if let json = try? JSON.parse(message) { inbox[socket, default: []].append(json) } else { Issue.record("not JSON") }
      case .close(let socket, _, _), .cut(let socket): ended.insert(socket)
      }
    }
    return answer
  }

  // MARK: REST

  /// Sends a request as it is.
  func send(_ request: WebRequest) -> WebReply? {
    lastRequest += 1
    return apply(.request(lastRequest, request))
  }

  /// Sends a request to the fault port.
  func control(_ method: String, _ path: String, query: String = "", _ body: String = "") throws -> JSON {
    lastRequest += 1
    let request = WebRequest(method: method, path: path, query: query, body: Array(body.utf8))
    return try JSON.parse(try #require(apply(.control(lastRequest, request))).body)
  }

  // MARK: WebSocket

  func open(_ socket: SocketID, _ path: String, _ query: String = "") {
    _ = apply(.socketOpened(socket, path: path, query: query))
  }

  func send(_ text: String, on socket: SocketID) { _ = apply(.socketText(socket, Array(text.utf8))) }

  /// Messages since the last call.
  func messages(_ socket: SocketID) -> [JSON] { inbox.removeValue(forKey: socket) ?? [] }
}

/// A simulated Binance.
final class TestVenue: VenueBench {
  static let symbol = "BTCUSDT"

  init(
    limits: BinanceFace.Limits = BinanceFace.Limits(), depthIntervalMilliseconds: Int64 = 100,
    _ configure: (inout Simulation.Configuration) -> Void = { _ in }
  ) {
    let face = BinanceFace(limits: limits, depthIntervalNanoseconds: depthIntervalMilliseconds * Interval.millisecond)
    super.init(face: face, configure)
  }

  func get(_ path: String, _ query: String = "") throws -> JSON {
    let reply = try #require(send(WebRequest(method: "GET", path: "/api/v3/\(path)", query: query)))
    return try JSON.parse(reply.body)
  }

  /// A request signed by a client, its parameters in the query.
  func signed(_ method: String, _ path: String, _ parameters: String = "", by client: String = "alice") -> WebRequest {
    let unsigned = (parameters.isEmpty ? "" : parameters + "&") + "timestamp=\(now.milliseconds)"
    let signature = HMACSHA256(key: "\(client)-secret").signatureHex(of: unsigned)
    return WebRequest(
      method: method, path: "/api/v3/\(path)", query: "\(unsigned)&signature=\(signature)",
      headers: [(name: "x-mbx-apikey", value: "\(client)-key")])
  }

  /// Sends a signed request and gives the parsed answer.
  @discardableResult
  func call(_ method: String, _ path: String, _ parameters: String = "", by client: String = "alice") throws -> JSON {
    let reply = try #require(send(signed(method, path, parameters, by: client)))
    return try JSON.parse(reply.body)
  }

  /// Places an order; `rest` is what differs from a limit buy of 0.01 at 20000.
  @discardableResult
  func order(_ rest: String = "", by client: String = "alice") throws -> JSON {
    var parameters: [(String, String)] = [
      ("symbol", Self.symbol), ("side", "BUY"), ("type", "LIMIT"), ("timeInForce", "GTC"), ("quantity", "0.01"),
      ("price", "20000"),
    ]
    for pair in rest.split(separator: "&") {
      let parts = pair.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
      parameters.removeAll { $0.0 == parts[0] }
      if !parts[1].isEmpty { parameters.append((parts[0], parts[1])) }
    }
    return try call("POST", "order", parameters.map { "\($0.0)=\($0.1)" }.joined(separator: "&"), by: client)
  }

  static let market = "type=MARKET&price=&timeInForce="

  /// Opens the WebSocket API and subscribes a client's user data; gives the answer.
  func subscribe(_ socket: SocketID, _ client: String = "alice", secret: String? = nil) throws -> JSON {
    open(socket, "/ws-api/v3")
    let payload = "apiKey=\(client)-key&timestamp=\(now.milliseconds)"
    let signature = HMACSHA256(key: secret ?? "\(client)-secret").signatureHex(of: payload)
    let parameters = "{\"timestamp\":\(now.milliseconds),\"signature\":\"\(signature)\",\"apiKey\":\"\(client)-key\"}"
    send("{\"id\":\"s\",\"method\":\"userDataStream.subscribe.signature\",\"params\":\(parameters)}", on: socket)
    return try #require(messages(socket).last)
  }
}

/// `code` of an error answer.
func code(_ json: JSON) -> Int64? { json["code"]?.integer }
