import Glibc
import Net
import Synchronization
import Testing

/// What one end of a WebSocket heard, as text: "opened", "text:…", "closed:1000:…".
func summary(_ event: WebSocketEvent) -> String {
  switch event {
  case .opened(let subprotocol): "opened:\(subprotocol ?? "-")"
  case .text(let bytes): "text:\(String(decoding: bytes, as: UTF8.self))"
  case .binary(let bytes): "binary:\(bytes.count)"
  case .pong: "pong"
  case .closed(let closure): "closed:\(closure.code):\(closure.reason):\(closure.wasOpen)"
  }
}

func summary(_ event: WebSocketServerEvent) -> String {
  switch event {
  case .opened(let request): "opened:\(request.path)?\(request.rawQuery ?? "")"
  case .text(let bytes): "text:\(String(decoding: bytes, as: UTF8.self))"
  case .binary(let bytes): "binary:\(bytes.count)"
  case .closed(let closure): "closed:\(closure.code):\(closure.reason)"
  }
}

/// A WebSocket server that tells its events to a log and returns each text; "bye" makes it close.
func echo(_ log: Log<String> = Log(), connections: Log<WebSocketConnection> = Log()) -> HTTPServerHandlers {
  HTTPServerHandlers(
    request: { _, responder in responder.respond(.text("ok")) },
    upgrade: { request in
      request.path == "/refused"
        ? .refuse(.text("too many", status: 429)) : .accept(subprotocol: request.headers["sec-websocket-protocol"])
    },
    webSocket: { connection, event, _ in
      if case .opened = event { connections.append(connection) }
      if case .text(let bytes) = event { connection.send(text: bytes) }
      if case .text(let bytes) = event, bytes == Array("bye".utf8) { connection.close(code: 4001, reason: "as asked") }
      log.append(summary(event))
    })
}

func withWebSocketClient(
  _ configuration: WebSocketClient.Configuration = WebSocketClient.Configuration(),
  _ body: (WebSocketClient) async throws -> Void
) async throws {
  let client = try WebSocketClient(configuration)
  defer { client.shutDown() }
  try await body(client)
}

@Suite struct WebSocketTests {
  @Test func echoesTextThenClosesWithTheCodesOfBothSides() async throws {
    let served = Log<String>()
    let heard = Log<String>()
    try await withServer(handlers: echo(served)) { server in
      try await withWebSocketClient { client in
        let request = WebSocketRequest("ws://127.0.0.1:\(server.port)/stream?streams=a@1/b%2B", subprotocols: ["v1"])
        let link = try client.connect(request) { _, event, _ in heard.append(summary(event)) }
        try await heard.wait { $0.contains("opened:v1") }
        try link.send(text: "héllo")
        try link.send(text: "")
        try await heard.wait { $0.count == 3 }
        link.close(code: 4000, reason: "done")
        try await heard.wait { $0.count == 4 }
        #expect(heard.all == ["opened:v1", "text:héllo", "text:", "closed:4000:done:true"])
        try await served.wait { $0.count == 4 }
        #expect(served.all == ["opened:/stream?streams=a@1/b%2B", "text:héllo", "text:", "closed:4000:done"])
        #expect(throws: WebSocketRefusal.notOpen) { try link.send(text: "x") }
      }
    }
  }

  @Test func theServerMayClose() async throws {
    let served = Log<String>()
    let heard = Log<String>()
    try await withServer(handlers: echo(served)) { server in
      try await withWebSocketClient { client in
        try client.connect(WebSocketRequest("ws://127.0.0.1:\(server.port)/")) { link, event, _ in
          heard.append(summary(event))
          if case .opened = event { try? link.send(text: "bye") }
        }
        try await heard.wait { $0.count == 3 }
        #expect(heard.all == ["opened:-", "text:bye", "closed:4001:as asked:true"])
        try await served.wait { $0.count == 3 }
        #expect(served.all.last == "closed:4001:as asked")
      }
    }
  }

