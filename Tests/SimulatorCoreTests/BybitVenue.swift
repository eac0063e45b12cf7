import Crypto
import Domain
import Testing
import Wire

@testable import SimulatorCore

/// A simulated Bybit with a spot market and a perpetual.
final class BybitVenue: VenueBench {
  init(limits: BybitFace.Limits = BybitFace.Limits(), _ configure: (inout Simulation.Configuration) -> Void = { _ in }) {
    let perpetual = Exchange.Listing(symbol: symbol("BTC-USDT-PERP"), startingPrice: price("26796"))
    super.init(face: BybitFace(limits: limits), listings: [bitcoin, perpetual], configure)
  }

  /// Limits that no test meets by chance.
  static var patient: BybitFace.Limits {
    var limits = BybitFace.Limits()
    limits.ordersPerSecond = 100_000
    limits.requestsPerFiveSeconds = 100_000
    return limits
  }

  // MARK: REST

  func get(_ path: String, _ query: String = "") throws -> JSON {
    try JSON.parse(try #require(send(WebRequest(method: "GET", path: "/v5/\(path)", query: query))).body)
  }

  /// A request signed by a client; `payload` is the query or the body. Its time is off by `skewMilliseconds`.
  func signed(
    _ method: String, _ path: String, _ payload: String = "", by client: String = "alice", skewMilliseconds: Int64 = 0
  ) -> WebRequest {
    let timestamp = String(now.milliseconds + skewMilliseconds)
    let signature = HMACSHA256(key: "\(client)-secret").signatureHex(of: "\(timestamp)\(client)-key5000\(payload)")
    return WebRequest(
      method: method, path: "/v5/\(path)", query: method == "GET" ? payload : "",
      headers: [
        ("x-bapi-api-key", "\(client)-key"), ("x-bapi-timestamp", timestamp), ("x-bapi-recv-window", "5000"),
        ("x-bapi-sign", signature),
      ].map { (name: $0.0, value: $0.1) }, body: method == "GET" ? [] : Array(payload.utf8))
  }

  /// Sends a signed request and gives the parsed answer.
  @discardableResult
  func call(_ method: String, _ path: String, _ payload: String = "", by client: String = "alice") throws -> JSON {
    try JSON.parse(try #require(send(signed(method, path, payload, by: client))).body)
  }

  /// Asks for an order to be placed; `change` is what differs from a limit buy of 0.01 at 26000. An empty value takes a field away.
  @discardableResult
  func create(_ change: [String: String] = [:], by client: String = "alice") throws -> JSON {
    let usual = [
      "category": "spot", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "26000",
    ]
    let fields = usual.merging(change) { $1 }.filter { !$0.value.isEmpty }
    let body = fields.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\"\($0.value)\"" }.joined(separator: ",")
    return try call("POST", "order/create", "{\(body)}", by: client)
  }

  /// Places an order, waits until it is matched, and gives it as `order/realtime` shows it.
  @discardableResult
  func place(_ change: [String: String] = [:], by client: String = "alice") throws -> JSON {
    let answer = try create(change, by: client)
    let id = try #require(answer["result"]?["orderId"]?.string, "\(answer)")
    step()
    return try order("orderId=\(id)", by: client)
  }

  /// The order that a query finds.
  func order(_ query: String, by client: String = "alice") throws -> JSON {
    let found = try orders("order/realtime", query, by: client)
    return try #require(found.first, "no order \(query)")
  }

  func orders(_ path: String, _ query: String = "", by client: String = "alice") throws -> [JSON] {
    let answer = try call("GET", path, "category=spot" + (query.isEmpty ? "" : "&\(query)"), by: client)
    return try #require(answer["result"]?["list"]?.array, "\(answer)")
  }

  static let market = ["orderType": "Market", "price": "", "marketUnit": "baseCoin"]

  // MARK: WebSocket

  /// Opens a WebSocket, authenticates on the private one, and subscribes; gives what was answered.
  @discardableResult
  func follow(_ socket: SocketID, _ channel: String, _ topics: String..., as client: String = "alice") -> [JSON] {
    open(socket, "/v5/\(channel)")
    if channel == "private" {
      let expires = now.milliseconds + 1_000
      let signature = HMACSHA256(key: "\(client)-secret").signatureHex(of: "GET/realtime\(expires)")
      send("{\"op\":\"auth\",\"args\":[\"\(client)-key\",\(expires),\"\(signature)\"]}", on: socket)
    }
    let names = topics.map { "\"\($0)\"" }.joined(separator: ",")
    send("{\"op\":\"subscribe\",\"req_id\":\"s\",\"args\":[\(names)]}", on: socket)
    return messages(socket)
  }
}

/// `retCode` of an answer.
func retCode(_ json: JSON) -> Int64? { json["retCode"]?.integer }
