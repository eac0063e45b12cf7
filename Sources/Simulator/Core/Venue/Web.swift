/// A request as a client sent it: nothing decoded, because signatures are checked over these bytes.
public struct WebRequest: Sendable {
  /// The method, such as `POST`.
  public var method: String
  /// The path without the query.
  public var path: String
  /// What follows `?`; empty when there is none.
  public var query: String
  /// Names in lower case.
  public var headers: [(name: String, value: String)]
  /// The body.
  public var body: [UInt8]

  /// A request put together from its parts.
  public init(
    method: String, path: String, query: String = "", headers: [(name: String, value: String)] = [], body: [UInt8] = []
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.headers = headers
    self.body = body
  }

  /// The first value of a header; `name` in lower case.
  public func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

  /// Method and path: what faults are matched against.
  public var subject: String { "\(method) \(path)" }
}

/// An answer to a request.
public struct WebReply: Sendable {
  /// The HTTP status.
  public var status: Int
  /// Header fields besides the usual ones.
  public var headers: [(name: String, value: String)]
  /// The body.
  public var body: [UInt8]
  /// True for the answer to an order or a cancel, which the venue takes its time for.
  public var isAcknowledgement: Bool

  /// An answer put together from its parts.
  public init(
    status: Int = 200, headers: [(name: String, value: String)] = [], body: [UInt8] = [], isAcknowledgement: Bool = false
  ) {
    self.status = status
    self.headers = headers
    self.body = body
    self.isAcknowledgement = isAcknowledgement
  }
}

/// One request that waits for its answer, named by the shell.
public typealias RequestID = UInt64
/// One WebSocket, named by the shell; later ones have greater numbers.
public typealias SocketID = UInt64

/// What the simulator wants done.
public enum Effect: Sendable {
  /// Answer a request after a while.
  case reply(RequestID, WebReply, afterNanoseconds: Int64)
  /// Close a request's connection without an answer, after a while.
  case drop(RequestID, afterNanoseconds: Int64)
  /// Send a text message.
  case send(SocketID, [UInt8])
  /// Say goodbye on a WebSocket.
  case close(SocketID, code: UInt16, reason: String)
  /// End a WebSocket's connection without a goodbye.
  case cut(SocketID)
}
