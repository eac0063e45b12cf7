import Crypto
import Domain

/// The client's part of the handshake of RFC 6455 §4.1. Pure.
struct ClientHandshake {
  private let key: String
  private let url: WebSocketURL
  private let request: WebSocketRequest

  /// An answer's head is refused beyond this.
  static let maxHeadBytes = 64 * 1_024

  /// `nonce` is 16 bytes that nobody can guess.
  init(_ request: WebSocketRequest, to url: WebSocketURL, nonce: [UInt8]) {
    self.request = request
    self.url = url
    key = Base64.encode(nonce)
  }

  /// What is sent.
  var head: [UInt8] {
    let host = url.host.contains(":") ? "[\(url.host)]" : url.host
    let port = url.port == (url.isSecure ? 443 : 80) ? "" : ":\(url.port)"
    var lines = [
      "GET \(url.target) HTTP/1.1", "Host: \(host)\(port)", "Upgrade: websocket", "Connection: Upgrade",
      "Sec-WebSocket-Key: \(key)", "Sec-WebSocket-Version: 13",
    ]
    if !request.subprotocols.isEmpty { lines.append("Sec-WebSocket-Protocol: \(request.subprotocols.joined(separator: ", "))") }
    lines += request.headers.fields.map { "\($0.name): \($0.value)" }
    return Array((lines + ["", ""]).joined(separator: "\r\n").utf8)
  }

  /// The subprotocol that the server chose, nil for none. Throws a sentence when the answer makes no WebSocket.
  func accept(_ answer: [UInt8]) throws(NetError) -> String? {
    let lines = String(decoding: answer, as: UTF8.self).split(separator: "\r\n")
    guard let first = lines.first, first.hasPrefix("HTTP/1."), let status = Int(first.dropFirst(9).prefix(3)) else {
      throw NetError("the answer is not HTTP")
    }
    guard status == 101 else { throw NetError("the server refuses the WebSocket (HTTP \(status))") }
    var headers = HTTPHeaders()
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { throw NetError("a header field of the answer is malformed") }
      let value = String(decoding: trimmed(line[line.index(after: colon)...].utf8), as: UTF8.self)
      headers.append(String(line[..<colon]), value)
    }
    let expected = WebSocketHandshake.acceptance(ofKey: key)
    guard listed(headers, "upgrade").contains("websocket"), listed(headers, "connection").contains("upgrade"),
      headers["sec-websocket-accept"] == expected
    else { throw NetError("the answer does not accept this WebSocket") }
    guard headers["sec-websocket-extensions"] == nil else { throw NetError("the server wants an extension that was not offered") }
    let chosen = headers["sec-websocket-protocol"]
    guard chosen.map(request.subprotocols.contains) ?? true else {
      throw NetError("the server wants a subprotocol that was not offered")
    }
    return chosen
  }
}
