import Crypto
import Domain
import Floors
import Measuring
import Venues

/// A message under a key; an order to the bytes of its request.
func measureSigning(_ options: Options) throws -> [Line] {
  guard let signer = floor_signer_new(secret) else { return [] }
  defer { floor_signer_free(signer) }
  return [try signing(signer, options), try buildingOrders(signer, options)]
}

private let secret = "a-secret-of-the-usual-64-characters-which-a-venue-hands-out-once"

private func signing(_ signer: OpaquePointer, _ options: Options) throws -> Line {
  let passes = 20_000
  let message =
    "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.25&price=26795.4&newClientOrderId=apus-4f2a9c81d3e07b65"
    + "&newOrderRespType=FULL&recvWindow=2000&timestamp=1700000000000"
  let hmac = HMACSHA256(key: secret)
  var hex = [CChar](repeating: 0, count: 64)
  return try Contest(
    name: "signing/hmac", unit: "ns/message", operations: passes, target: .ratio(1.5),
    floor: {
      Sample {
        floor_sign(signer, message, message.utf8.count, &hex, passes)
        return hash(hex.map { UInt8(bitPattern: $0) })
      }
    },
    ours: {
      Sample {
        var signature = ""
        for _ in 0..<passes { signature = hmac.signatureHex(of: message) }
        return hash(Array(signature.utf8))
      }
    }
  ).run(options)
}

private func buildingOrders(_ signer: OpaquePointer, _ options: Options) throws -> Line {
  let passes = 10_000
  let trading = BinanceTrading(credentials: BinanceCredentials(apiKey: "key", secret: secret))
  let order = NewOrder(
    clientID: "apus-4f2a9c81d3e07b65", venueSymbol: "BTCUSDT", side: .buy, terms: .limit(price: try Price("26795.4"), .gtc),
    quantity: try Quantity("0.25"))
  let time = Timestamp(milliseconds: 1_700_000_000_000)
  var body = [CChar](repeating: 0, count: 1_024)
  return try Contest(
    name: "signing/order", unit: "ns/order", operations: passes, target: .ratio(1.5),
    floor: {
      Sample {
        let length = floor_order_body(
          signer, order.venueSymbol, 1, order.quantity.units, 267_954_000_000_000, order.clientID, time.milliseconds, &body,
          passes)
        return hash(body.prefix(length).map { UInt8(bitPattern: $0) })
      }
    },
    ours: {
      Sample {
        var request = trading.place(order, at: time)
        for _ in 1..<passes { request = trading.place(order, at: time) }
        return hash(request.body)
      }
    }
  ).run(options)
}

/// FNV-1a: whether two texts are the same.
func hash(_ bytes: [UInt8]) -> UInt64 {
  bytes.reduce(14_695_981_039_346_656_037) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
}
