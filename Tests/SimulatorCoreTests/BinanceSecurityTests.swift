import Crypto
import Domain
import Testing
import Wire

@testable import SimulatorCore

@Suite struct BinanceSecurityTests {
  @Test("the documented signature is reproduced over the bytes as sent")
  func documentedVector() throws {
    let secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
    let expected = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
    let query = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC"
    let body = "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
    let whole = "\(query)&\(body)"
    for (query, body) in [(whole + "&signature=\(expected)", ""), ("", whole + "&signature=\(expected)")] {
      let (payload, signature) = BinanceSecurity.signedPayload(query: query, body: body)
      #expect(payload == whole)
      #expect(HMACSHA256(key: secret).signatureHex(of: payload) == signature)
    }
    // Query and body are joined without anything between them.
    let mixed = BinanceSecurity.signedPayload(query: query, body: body + "&signature=x")
    #expect(mixed.payload == query + body && mixed.signature == "x")
  }

  @Test("a parameter may be percent-encoded in any way, as long as those bytes were signed")
  func rawBytes() throws {
    let venue = TestVenue()
    #expect(try venue.call("GET", "openOrders", "symbol=%42TC%55SDT").array?.isEmpty == true)
    // The same values signed in another spelling are another message.
    var request = venue.signed("GET", "openOrders", "symbol=BTCUSDT")
    request.query = request.query.replacing("BTCUSDT", with: "%42TCUSDT")
    #expect(code(try JSON.parse(try #require(venue.send(request)).body)) == -1022)
  }

  @Test("parameters and signature are accepted in the body too")
  func formBody() throws {
    let venue = TestVenue()
    var request = venue.signed("POST", "order", "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=20000")
    request.body = Array(request.query.utf8)
    request.query = ""
    #expect(try #require(venue.send(request)).status == 200)
  }

  @Test("keys and signatures that are not right are refused in the venue's words")
  func refusals() throws {
    let venue = TestVenue()
    func answer(_ change: (inout WebRequest) -> Void) throws -> (status: Int, code: Int64?) {
      var request = venue.signed("GET", "account")
      change(&request)
      let reply = try #require(venue.send(request))
      return (reply.status, code(try JSON.parse(reply.body)))
    }
    #expect(try answer { _ in } == (200, nil))
    #expect(try answer { $0.headers = [] } == (401, -2014))
    #expect(try answer { $0.headers = [(name: "x-mbx-apikey", value: "a b")] } == (401, -2014))
    #expect(try answer { $0.headers = [(name: "x-mbx-apikey", value: "nobody")] } == (401, -2015))
    #expect(try answer { $0.query += "0" } == (400, -1022))
    #expect(try answer { $0.query = "timestamp=1" } == (400, -1102))
    #expect(try answer { $0.query = "signature=&timestamp=1" } == (400, -1102))
  }

  @Test(
    "a request is fresh when timestamp < now + 1000 and now - timestamp <= recvWindow",
    arguments: [
      (-5_000, "", nil), (-5_001, "", -1021), (999, "", nil), (1_000, "", -1021), (-100, "&recvWindow=100", nil),
      (-101, "&recvWindow=100", -1021), (-100, "&recvWindow=99.999", -1021), (-60_000, "&recvWindow=60000", nil),
      (0, "&recvWindow=60001", -1131), (0, "&recvWindow=-1", -1100),
    ] as [(Int64, String, Int64?)])
  func freshness(offset: Int64, window: String, expected: Int64?) throws {
    let venue = TestVenue()
    let unsigned = "timestamp=\(venue.now.milliseconds + offset)\(window)"
    let signature = HMACSHA256(key: "alice-secret").signatureHex(of: unsigned)
    let request = WebRequest(
      method: "GET", path: "/api/v3/account", query: "\(unsigned)&signature=\(signature)",
      headers: [(name: "x-mbx-apikey", value: "alice-key")])
    #expect(code(try JSON.parse(try #require(venue.send(request)).body)) == expected)
  }

  @Test("a timestamp in microseconds is understood")
  func microseconds() throws {
    let venue = TestVenue()
    let unsigned = "timestamp=\(venue.now.milliseconds * 1_000)"
    let signature = HMACSHA256(key: "alice-secret").signatureHex(of: unsigned)
    let request = WebRequest(
      method: "GET", path: "/api/v3/account", query: "\(unsigned)&signature=\(signature)",
      headers: [(name: "x-mbx-apikey", value: "alice-key")])
    #expect(try #require(venue.send(request)).status == 200)
  }

  @Test("whatever bytes arrive, an answer in JSON goes out and nobody is hurt", arguments: UInt64(1)...20)
  func hostileBytes(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let venue = TestVenue()
    venue.open(1, "/ws")
    venue.open(2, "/ws-api/v3")
    let endpoints = BinanceEndpoint.allCases.map { $0.rawValue.split(separator: " ").map(String.init) }
    let pieces = [
      "symbol=BTCUSDT", "limit=-1", "limit=1e9", "symbol=%ff", "=", "&&", "quantity=NaN", "%", "signature=zz", "timestamp=",
    ]
    for _ in 0..<100 {
      let endpoint = try #require(endpoints.randomElement(using: &generator))
      let query = (0..<3).compactMap { _ in pieces.randomElement(using: &generator) }.joined(separator: "&")
      let noise = (0..<20).map { _ in UInt8.random(in: 0...255, using: &generator) }
      let request = WebRequest(
        method: endpoint[0], path: endpoint[1], query: query, headers: [(name: "x-mbx-apikey", value: "alice-key")], body: noise)
      let reply = try #require(venue.send(request), "seed \(seed)")
      #expect(throws: Never.self, "seed \(seed)") { try JSON.parse(reply.body) }
      venue.send(String(decoding: noise, as: UTF8.self), on: 2)
      venue.now = venue.now + Interval.second
      venue.send(String(decoding: noise, as: UTF8.self), on: 1)
    }
    venue.advance(milliseconds: 60_000)
    #expect(try venue.get("time")["serverTime"] != nil, "seed \(seed)")
  }
}
