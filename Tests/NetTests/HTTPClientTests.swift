import Glibc
import Net
import Runtime
import Synchronization
import Testing

@Suite struct HTTPClientTests {
  @Test func sendsMethodBodyAndHeadersAndReadsTheAnswer() async throws {
    try await withServer(
      answer: { request, responder in
        let seen = "\(summary(request)) \(request.headers["x-key"] ?? "-") \(request.headers["content-type"] ?? "-")"
        responder.respond(HTTPResponse(status: 418, headers: ["X-Used-Weight": "7"], body: Array(seen.utf8)))
      }
    ) { server in
      try await withClient { client in
        let base = "http://127.0.0.1:\(server.port)"
        for (method, body) in [(HTTPMethod.get, ""), (.post, "a=1"), (.post, ""), (.put, "xyz"), (.delete, ""), (.delete, "q")] {
          let request = HTTPRequest(method, "\(base)/p?q=1", headers: ["X-Key": "k"], body: Array(body.utf8))
          let response = try #require(try await client.outcome(of: request).response)
          #expect(response.status == 418)
          #expect(response.headers["x-used-weight"] == "7")
          #expect(String(decoding: response.body, as: UTF8.self) == "\(method.rawValue) /p q=1 \(body.utf8.count) k -")
        }
        let head = try #require(try await client.outcome(of: HTTPRequest(.head, "\(base)/p")).response)
        #expect(head.status == 418 && head.body.isEmpty)
      }
    }
  }

