import Testing
import Venues
import Wire

/// Payloads of several collections: every one of a kind that we use is read.
@Suite struct BinancePayloadTests {
  @Test func repliesOneAFile() throws {
    let replies: [(String, ([UInt8]) throws -> Int)] = [
      ("order_response", { try BinanceReplies.order($0).venueOrderID.count }),
      ("new_order_full_response", { try BinanceReplies.order($0).fills.count }),
      ("cancel_order_response", { try BinanceReplies.order($0).venueOrderID.count }),
      ("open_orders_response", { try BinanceReplies.orders($0).count }),
      ("all_orders_response", { try BinanceReplies.orders($0).count }),
      ("account_trades_response", { try BinanceReplies.trades($0).count }),
      ("account_response", { try BinanceReplies.account($0).balances.count }),
      ("server_time_response", { try Int(BinanceReplies.time($0).milliseconds) }),
      ("depth_response", depthLevels),
    ]
    for (name, read) in replies {
      #expect(try read(Fixtures.bytes("binance/nautilus/spot/http_json/\(name).json")) > 0, "\(name)")
    }
    for name in ["http_spot_market_depth", "http_futures_market_depth"] {
      let json = try Fixtures.json("binance/nautilus/http_responses/\(name).json")
      #expect(try depthLevels((json["data"] ?? json).bytes) > 0, "\(name)")
    }
  }

  private func depthLevels(_ body: [UInt8]) throws -> Int {
    var snapshot = DepthSnapshot()
    try BinanceDepth.decode(snapshot: body, into: &snapshot)
    return min(snapshot.bids.count, snapshot.asks.count)
  }

  @Test func framesOneALine() throws {
    var kinds: [String] = []
    for line in try Fixtures.bytes("binance/gct/wsHandleData.ndjson").split(separator: UInt8(ascii: "\n")) {
      var update = DepthUpdate()
      if try BinanceDepth.decode(frame: Array(line), into: &update) == .depth {
        kinds.append("depth")
        continue
      }
      switch try BinanceUserStream.event(Array(line)) {
      case .order(let report): kinds.append("order \(report.state?.rawValue ?? "?")")
      case .balances(let balances, _): kinds.append("\(balances.count) balances")
      case .balanceChange(let asset, _, _): kinds.append("change of \(asset)")
      case .ignored(let kind): kinds.append("ignored \(kind)")
      case .authenticated, .subscribed, .refused, .ended: kinds.append("other")
      }
    }
    #expect(kinds == ["ignored 24hrTicker", "ignored kline", "depth", "change of BTC", "order open", "3 balances"])
  }

  /// Subscriptions as another client makes them: the answer is taken as such, what is pushed is read or belongs to another stream.
  @Test func dialogues() throws {
    var depth = 0
    var answers = 0
    for dialogue in try #require(try Fixtures.json("binance/jkorf/ws_exchanges.json").array) {
      guard let name = dialogue["name"]?.string, name.hasPrefix("Subscriptions/") else { continue }
      for step in try #require(dialogue["steps"]?.array) {
        if step["dir"]?.string == "server_push", let push = step["json"] {
          var update = DepthUpdate()
          if try BinanceDepth.decode(frame: push.bytes, into: &update) == .depth { depth += 1 }
        } else if step["dir"]?.string == "server_reply", name.hasPrefix("Subscriptions/Spot/Account/"),
          let text = step["text"]?.string
        {
          let reply = Array(text.replacing("|1|", with: "1").utf8)
          #expect(try BinanceUserStream.event(reply) == .subscribed(requestID: "1"), "\(name)")
          answers += 1
        }
      }
    }
    #expect(depth == 1 && answers == 4, "\(depth) \(answers)")
  }

  @Test func errorExamplesAreClassified() throws {
    for example in try #require(try Fixtures.json("binance/docs/error_payload_examples.json").array) {
      let body = try #require(example["example"]).bytes
      let outcome: VenueOutcome<Int> = BinanceErrors.classify(.reply(VenueReply(status: 400, body: body)), of: .query) { _ in 0 }
      guard case .failed(let failure) = outcome else {
        Issue.record("an error is a failure")
        continue
      }
      #expect(failure.kind == .permanent && failure.code == -1121 && failure.reason == "Invalid symbol.")
    }
  }
}