  @Test func bigMessagesAreJoinedFromTheirFragmentsOnBothSides() async throws {
    let heard = Log<[UInt8]>()
    var big = WebSocketClient.Configuration()
    big.maxMessageBytes = 4_000_000
    big.maxOutboxBytes = 4_000_000
    var serverLimits = HTTPServerConfiguration()
    serverLimits.maxMessageBytes = 4_000_000
    let text = (0..<3_000_000).map { UInt8(ascii: "a") + UInt8($0 % 26) }
    try await withServer(serverLimits, handlers: echo()) { server in
      try await withWebSocketClient(big) { client in
        try client.connect(WebSocketRequest("ws://127.0.0.1:\(server.port)/")) { link, event, _ in
          if case .opened = event { try? link.send(text: text) }
          if case .text(let bytes) = event { heard.append(bytes) }
        }
        try await heard.wait { $0.count == 1 }
        #expect(heard.all[0] == text)
      }
    }
  }

  @Test func fragmentsFromAServerBecomeOneMessage() async throws {
    let heard = Log<String>()
    let server = try ScriptedServer { _, socket in
      try upgrade(socket)
      try socket.send([0x01, 2] + Array("ab".utf8))
      try socket.send([0x89, 1, 7])
      try socket.send([0x00, 2] + Array("cd".utf8) + [0x80, 1] + Array("e".utf8) + [0x82, 2, 1, 2] + [0x81, 0])
      // The masked pong to the ping in between.
      #expect(socket.receive(count: 7).prefix(2) == [0x8a, 0x81])
      try socket.send([0x88, 5, 0x0f, 0xa2] + Array("bye".utf8))
      _ = socket.receiveAll()
    }
    try await withWebSocketClient { client in
      try client.connect(WebSocketRequest("ws://127.0.0.1:\(server.port)/")) { _, event, _ in heard.append(summary(event)) }
      try await heard.wait { $0.count == 5 }
      #expect(heard.all == ["opened:-", "text:abcde", "binary:2", "text:", "closed:4002:bye:true"])
    }
  }

  @Test func pingsAreAnsweredAndSeen() async throws {
    var configuration = HTTPServerConfiguration()
    // Silent is who lets three of them pass: a client that stands still for a second or two is not.
    configuration.pingIntervalMilliseconds = 1_000
    let served = Log<String>()
    let heard = Log<String>()
    let start = EventTime.now().monotonicNanoseconds
    try await withServer(configuration, handlers: echo(served)) { server in
      try await withWebSocketClient { client in
        let link = try client.connect(WebSocketRequest("ws://127.0.0.1:\(server.port)/")) { link, event, _ in
          heard.append(summary(event))
          if case .opened = event { try? link.ping() }
        }
        try await heard.wait { $0.contains("pong") }
        #expect(link.lastActivityNanoseconds > start)
        // A client that answers pings is kept, although it says nothing for many intervals.
        try await Task.sleep(for: .milliseconds(4_500))
        #expect(heard.all == ["opened:-", "pong"])
        // One that does not is cut off.
        let silent = try RawSocket(port: server.port)
        try silent.send(handshake())
        _ = silent.receive(until: "\r\n\r\n")
        _ = silent.receiveAll()
        try await served.wait { $0.contains("closed:1006:the client is silent") }
      }
    }
  }

  @Test func aSlowConsumerIsCutOffAndOthersGoOn() async throws {
    var configuration = HTTPServerConfiguration()
    configuration.maxOutboxBytes = 1_000_000
    // The slow one answers no pings either; here it is to fall by its outbox alone.
    configuration.pingIntervalMilliseconds = 0
    let served = Log<String>()
    let connections = Log<WebSocketConnection>()
    let count = Atomic<Int>(0)
    try await withServer(configuration, handlers: echo(served, connections: connections)) { server in
      let slow = try RawSocket(port: server.port)
      try slow.send(handshake())
      try await connections.wait { $0.count == 1 }
      try await withWebSocketClient { client in
        try client.connect(WebSocketRequest("ws://127.0.0.1:\(server.port)/")) { _, event, _ in
          if case .text = event { count.add(1, ordering: .relaxed) }
        }
        try await connections.wait { $0.count == 2 }
        let message = [UInt8](repeating: UInt8(ascii: "x"), count: 100_000)
        var sent = 0
        while connections.all[0].send(text: message) {
          #expect(connections.all[1].send(text: message))
          sent += 1
          try #require(sent < 10_000, "the slow consumer is never cut off")
          // Paced by the consumer that reads.
          while count.load(ordering: .relaxed) < sent { try await Task.sleep(for: .milliseconds(1)) }
        }
        try await served.wait { $0.contains("closed:1006:too slow: more than 1000000 bytes waited") }
        #expect(!connections.all[0].send(text: "x"))
        #expect(connections.all[1].send(text: "x"))
      }
    }
  }

