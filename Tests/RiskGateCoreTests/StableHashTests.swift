import Domain
import Testing
import Wire

@testable import RiskGateCore

/// The hashes are kept in snapshots: a later version must come to the same ones, or it takes a repetition for a new order.
@Suite struct StableHashTests {
  /// The definition, byte by byte.
  private struct Model {
    var value: UInt64 = 0x243F_6A88_85A3_08D3

    mutating func add(_ word: UInt64) {
      let product = (value ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
      value = (product.high ^ product.low) &+ 0xD1B5_4A32_D192_ED03
    }

    mutating func add(_ number: Int64?) {
      add(number == nil ? 0 : 1)
      add(UInt64(bitPattern: number ?? 0))
    }

    mutating func add(_ text: String?) {
      guard let text else { return add(UInt64.max) }
      var rest = Array(text.utf8)[...]
      while rest.count >= 8 {
        add(rest.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        rest = rest.dropFirst(8)
      }
      add(rest.reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
      add(UInt64(text.utf8.count))
    }

    mutating func add(_ request: OrderRequest) {
      add(request.action.rawValue)
      for text in [request.venue.text, request.symbol.base, request.symbol.quote] { add(text) }
      add(request.side?.rawValue)
      add(request.type.rawValue)
      add(request.quantity?.units)
      add(request.quoteQuantity.map { UInt64(truncatingIfNeeded: $0.units) } ?? 0)
      add(request.quoteQuantity.map { UInt64(truncatingIfNeeded: $0.units >> 64) } ?? .max)
      add(request.price?.units)
      add(request.timeInForce.rawValue)
      add((request.symbol.isPerpetual ? 4 : 0) | (request.postOnly ? 2 : 0) | (request.reduceOnly ? 1 : UInt64(0)))
      add(request.expiresAt?.nanoseconds)
      add(request.strategy)
      for tag in request.tags { add(tag) }
      add(request.target?.text)
    }
  }

  @Test func textsOfEveryLengthAreHashedByTheDefinition() {
    var generator = SeededGenerator(seed: 7)
    for length in 0...64 {
      let text = String((0..<length).map { _ in Character(Unicode.Scalar(UInt8(0x21 + generator.next() % 90))) })
      var model = Model()
      model.add(text)
      #expect(text.stableHash == model.value, "\(length) bytes")
    }
  }

  @Test func requestsOfEveryKindAreHashedByTheDefinition() {
    for action in OrderAction.allCases {
      for type in OrderType.allCases {
        for timeInForce in TimeInForce.allCases {
          for side in [Side.buy, .sell, nil] { expectDefinition(request(action, type, timeInForce, side)) }
        }
      }
    }
  }

  @Test func aHashThatLiesInSnapshotsStaysTheSame() {
    #expect("client-order-1".stableHash == 0x1000_A2F5_B102_760C)
  }

  private func request(_ action: OrderAction, _ type: OrderType, _ timeInForce: TimeInForce, _ side: Side?) -> OrderRequest {
    OrderRequest(
      action: action, account: Harness.main, clientOrderID: Harness.id("some"), venue: .bybit, symbol: Harness.btc, side: side,
      type: type, quantity: side == .buy ? Quantity(units: 25) : nil, quoteQuantity: side == .sell ? Money(units: -7) : nil,
      price: type == .limit ? Price(units: 9) : nil, timeInForce: timeInForce, postOnly: side == nil,
      reduceOnly: action == .new, expiresAt: type == .market ? Timestamp(nanoseconds: 77) : nil,
      strategy: side == .buy ? "a-strategy-of-some-length" : nil, tags: side == .sell ? ["one", ""] : [],
      target: action == .cancel ? Harness.id("target-of-it") : nil)
  }

  private func expectDefinition(_ request: OrderRequest) {
    var model = Model()
    model.add(request)
    #expect(Shared(request).contentHash == model.value, "\(request)")
  }
}
