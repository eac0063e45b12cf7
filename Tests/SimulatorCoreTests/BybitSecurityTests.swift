import Crypto
import Domain
import Testing
import Wire

@testable import SimulatorCore

@Suite struct BybitSecurityTests {
  @Test("a request without a key, with an unknown key, a wrong signature or a time out of the window is refused")
  func refusals() throws {
    let venue = BybitVenue()
    func code(_ change: (inout WebRequest) -> Void) throws -> Int64? {
      var request = venue.signed("GET", "account/info")
      change(&request)
      return retCode(try JSON.parse(try #require(venue.send(request)).body))
    }
    func set(_ request: inout WebRequest, _ name: String, _ value: String) {
      request.headers.removeAll { $0.name == name }
      request.headers.append((name: name, value: value))
    }
    #expect(try code { _ in } == 0)
    #expect(try code { $0.headers = [] } == 10001)
    #expect(try code { set(&$0, "x-bapi-api-key", "nobody") } == 10003)
    #expect(try code { set(&$0, "x-bapi-sign", String(repeating: "0", count: 64)) } == 10004)
    #expect(try code { set(&$0, "x-bapi-sign", "short") } == 10004)
    #expect(try code { $0.query = "a=b" } == 10004)
    #expect(try code { set(&$0, "x-bapi-timestamp", "soon") } == 10001)
    #expect(try code { set(&$0, "x-bapi-recv-window", "-1") } == 10001)
    #expect(try code { set(&$0, "x-bapi-sign", ($0.header("x-bapi-sign") ?? "").uppercased()) } == 0)
  }

  @Test(
    "the window is [now - recv_window, now + 1 s)",
    arguments: [(0, 0), (-5_000, 0), (-5_001, 10002), (999, 0), (1_000, 10002)] as [(Int64, Int64)])
  func window(skewMilliseconds: Int64, expected: Int64) throws {
    let venue = BybitVenue()
    let request = venue.signed("GET", "account/info", skewMilliseconds: skewMilliseconds)
    #expect(retCode(try JSON.parse(try #require(venue.send(request)).body)) == expected)
  }

  @Test("the recorded signatures are accepted")
  func vectors() throws {
    let groups = try #require(try Fixtures.json("bybit/signing/request_vectors.json")["groups"]?.array)
    var accepted = 0
    for group in groups {
      let key = try #require(group["credentials"]?["apiKey"]?.string)
      let secret = try #require(group["credentials"]?["secret"]?.string)
      let clock = try #require(group["clock_ms"]?.integer)
      let venue = BybitVenue {
        $0.clients = [Simulation.Client(name: "vector", apiKey: key, secret: secret)]
      }
      venue.now = Timestamp(milliseconds: clock)
      for vector in group["vectors"]?.array ?? [] {
        guard let sent = vector["request"], let url = sent["url"]?.string, url.contains("/v5/") else { continue }
        let target = url.split(separator: "/v5/", maxSplits: 1)[1].split(separator: "?", maxSplits: 1).map(String.init)
        let headers = (sent["headers"]?.members ?? []).map { (name: $0.name.lowercased(), value: $0.value.text ?? "") }
        guard headers.contains(where: { $0.name == "x-bapi-sign" }) else { continue }
        let request = WebRequest(
          method: sent["method"]?.string ?? "", path: "/v5/\(target[0])", query: target.count == 2 ? target[1] : "",
          headers: headers, body: Array((sent["body"]?.string ?? "").utf8))
        let answer = try JSON.parse(try #require(venue.send(request)).body)
        #expect(![10002, 10003, 10004].contains(retCode(answer)), "\(vector["description"]?.string ?? ""): \(answer)")
        accepted += 1
      }
    }
    #expect(accepted > 3)
  }

  @Test("a wrong signature or an expired time gets no private stream")
  func privateStream() {
    let venue = BybitVenue()
    venue.open(1, "/v5/private")
    func authenticate(_ secret: String, _ expires: Int64) -> JSON? {
      let signature = HMACSHA256(key: secret).signatureHex(of: "GET/realtime\(expires)")
      venue.send("{\"op\":\"auth\",\"args\":[\"alice-key\",\(expires),\"\(signature)\"]}", on: 1)
      return venue.messages(1).last
    }
    #expect(authenticate("wrong", venue.now.milliseconds + 1_000)?["success"]?.bool == false)
    #expect(authenticate("alice-secret", venue.now.milliseconds)?["success"]?.bool == false)
    venue.send(#"{"op":"subscribe","args":["order"]}"#, on: 1)
    #expect(venue.messages(1).last?["success"]?.bool == false)
    #expect(authenticate("alice-secret", venue.now.milliseconds + 1_000)?["success"]?.bool == true)
    venue.send(#"{"op":"subscribe","args":["order"]}"#, on: 1)
    #expect(venue.messages(1).last?["success"]?.bool == true)
  }

  @Test("an endpoint's limit is told in headers, refused with 10006 beyond it, and new every second")
  func rateLimit() throws {
    let venue = BybitVenue()
    func answer() throws -> (code: Int64?, left: String?) {
      let reply = try #require(venue.send(venue.signed("GET", "user/query-api")))
      let left = reply.headers.first { $0.name == "x-bapi-limit-status" }?.value
      return (retCode(try JSON.parse(reply.body)), left)
    }
    for left in (0..<10).reversed() { #expect(try answer() == (0, String(left))) }
    #expect(try answer() == (10006, "0"))
    #expect(retCode(try venue.call("GET", "user/query-api", by: "bob")) == 0, "each account has its own")
    #expect(retCode(try venue.call("GET", "account/info")) == 0, "each endpoint has its own")
    venue.advance(milliseconds: 1_000)
    #expect(try answer() == (0, "9"))
  }

  @Test("an address that asks too often is shut out for ten minutes")
  func addressLimit() throws {
    var limits = BybitFace.Limits()
    limits.requestsPerFiveSeconds = 20
    let venue = BybitVenue(limits: limits)
    func status() throws -> Int { try #require(venue.send(WebRequest(method: "GET", path: "/v5/market/time"))).status }
    for _ in 0..<20 { #expect(try status() == 200) }
    #expect(try status() == 403)
    venue.advance(milliseconds: 599_000)
    #expect(try status() == 403)
    venue.advance(milliseconds: 1_000)
    #expect(try status() == 200)
  }
}
