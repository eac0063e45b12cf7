import Net
import Testing

/// The answer that makes a WebSocket but for its last line end; KEY stands for the proof.
private let accepted =
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: KEY\r\n"

/// What a client makes of servers that answer its handshake in their own way, and of those that break the protocol behind it.
@Suite struct WebSocketHandshakeTests {
  /// What a client hears from a server that answers with `reply`, in which KEY stands for the right proof.
  private func outcome(_ reply: String, then frames: [UInt8] = []) async throws -> [String] {
    let heard = Log<String>()
    let server = try ScriptedServer { _, socket in
      let key = try keyOfHandshake(socket)
      try socket.send(Array(reply.replacing("KEY", with: acceptance(ofKey: key)).utf8) + frames)
      _ = socket.receiveAll()
    }
    var configuration = WebSocketClient.Configuration()
    configuration.connectTimeoutMilliseconds = 20_000
    try await withWebSocketClient(configuration) { client in
      try client.connect(WebSocketRequest("ws://127.0.0.1:\(server.port)/", subprotocols: ["v1"])) { _, event, _ in
        heard.append(summary(event))
      }
      try await heard.wait { $0.last?.hasPrefix("closed:") == true }
    }
    return heard.all
  }

  @Test(arguments: [
    "HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "SSH-2.0-x\r\n\r\n",
    accepted.replacing("KEY", with: "AAAAAAAAAAAAAAAAAAAAAAAAAAA=") + "\r\n",
    accepted.replacing("Upgrade: websocket\r\n", with: "") + "\r\n",
    accepted.replacing("Connection: Upgrade\r\n", with: "") + "\r\n",
    accepted + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    accepted + "Sec-WebSocket-Protocol: v2\r\n\r\n", accepted + "no colon\r\n\r\n",
    accepted + "x: " + String(repeating: "y", count: 70_000),
  ])
  func anAnswerThatMakesNoWebSocketIsNoWebSocket(reply: String) async throws {
    let heard = try await outcome(reply)
    #expect(heard.count == 1 && heard[0].hasPrefix("closed:1006:") && heard[0].hasSuffix(":false"), "\(heard)")
  }

  @Test func framesMayComeWithTheAnswer() async throws {
    let heard = try await outcome(accepted + "sec-websocket-protocol: v1\r\n\r\n", then: [0x81, 1, 0x61, 0x88, 2, 0x03, 0xe8])
    #expect(heard == ["opened:v1", "text:a", "closed:1000::true"])
  }

  @Test(
    arguments: [
      ([0xc1, 0], 1002), ([0x81, 0x81, 0, 0, 0, 0, 0x61], 1002), ([0x81, 127, 0x7f, 0, 0, 0, 0, 0, 0, 0], 1009),
    ] as [([UInt8], Int)])
  func aServerThatBreaksTheProtocolIsToldSoAndLeft(frames: [UInt8], code: Int) async throws {
    let heard = Log<String>()
    let told = Log<[UInt8]>()
    let server = try ScriptedServer { _, socket in
      let key = try keyOfHandshake(socket)
      try socket.send(Array((accepted.replacing("KEY", with: acceptance(ofKey: key)) + "\r\n").utf8) + frames)
      told.append(socket.receive(count: 8))
      _ = socket.receiveAll()
    }
    try await withWebSocketClient { client in
      try client.connect(WebSocketRequest("ws://127.0.0.1:\(server.port)/")) { _, event, _ in heard.append(summary(event)) }
      try await heard.wait { $0.count == 2 }
      #expect(heard.all[1].hasPrefix("closed:\(code):") && heard.all[1].hasSuffix(":true"), "\(heard.all)")
      try await told.wait { !$0.isEmpty }
      let close = try #require(told.all.first)
      #expect(close.first == 0x88 && close[1] & 0x80 != 0)
      #expect(Int(close[6] ^ close[2]) << 8 | Int(close[7] ^ close[3]) == code)
    }
  }

  @Test func aPausedStreamIsNotReadUntilItIsResumed() async throws {
    let heard = Log<String>()
    let connections = Log<WebSocketConnection>()
    try await withServer(handlers: echo(connections: connections)) { server in
      try await withWebSocketClient { client in
        let link = try client.connect(
          WebSocketRequest("ws://127.0.0.1:\(server.port)/"),
          messages: { link, bytes, _ in
            heard.append(String(decoding: bytes, as: UTF8.self))
            if bytes.first == UInt8(ascii: "0") { link.pauseReading() }
          }, sink: { _, _, _ in })
        try await connections.wait { $0.count == 1 }
        for number in 0..<1_000 { #expect(connections.all[0].send(text: "\(number)")) }
        // Further connections work meanwhile.
        let other = Log<String>()
        let second = try client.connect(WebSocketRequest("ws://127.0.0.1:\(server.port)/")) { _, event, _ in
          other.append(summary(event))
        }
        try await other.wait { $0.count == 1 }
        try second.send(text: "x")
        try await other.wait { $0.contains("text:x") }
        #expect(heard.all == ["0"])
        link.resumeReading()
        try await heard.wait { $0.count == 1_000 }
        #expect(heard.all == (0..<1_000).map { "\($0)" })
        link.pauseReading()
        link.close()
      }
    }
  }

  @Test func pingsWithoutEndAreAnsweredWithoutFillingAnything() async throws {
    let heard = Log<String>()
    let server = try ScriptedServer { _, socket in
      let key = try keyOfHandshake(socket)
      try socket.send(Array((accepted.replacing("KEY", with: acceptance(ofKey: key)) + "\r\n").utf8))
      // The peer reads nothing of the answers before it has sent them all.
      let pings = (0..<100_000).flatMap { [0x89, 4] + withUnsafeBytes(of: UInt32($0).bigEndian, Array.init) } as [UInt8]
      try socket.send(pings + [0x88, 2, 0x03, 0xe8])
      _ = socket.receiveAll()
    }
    try await withWebSocketClient { client in
      try client.connect(WebSocketRequest("ws://127.0.0.1:\(server.port)/")) { _, event, _ in heard.append(summary(event)) }
      try await heard.wait { $0.count == 2 }
      #expect(heard.all == ["opened:-", "closed:1000::true"])
    }
  }
}

/// Reads a client's handshake; gives its key.
func keyOfHandshake(_ socket: RawSocket) throws -> String {
  let request = socket.receive(until: "\r\n\r\n")
  let line = try #require(request.split(separator: "\r\n").first { $0.lowercased().hasPrefix("sec-websocket-key:") })
  return String(line.drop { $0 != ":" }.dropFirst().drop { $0 == " " })
}
