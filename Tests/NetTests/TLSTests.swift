import Glibc
import Net
import Testing
import TestSupport

/// A throw-away authority and a server certificate for a name and an address, made by the `openssl` command.
struct Certificates {
  private let directory: TemporaryDirectory

  var authority: String { "\(directory.path)/ca.pem" }
  var server: TLSFiles {
    TLSFiles(certificateChain: "\(directory.path)/server.pem", privateKey: "\(directory.path)/server.key")
  }

  init(name: String = "localhost", address: String = "127.0.0.1") throws {
    directory = try TemporaryDirectory()
    try makeCertificate("ca", subject: "test authority", [])
    try makeCertificate(
      "server", subject: name,
      [
        "-CA", authority, "-CAkey", "\(directory.path)/ca.key", "-addext", "subjectAltName=DNS:\(name),IP:\(address)",
        "-addext", "basicConstraints=critical,CA:FALSE",
      ])
  }

  private func makeCertificate(_ file: String, subject: String, _ more: [String]) throws {
    let openssl = try ChildProcess(
      "openssl",
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=\(subject)",
        "-keyout", "\(directory.path)/\(file).key", "-out", "\(directory.path)/\(file).pem",
      ] + more)
    try #require(openssl.wait(timeoutMilliseconds: 30_000) == 0, "openssl failed: \(openssl.output)")
  }
}

@Suite struct TLSTests {
  @Test func requestsAndWebSocketsOverTLSWithTheRightAuthority() async throws {
    let certificates = try Certificates()
    var clientLimits = HTTPClient.Configuration()
    clientLimits.caFile = certificates.authority
    var socketLimits = WebSocketClient.Configuration()
    socketLimits.caFile = certificates.authority
    let heard = Log<String>()
    let body = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let handlers = HTTPServerHandlers(
      request: { request, responder in responder.respond(HTTPResponse(status: 200, body: request.body)) },
      upgrade: { _ in .accept() },
      webSocket: { connection, event, _ in if case .text(let bytes) = event { connection.send(text: bytes) } })
    try await withServer(HTTPServerConfiguration(port: 0, tls: certificates.server), handlers: handlers) { server in
      try await withClient(clientLimits) { client in
        for _ in 0..<3 {
          let url = "https://127.0.0.1:\(server.port)/?a=%2C"
          let response = try await client.outcome(of: HTTPRequest(.post, url, body: body)).response
          #expect(response?.body == body)
        }
      }
      try await withWebSocketClient(socketLimits) { client in
        let text = String(repeating: "0123456789", count: 30_000)
        try client.connect(WebSocketRequest("wss://localhost:\(server.port)/ws")) { link, event, _ in
          if case .opened = event {
            try? link.send(text: "a")
            try? link.send(text: text)
          }
          heard.append(summary(event))
        }
        try await heard.wait { $0.count == 3 }
        #expect(heard.all == ["opened:-", "text:a", "text:\(text)"])
      }
    }
  }

  @Test func anUntrustedServerGetsNothing() async throws {
    let certificates = try Certificates()
    let elsewhere = try Certificates(name: "elsewhere.test", address: "127.0.0.2")
    let seen = Log<String>()
    let handlers = HTTPServerHandlers(
      request: { request, responder in
        seen.append(summary(request))
        responder.respond(.text("ok"))
      },
      upgrade: { request in
        seen.append(summary(request))
        return .accept()
      })
    // Another authority, the system's authorities, and the right authority for another name.
    let cases = [
      (certificates.server, elsewhere.authority), (certificates.server, nil), (elsewhere.server, elsewhere.authority),
    ]
    for (files, authority) in cases {
      try await withServer(HTTPServerConfiguration(port: 0, tls: files), handlers: handlers) { server in
        var clientLimits = HTTPClient.Configuration()
        clientLimits.caFile = authority
        try await withClient(clientLimits) { client in
          for host in ["localhost", "127.0.0.1"] {
            let outcome = try await client.outcome(of: HTTPRequest(.post, "https://\(host):\(server.port)/", body: [1]))
            #expect(outcome.unsent?.reason == .untrusted)
          }
        }
        var socketLimits = WebSocketClient.Configuration()
        socketLimits.caFile = authority
        try await withWebSocketClient(socketLimits) { client in
          for host in ["localhost", "127.0.0.1"] {
            let heard = Log<String>()
            try client.connect(WebSocketRequest("wss://\(host):\(server.port)/")) { _, event, _ in heard.append(summary(event)) }
            try await heard.wait { !$0.isEmpty }
            #expect(heard.all.count == 1 && heard.all[0].hasPrefix("closed:1006:") && heard.all[0].hasSuffix(":false"))
          }
        }
      }
    }
    #expect(seen.all.isEmpty)
  }

  @Test func plainTextAndGarbageOnATLSPortHurtNobody() async throws {
    let certificates = try Certificates()
    var clientLimits = HTTPClient.Configuration()
    clientLimits.caFile = certificates.authority
    try await withServer(HTTPServerConfiguration(port: 0, tls: certificates.server)) { server in
      for bytes in ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}garbage that is no client hello"] {
        let socket = try RawSocket(port: server.port)
        try socket.send(bytes)
        shutdown(socket.descriptor, Int32(SHUT_WR))
        #expect(!socket.receiveAll().contains("HTTP/1.1 200"))
      }
      try await withClient(clientLimits) { client in
        let outcome = try await client.outcome(of: HTTPRequest(.get, "https://localhost:\(server.port)/"))
        #expect(outcome.response?.status == 200)
      }
    }
  }

  @Test func filesThatDoNotLoadAreErrors() throws {
    let certificates = try Certificates()
    let missing = TLSFiles(certificateChain: "/nowhere.pem", privateKey: certificates.server.privateKey)
    let swapped = TLSFiles(
      certificateChain: certificates.authority, privateKey: certificates.server.privateKey)
    for files in [missing, swapped] {
      #expect(throws: NetError.self) {
        try HTTPServer(HTTPServerConfiguration(port: 0, tls: files), handlers: HTTPServerHandlers { _, _ in })
      }
    }
    var configuration = WebSocketClient.Configuration()
    configuration.caFile = "/nowhere.pem"
    #expect(throws: NetError.self) { try WebSocketClient(configuration) }
  }
}
