import Crypto
import Domain
import Foundation
import Testing
import TestSupport

/// One published or computed signature, as `fixtures/<venue>/signing/vectors.json` holds it.
struct SigningVector: Decodable {
  let name: String
  let algorithm: String
  let secret: String
  let message: String
  let expected: String
}

@Suite struct VenueVectorTests {
  @Test(arguments: ["binance", "bybit", "okx", "deribit", "bitmart"])
  func signaturesAreTheVenues(venue: String) throws {
    let file = URL(filePath: try Places.fixture("\(venue)/signing/vectors.json"))
    let vectors = try JSONDecoder().decode([SigningVector].self, from: Data(contentsOf: file))
    #expect(!vectors.isEmpty)
    for vector in vectors {
      #expect(try signature(for: vector) == vector.expected, "\(venue): \(vector.name)")
    }
  }

  private func signature(for vector: SigningVector) throws -> String {
    switch vector.algorithm {
    case "HMAC-SHA256, lowercase hex":
      return HMACSHA256(key: vector.secret).signatureHex(of: vector.message)
    case "HMAC-SHA256, base64":
      return HMACSHA256(key: vector.secret).signature(of: vector.message).base64
    case "Ed25519, base64":
      let seed = try #require(Hex.decode(vector.secret.replacing("seed hex ", with: "")))
      return Base64.encode(try #require(Ed25519Signer(seed: seed)).signature(of: Array(vector.message.utf8)))
    default:
      Issue.record("no rule for \(vector.algorithm)")
      return ""
    }
  }
}
