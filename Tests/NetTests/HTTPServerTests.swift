import Foundation
import Net
import Testing

@Suite struct HTTPServerTests {
  /// Signatures are checked over these bytes.
  @Test func queriesArriveAsTheyWereSent() async throws {
    let queries = [
      "symbol=BTCUSDT&side=BUY", "a=1+2%2B3", "symbols=%5B%22BTCUSDT%22%2C%22ETHUSDT%22%5D", "x=%2c%2C%22&&=&y", "",
      "名=１２３", "q=%00%ff%zz%", "a=b?c=d/e", "sym=\"BTC\",{}|\\^`", "a=1;b=2&c[]=3",
    ]
    try await withServer(answer: { request, responder in
      responder.respond(.text("\(request.path)|\(request.rawQuery ?? "none")"))
    }) { server in
      let raw = try RawSocket(port: server.port)
      try await withClient { client in
        for query in queries {
          let expected = "/api/v3/%6f%2Frder/../x|\(query)"
          let target = "/api/v3/%6f%2Frder/../x?\(query)"
          let response = try #require(
            try await client.outcome(of: HTTPRequest(.get, "http://127.0.0.1:\(server.port)\(target)")).response)
          #expect(String(decoding: response.body, as: UTF8.self) == expected)
          try raw.send("GET \(target) HTTP/1.1\r\nHost: x\r\n\r\n")
          #expect(raw.receive(until: expected).hasSuffix(expected))
        }
        let plain = try await client.outcome(of: HTTPRequest(.get, "http://127.0.0.1:\(server.port)/plain"))
        #expect(plain.response.map { String(decoding: $0.body, as: UTF8.self) } == "/plain|none")
      }
    }
  }

  @Test func answersComeLaterFromOtherThreads() async throws {
    let waiting = Log<HTTPResponder>()
    try await withServer(answer: { _, responder in waiting.append(responder) }) { server in
      try await withClient { client in
        async let first = client.outcome(of: HTTPRequest(.get, "http://127.0.0.1:\(server.port)/1"))
        try await waiting.wait { $0.count == 1 }
        waiting.all[0].respond(.text("later"))
        waiting.all[0].respond(.text("again"))
        #expect(try await first.response?.body == Array("later".utf8))
      }
    }
  }

  /// None before its time, and none held up by one whose time is far off, asked for earlier or later.
  @Test func delayedAnswersComeAtTheirTimes() async throws {
    let far = "600000"
    let asked = Log<String>()
    let answered = Log<String>()
    try await withServer(answer: { request, responder in
      let delay = request.rawQuery ?? ""
      responder.respond(.text(delay), delayNanoseconds: (Int64(delay) ?? 0) * 1_000_000)
      asked.append(delay)
    }) { server in
      try await withClient { client in
        func request(_ delay: String) -> HTTPRequest {
          HTTPRequest(.get, "http://127.0.0.1:\(server.port)/?\(delay)", timeoutMilliseconds: 60_000)
        }
        for delay in [far, "500", far, "100", far] {
          let start = EventTime.now().monotonicNanoseconds
          try client.submit(request(delay)) { completion in
            guard let response = completion.outcome.response else { return }
            let isEarly = EventTime.now().monotonicNanoseconds - start < (Int64(delay) ?? 0) * 1_000_000
            answered.append(isEarly ? "\(delay) too early" : String(decoding: response.body, as: UTF8.self))
          }
        }
        try await asked.wait { $0.count == 5 }
        try await answered.wait { $0.count == 2 }
      }
    }
    #expect(answered.all.sorted() == ["100", "500"])
  }

  @Test func aDroppedConnectionLosesTheReplyOnly() async throws {
    let seen = Log<String>()
    try await withServer(answer: { request, responder in
      seen.append(summary(request))
      if request.path == "/lost" { responder.dropConnection() } else { responder.respond(.text("ok")) }
    }) { server in
      try await withClient { client in
        let base = "http://127.0.0.1:\(server.port)"
        #expect(try await client.outcome(of: HTTPRequest(.post, "\(base)/kept")).response?.status == 200)
        let failure = try #require(
          try await client.outcome(of: HTTPRequest(.post, "\(base)/lost", body: [1])).doubtful, "the request had left")
        #expect(failure.reason == .connectionLost)
        #expect(seen.all == ["POST /kept - 0", "POST /lost - 1"])
      }
    }
  }

  @Test func aForgottenResponderAnswersByItself() async throws {
    try await withServer(answer: { _, _ in }) { server in
      try await withClient { client in
        let outcome = try await client.outcome(of: HTTPRequest(.get, "http://127.0.0.1:\(server.port)/"))
        #expect(outcome.response?.status == 500)
      }
    }
  }

  @Test func bodiesBelowTheLimitPassAndThoseAboveAreRefused() async throws {
    var configuration = HTTPServerConfiguration()
    configuration.maxBodyBytes = 3_000_000
    try await withServer(
      configuration,
      answer: { request, responder in
        responder.respond(HTTPResponse(status: 200, body: request.body))
      }
    ) { server in
      try await withClient { client in
        let url = "http://127.0.0.1:\(server.port)/"
        let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let echoed = try await client.outcome(of: HTTPRequest(.post, url, body: body)).response
        #expect(echoed?.body == body)
        let refused = try await client.outcome(of: HTTPRequest(.post, url, body: body + [1])).response
        #expect(refused?.status == 413)
      }
    }
  }

  @Test func aThousandRequestsAtOnceOnKeptConnections() async throws {
    let connections = Log<UInt64>()
    try await withServer(answer: { request, responder in
      connections.append(request.connection)
      responder.respond(.text(request.rawQuery ?? ""), delayNanoseconds: 20_000_000)
    }) { server in
      var configuration = HTTPClient.Configuration()
      configuration.maxInFlight = 1_000
      configuration.maxIdleConnections = 1_000
      try await withClient(configuration) { client in
        for round in 0..<2 {
          try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<1_000 {
              group.addTask {
                let request = HTTPRequest(
                  .post, "http://127.0.0.1:\(server.port)/?\(round)-\(index)", timeoutMilliseconds: 60_000,
                  connectTimeoutMilliseconds: 60_000)
                return try await client.outcome(of: request).response?.body == Array("\(round)-\(index)".utf8)
              }
            }
            for try await isRight in group { #expect(isRight) }
          }
        }
        #expect(connections.all.count == 2_000)
        #expect(Set(connections.all).count <= 1_000)
      }
    }
  }

  @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
    try await withServer(answer: { request, responder in
      responder.respond(.text(request.path), delayNanoseconds: request.path == "/1" ? 50_000_000 : 0)
    }) { server in
      let raw = try RawSocket(port: server.port)
      try raw.send(
        "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\nHost: x\r\n\r\n"
          + "POST /3 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\nGET /4 HTTP/1.0\r\n\r\n")
      let answers = raw.receiveAll()
      let positions = try (1...4).map { try #require(answers.range(of: "\r\n\r\n/\($0)")).lowerBound }
      #expect(positions == positions.sorted())
      #expect(answers.components(separatedBy: "HTTP/1.1 200 OK").count == 5)
    }
  }

  @Test(
    "what two parsers could read differently is refused",
    arguments: [
      ("GET / HTTP/1.1\r\n\r\n", "400"), ("GET / HTTP/1.1\nHost: x\n\n\r\n\r\n", "400"),
      ("GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
      ("GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", "400"), ("GET / HTTP/2.0\r\nHost: x\r\n\r\n", "505"),
      ("BREW / HTTP/1.1\r\nHost: x\r\n\r\n", "501"), ("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "400"),
      ("GET / HTTP/1.1\r\nHost : x\r\n\r\n", "400"), ("GET / HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n", "400"),
      ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "400"),
      ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "400"),
      ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", "413"),
      ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "400"),
      ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "501"),
      ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"),
      ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n", "413"),
      ("GET /\u{7f} HTTP/1.1\r\nHost: x\r\n\r\n", "400"), ("\u{16}\u{3}\u{1}\r\n\r\n", "400"),
      ("GET / HTTP/1.1\r\nHost: x\r\nA: \(String(repeating: "b", count: 40_000))\r\n\r\n", "431"),
      ("GET /\(String(repeating: "c", count: 40_000))", "431"),
    ])
  func refusals(bytes: String, status: String) async throws {
    let handled = Log<String>()
    try await withServer(answer: { request, responder in
      handled.append(summary(request))
      responder.respond(.text("ok"))
    }) { server in
      let raw = try RawSocket(port: server.port)
      try raw.send(bytes)
      #expect(raw.receiveAll().hasPrefix("HTTP/1.1 \(status) "))
      #expect(handled.all.isEmpty)
    }
  }

  @Test func aSlowRequestIsCutOffAndOthersGoOn() async throws {
    var configuration = HTTPServerConfiguration()
    configuration.requestTimeoutMilliseconds = 300
    try await withServer(configuration) { server in
      let slow = try RawSocket(port: server.port)
      try slow.send("GET / HT")
      let fast = try RawSocket(port: server.port)
      try fast.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
      #expect(fast.receive(until: "ok").hasSuffix("ok"))
      #expect(slow.receiveAll().hasPrefix("HTTP/1.1 408 "))
    }
  }

  @Test func connectionsBeyondTheLimitAreClosed() async throws {
    var configuration = HTTPServerConfiguration()
    configuration.maxConnections = 2
    try await withServer(configuration) { server in
      let kept = try (0..<2).map { _ in try RawSocket(port: server.port) }
      for socket in kept {
        try socket.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(socket.receive(until: "ok").hasSuffix("ok"))
      }
      #expect(try RawSocket(port: server.port).receiveAll() == "")
    }
  }

  @Test func aTakenPortIsAnError() async throws {
    try await withServer { server in
      #expect(throws: (any Error).self) {
        try HTTPServer(HTTPServerConfiguration(port: server.port), handlers: HTTPServerHandlers { _, _ in })
      }
    }
    #expect(throws: NetError.self) {
      try HTTPServer(HTTPServerConfiguration(address: "localhost", port: 0), handlers: HTTPServerHandlers { _, _ in })
    }
  }
}