  @Test func aDroppedConnectionIsSeenAsLost() async throws {
    let heard = Log<String>()
    let connections = Log<WebSocketConnection>()
    try await withServer(handlers: echo(connections: connections)) { server in
      try await withWebSocketClient { client in
        try client.connect(WebSocketRequest("ws://127.0.0.1:\(server.port)/")) { _, event, _ in heard.append(summary(event)) }
        try await heard.wait { $0.count == 1 }
        connections.all[0].drop()
        try await heard.wait { $0.count == 2 }
        #expect(heard.all[1] == "closed:1006:the connection was lost:true")
      }
    }
  }

  @Test(
    "a client that breaks the protocol is told so",
    arguments: [
      ([0x81, 0x01, 0x61], 1002), ([0xc1, 0x80, 0, 0, 0, 0], 1002), ([0x83, 0x80, 0, 0, 0, 0], 1002),
      ([0x09, 0x80, 0, 0, 0, 0], 1002),
      ([0x80, 0x80, 0, 0, 0, 0], 1002), ([0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe], 1007), ([0x88, 0x81, 0, 0, 0, 0, 3], 1002),
      ([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xed], 1002), ([0x01, 0x81, 0, 0, 0, 0, 0x61, 0x81, 0x80, 0, 0, 0, 0], 1002),
      ([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], 1009),
      ([0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], 1009),
    ] as [([UInt8], Int)])
  func violations(frame: [UInt8], code: Int) async throws {
    let served = Log<String>()
    try await withServer(handlers: echo(served)) { server in
      let socket = try RawSocket(port: server.port)
      try socket.send(handshake())
      _ = socket.receive(until: "\r\n\r\n")
      try socket.send(frame)
      let reply = socket.receive(count: 4)
      #expect(reply.first == 0x88)
      #expect(reply.dropFirst(2).prefix(2).reduce(0) { $0 << 8 | Int($1) } == code)
      try await served.wait { $0.count == 2 && $0[1].hasPrefix("closed:\(code):") }
    }
  }

  @Test func tooLargeMessagesEndTheConnectionOnTheClientsSide() async throws {
    var configuration = WebSocketClient.Configuration()
    configuration.maxMessageBytes = 1_000
    let heard = Log<String>()
    let connections = Log<WebSocketConnection>()
    try await withServer(handlers: echo(connections: connections)) { server in
      try await withWebSocketClient(configuration) { client in
        try client.connect(WebSocketRequest("ws://127.0.0.1:\(server.port)/")) { _, event, _ in heard.append(summary(event)) }
        try await connections.wait { $0.count == 1 }
        connections.all[0].send(text: [UInt8](repeating: 0x61, count: 1_000))
        connections.all[0].send(text: [UInt8](repeating: 0x61, count: 1_001))
        try await heard.wait { $0.count == 3 }
        #expect(heard.all[1].count == 1_005)
        #expect(heard.all[2] == "closed:1009:the message is too large:true")
      }
    }
  }