  @Test func refusedConnectionsAndUnknownHostsAreNotSent() async throws {
    // A port that was free a moment ago.
    let port = try HTTPServer(HTTPServerConfiguration(), handlers: HTTPServerHandlers { _, _ in })
    port.shutDown()
    try await withClient { client in
      let refused = try #require(
        try await client.outcome(of: HTTPRequest(.post, "http://127.0.0.1:\(port.port)/")).unsent,
        "nobody listened, so nothing was sent")
      #expect(refused.reason == .unconnectable)
      let unknown = try #require(
        try await client.outcome(of: HTTPRequest(.get, "http://\(impossibleHost)/")).unsent,
        "there is no such host, so nothing was sent")
      #expect(unknown.reason == .unresolvable)
    }
  }

  /// The thread that takes answers may be slow: a request on a connection that stands does not wait for it.
  @Test func aRequestLeavesOnTheThreadThatSubmitsIt() async throws {
    let seen = Log<String>()
    let together = Log<HTTPResponder>()
    try await withServer(
      answer: { request, responder in
        seen.append(request.path)
        guard request.path == "/together" else { return responder.respond(.text("ok")) }
        // Answered only once both are here.
        together.append(responder)
        if together.all.count == 2 { for each in together.all { each.respond(.text("ok")) } }
      }
    ) { server in
      try await withClient { client in
        let base = "http://127.0.0.1:\(server.port)"
        // Two connections stand from here on: one for each of two requests at a time.
        async let first = client.outcome(of: HTTPRequest(.get, "\(base)/together"))
        async let second = client.outcome(of: HTTPRequest(.get, "\(base)/together"))
        _ = try await (first, second)
        let held = Latch()
        let isHolding = Log<Bool>()
        try client.submit(HTTPRequest(.get, "\(base)/held")) { _ in
          isHolding.append(true)
          held.wait(timeoutMilliseconds: 60_000)
        }
        try await isHolding.wait { !$0.isEmpty }
        let ended = Log<Bool>()
        try client.submit(HTTPRequest(.post, "\(base)/order")) { _ in ended.append(true) }
        try await seen.wait { $0.contains("/order") }
        #expect(ended.all.isEmpty, "its answer is taken by the client's thread, which is held up")
        held.set()
        try await ended.wait { !$0.isEmpty }
      }
    }
  }

  /// Also when times that libcurl had named have passed.
  @Test func aClientWithNothingToDoUsesNoProcessor() async throws {
    try await withServer { server in
      try await withClient { client in
        let base = "http://127.0.0.1:\(server.port)/"
        let request = HTTPRequest(.get, base, timeoutMilliseconds: 50, connectTimeoutMilliseconds: 40)
        // On a busy machine so short a time may be over before the answer.
        var answers = 0
        for _ in 0..<200 where answers < 3 {
          if try await client.outcome(of: request).response != nil { answers += 1 }
        }
        #expect(answers == 3)
        try await Task.sleep(for: .milliseconds(100))
        let before = processNanoseconds()
        try await Task.sleep(for: .milliseconds(400))
        #expect(processNanoseconds() - before < 200_000_000, "a thread that spins takes all of the time that has passed")
      }
    }
  }

  @Test func aConnectionThatNeverStandsIsNotSent() async throws {
    // TLS is never answered: the connection stands, the handshake does not.
    let server = try ScriptedServer { _, socket in _ = socket.receiveAll() }
    try await withClient { client in
      let request = HTTPRequest(
        .post, "https://127.0.0.1:\(server.port)/", timeoutMilliseconds: 2_000, connectTimeoutMilliseconds: 200)
      let failure = try #require(try await client.outcome(of: request).unsent, "the handshake never ended, so nothing was sent")
      #expect(failure.reason == .timedOut)
    }
  }

  @Test func aSilentServerIsATimeOutThatMayHaveBeenSent() async throws {
    let server = try ScriptedServer { _, socket in _ = socket.receiveAll() }
    try await withClient { client in
      let request = HTTPRequest(.post, "http://127.0.0.1:\(server.port)/", body: [1], timeoutMilliseconds: 4_000)
      let failure = try #require(try await client.outcome(of: request).doubtful, "the request had left")
      #expect(failure.reason == .timedOut)
    }
  }

  @Test(
    "a reply that breaks off is maybeSent",
    arguments: [
      ("", HTTPFailure.Reason.connectionLost), ("HTTP/1.1 200 OK\r\nContent-Le", .connectionLost),
      ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", .connectionLost), ("SSH-2.0-OpenSSH\r\n\r\n", .malformedResponse),
    ])
  func brokenReplies(reply: String, reason: HTTPFailure.Reason) async throws {
    let server = try ScriptedServer { _, socket in
      _ = socket.receive(until: "\r\n\r\n")
      try socket.send(reply)
    }
    try await withClient { client in
      let failure = try #require(
        try await client.outcome(of: HTTPRequest(.post, "http://127.0.0.1:\(server.port)/")).doubtful, "the request had left")
      #expect(failure.reason == reason, "\(failure.detail)")
    }
  }

  /// libcurl by itself would send the second request again, on a new connection: the server must see it once.
  @Test func aRequestOnAConnectionThatClosesIsNeverRepeated() async throws {
    let seen = Log<String>()
    let server = try ScriptedServer { _, socket in
      while case let request = socket.receive(until: "\r\n\r\n"), !request.isEmpty {
        seen.append(String(request.prefix { $0 != "\r\n" }))
        guard request.contains("/first") else { return }
        try socket.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
      }
    }
    try await withClient { client in
      let base = "http://127.0.0.1:\(server.port)"
      #expect(try await client.outcome(of: HTTPRequest(.post, "\(base)/first")).response?.status == 200)
      let failure = try #require(
        try await client.outcome(of: HTTPRequest(.post, "\(base)/order")).doubtful, "the server had read the request")
      #expect(failure.reason == .connectionLost)
      #expect(seen.all == ["POST /first HTTP/1.1", "POST /order HTTP/1.1"])
      // The client goes on with a new connection.
      #expect(try await client.outcome(of: HTTPRequest(.post, "\(base)/first")).response?.status == 200)
    }
  }

  /// The repetition could also go over another idle connection, for which no socket is opened.
  @Test func aRequestIsNotRepeatedOverAnotherIdleConnection() async throws {
    let orders = Log<Int>()
    let together = Mutex(0)
    let server = try ScriptedServer { connection, socket in
      while case let request = socket.receive(until: "\r\n\r\n"), !request.isEmpty {
        if request.contains("/order") {
          orders.append(connection)
          return
        }
        // Answered only once all four are here, so that there are four connections.
        together.withLock { $0 += 1 }
        while together.withLock({ $0 < 4 }) { usleep(1_000) }
        try socket.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
      }
    }
    try await withClient { client in
      let base = "http://127.0.0.1:\(server.port)"
      try await withThrowingTaskGroup(of: Int?.self) { group in
        for _ in 0..<4 { group.addTask { try await client.outcome(of: HTTPRequest(.get, "\(base)/warm")).response?.status } }
        for try await status in group { #expect(status == 200) }
      }
      for sent in 1...4 {
        _ = try #require(
          try await client.outcome(of: HTTPRequest(.post, "\(base)/order", body: [1])).doubtful, "the server had read the request"
        )
        #expect(orders.all.count == sent)
      }
      #expect(Set(orders.all).count == 4)
    }
  }

  @Test func aPassedSendDeadlineProvesThatNothingLeft() async throws {
    let seen = Log<String>()
    try await withServer(
      answer: { request, responder in
        seen.append(summary(request))
        responder.respond(.text("ok"))
      }
    ) { server in
      try await withClient { client in
        var request = HTTPRequest(.post, "http://127.0.0.1:\(server.port)/")
        request.sendDeadlineNanoseconds = EventTime.now().monotonicNanoseconds - 1
        let failure = try #require(try await client.outcome(of: request).unsent, "the deadline had passed")
        #expect(failure.reason == .expired)
        #expect(seen.all.isEmpty)
        request.sendDeadlineNanoseconds = EventTime.now().monotonicNanoseconds + 60_000_000_000
        #expect(try await client.outcome(of: request).response?.status == 200)
      }
    }
  }

  @Test func answersBeyondTheLimitsEnd() async throws {
    var configuration = HTTPClient.Configuration()
    configuration.maxBodyBytes = 1_000
    configuration.maxHeadBytes = 2_000
    try await withServer(
      answer: { request, responder in
        let isBody = request.path == "/body"
        let count = Int(request.rawQuery ?? "") ?? 0
        let text = String(repeating: "x", count: count)
        responder.respond(HTTPResponse(status: 200, headers: isBody ? [:] : ["x": text], body: isBody ? Array(text.utf8) : []))
      }
    ) { server in
      try await withClient(configuration) { client in
        for (target, fits) in [("body?1000", true), ("body?1001", false), ("head?1800", true), ("head?2000", false)] {
          let outcome = try await client.outcome(of: HTTPRequest(.get, "http://127.0.0.1:\(server.port)/\(target)"))
          switch outcome {
          case .response: #expect(fits, "\(target)")
          case .maybeSent(let failure): #expect(!fits && failure.reason == .tooLarge, "\(target)")
          case .notSent: Issue.record("\(target) was sent")
          }
        }
      }
    }
  }

  @Test func redirectsAreAnswersLikeOthers() async throws {
    try await withServer(answer: { _, responder in
      responder.respond(HTTPResponse(status: 302, headers: ["location": "http://127.0.0.1:1/"]))
    }) { server in
      try await withClient { client in
        let response = try #require(try await client.outcome(of: HTTPRequest(.get, "http://127.0.0.1:\(server.port)/")).response)
        #expect(response.status == 302)
      }
    }
  }

  @Test(
    "what cannot be sent as it is, is refused",
    arguments: [
      HTTPRequest(.get, "ftp://127.0.0.1/"), HTTPRequest(.get, "file:///etc/passwd"), HTTPRequest(.get, "127.0.0.1"),
      HTTPRequest(.get, "http://127.0.0.1/a b"), HTTPRequest(.get, "http://127.0.0.1/\r\nx:y"), HTTPRequest(.get, "http://h/#f"),
      HTTPRequest(.get, "http://h/", headers: ["x": "a\r\ny: b"]), HTTPRequest(.get, "http://h/", headers: ["a b": "c"]),
      HTTPRequest(.get, "http://h/", body: [1]), HTTPRequest(.get, "http://h/", timeoutMilliseconds: 0),
    ])
  func invalid(request: HTTPRequest) async throws {
    try await withClient { client in
      await #expect(throws: HTTPRefusal.self) { try await client.outcome(of: request) }
    }
  }

  @Test func aFullClientRefusesAndShutDownEndsWhatIsUnderWay() async throws {
    let server = try ScriptedServer { _, socket in _ = socket.receiveAll() }
    var configuration = HTTPClient.Configuration()
    configuration.maxInFlight = 2
    let client = try HTTPClient(configuration)
    let completions = Log<HTTPCompletion>()
    let request = HTTPRequest(.post, "http://127.0.0.1:\(server.port)/", body: [1])
    try client.submit(request, token: 7) { completions.append($0) }
    try client.submit(request, token: 8) { completions.append($0) }
    #expect(throws: HTTPRefusal.tooManyInFlight) { try client.submit(request) { completions.append($0) } }
    client.shutDown()
    #expect(Set(completions.all.map(\.token)) == [7, 8])
    for completion in completions.all {
      switch completion.outcome {
      case .response: Issue.record("nobody answers")
      case .notSent(let failure), .maybeSent(let failure): #expect(failure.reason == .shutDown)
      }
    }
    #expect(throws: HTTPRefusal.shutDown) { try client.submit(request) { completions.append($0) } }
  }

  @Test func shutDownWaitsForAnswersWithinItsGrace() async throws {
    try await withServer(answer: { _, responder in responder.respond(.text("late"), delayNanoseconds: 100_000_000) }) { server in
      let client = try HTTPClient()
      let completions = Log<HTTPCompletion>()
      try client.submit(HTTPRequest(.get, "http://127.0.0.1:\(server.port)/")) { completions.append($0) }
      client.shutDown(graceMilliseconds: 10_000)
      #expect(completions.all.first?.outcome.response?.status == 200)
    }
  }
}

/// Processor time of this process.
private func processNanoseconds() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
