/// Writes an answer as bytes (RFC 9112).
enum HTTPResponseWriter {
  /// The interim answer that a client with `expect: 100-continue` waits for.
  static let `continue` = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

  /// Head and body; the head alone for an answer to HEAD. A malformed answer becomes a 500.
  static func bytes(of response: HTTPResponse, keepsAlive: Bool, withoutBody: Bool = false) -> [UInt8] {
    guard (200...599).contains(response.status), response.headers.areWellFormed else {
      return bytes(of: .text("the answer was not well formed\n", status: 500), keepsAlive: keepsAlive, withoutBody: withoutBody)
    }
    let hasBody = response.status != 204 && response.status != 304
    var head = "HTTP/1.1 \(response.status) \(phrase(of: response.status))\r\n"
    for field in response.headers.fields where field.name != "content-length" && field.name != "connection" {
      head += "\(field.name): \(field.value)\r\n"
    }
    if hasBody { head += "content-length: \(response.body.count)\r\n" }
    head += keepsAlive ? "connection: keep-alive\r\n\r\n" : "connection: close\r\n\r\n"
    return hasBody && !withoutBody ? Array(head.utf8) + response.body : Array(head.utf8)
  }

  /// The head that turns a connection into a WebSocket (RFC 6455 §4.2.2).
  static func switchingToWebSocket(accept: String, subprotocol: String?) -> [UInt8] {
    var head =
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: \(accept)\r\n"
    if let subprotocol { head += "sec-websocket-protocol: \(subprotocol)\r\n" }
    return Array((head + "\r\n").utf8)
  }

  private static func phrase(of status: Int) -> String {
    switch status {
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 204: "No Content"
    case 304: "Not Modified"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 413: "Content Too Large"
    case 418: "I'm a teapot"
    case 426: "Upgrade Required"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 505: "HTTP Version Not Supported"
    default: "Status"
    }
  }
}