  @Test func whatDoesNotBecomeAWebSocketIsClosedWithoutHavingBeenOpen() async throws {
    let silent = try ScriptedServer { _, socket in _ = socket.receiveAll() }
    try await withServer(handlers: echo()) { server in
      let gone = try HTTPServer(HTTPServerConfiguration(), handlers: echo())
      gone.shutDown()
      let urls = [
        "ws://127.0.0.1:\(server.port)/refused", "ws://127.0.0.1:\(gone.port)/", "ws://\(impossibleHost)/",
        "ws://127.0.0.1:\(silent.port)/", "wss://127.0.0.1:\(server.port)/",
      ]
      for url in urls {
        var configuration = WebSocketClient.Configuration()
        // Waited for in vain are the silent one, and the plain one that is spoken to in TLS.
        let isInVain = url.contains(":\(silent.port)/") || url.hasPrefix("wss:")
        configuration.connectTimeoutMilliseconds = isInVain ? 300 : 30_000
        try await withWebSocketClient(configuration) { client in
          let heard = Log<String>()
          try client.connect(WebSocketRequest(url)) { _, event, _ in heard.append(summary(event)) }
          try await heard.wait { !$0.isEmpty }
          #expect(heard.all.count == 1, "\(url)")
          #expect(heard.all[0].hasPrefix("closed:1006:") && heard.all[0].hasSuffix(":false"), "\(url): \(heard.all)")
          if url.hasSuffix("refused") { #expect(heard.all[0].contains("429"), "\(heard.all)") }
        }
      }
    }
  }

  @Test func ordinaryRequestsAndBrokenHandshakesAreAnsweredAsSuch() async throws {
    try await withServer(handlers: echo()) { server in
      for (head, status) in [
        (handshake().replacing("Version: 13", with: "Version: 8"), "426"),
        (handshake().replacing("Key: dGhl", with: "Key: xx"), "426"),
        (handshake(path: "/refused"), "429"), (handshake().replacing("Upgrade: websocket\r\n", with: ""), "200"),
      ] {
        let socket = try RawSocket(port: server.port)
        try socket.send(head)
        #expect(socket.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 \(status) "))
      }
    }
  }

  @Test func manyConnectionsAtOnceEachGetTheirOwnMessages() async throws {
    let heard = Log<String>()
    try await withServer(handlers: echo()) { server in
      try await withWebSocketClient { client in
        for index in 0..<200 {
          try client.connect(WebSocketRequest("ws://127.0.0.1:\(server.port)/\(index)")) { link, event, _ in
            if case .opened = event { for message in 0..<20 { try? link.send(text: "\(index)-\(message)") } }
            if case .text(let bytes) = event { heard.append(String(decoding: bytes, as: UTF8.self)) }
          }
        }
        try await heard.wait { $0.count == 4_000 }
        for index in 0..<200 {
          #expect(heard.all.filter { $0.hasPrefix("\(index)-") } == (0..<20).map { "\(index)-\($0)" })
        }
      }
    }
  }

  @Test func limitsAndShutDownOfTheClient() async throws {
    let silent = try ScriptedServer { _, socket in _ = socket.receiveAll() }
    var configuration = WebSocketClient.Configuration()
    configuration.maxConnections = 3
    configuration.maxOutboxBytes = 100
    let heard = Log<String>()
    try await withServer(handlers: echo()) { server in
      let client = try WebSocketClient(configuration)
      let open = try client.connect(WebSocketRequest("ws://127.0.0.1:\(server.port)/")) { _, event, _ in
        heard.append(summary(event))
      }
      try await heard.wait { $0.count == 1 }
      #expect(throws: WebSocketRefusal.outboxFull) { try open.send(text: [UInt8](repeating: 0x61, count: 101)) }
      for _ in 0..<2 {
        try client.connect(WebSocketRequest("ws://127.0.0.1:\(silent.port)/")) { _, event, _ in heard.append(summary(event)) }
      }
      #expect(throws: WebSocketRefusal.tooManyConnections) {
        try client.connect(WebSocketRequest("ws://127.0.0.1:\(server.port)/")) { _, _, _ in }
      }
      for url in ["http://x/", "ws://", "ws://u@h/", "ws://h:0/", "ws://h:99999/", "ws://h/ x", "ws://h/#f"] {
        #expect(throws: WebSocketRefusal.self, "\(url)") { try client.connect(WebSocketRequest(url)) { _, _, _ in } }
      }
      client.shutDown()
      #expect(heard.all.filter { $0.hasPrefix("closed:") }.count == 3)
      #expect(throws: WebSocketRefusal.shutDown) {
        try client.connect(WebSocketRequest("ws://127.0.0.1:\(server.port)/")) { _, _, _ in }
      }
    }
  }

  @Test func theServersShutDownSaysGoodbye() async throws {
    let heard = Log<String>()
    let served = Log<String>()
    let server = try HTTPServer(HTTPServerConfiguration(), handlers: echo(served))
    try await withWebSocketClient { client in
      try client.connect(WebSocketRequest("ws://127.0.0.1:\(server.port)/")) { _, event, _ in heard.append(summary(event)) }
      try await heard.wait { $0.count == 1 }
      server.shutDown()
      try await heard.wait { $0.count == 2 }
      #expect(heard.all[1] == "closed:1001:the server goes away:true")
      #expect(served.all.last == "closed:1001:the server goes away")
    }
  }
}

/// What a client sends to become a WebSocket (the example of RFC 6455 §1.3).
func handshake(path: String = "/") -> String {
  "GET \(path) HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
}

/// The server's part of the handshake, done by hand.
private func upgrade(_ socket: RawSocket) throws {
  let key = try keyOfHandshake(socket)
  try socket.send(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: \(acceptance(ofKey: key))\r\n\r\n"
  )
}
