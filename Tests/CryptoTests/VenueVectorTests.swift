import Crypto
import Foundation
import Testing

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
    let vectors = try JSONDecoder().decode([SigningVector].self, from: Data(contentsOf: fixture("\(venue)/signing/vectors.json")))
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

  /// The fixtures lie beside the package, or where `APUS_FIXTURES` says. A missing folder is a failure, never a skip.
  private func fixture(_ path: String) throws -> URL {
    let beside = URL(filePath: #filePath).appending(path: "../../../../shared/fixtures").standardized
    let root = ProcessInfo.processInfo.environment["APUS_FIXTURES"].map { URL(filePath: $0) } ?? beside
    let file = root.appending(path: path)
    try #require(FileManager.default.fileExists(atPath: file.path), "no fixtures at \(root.path): set APUS_FIXTURES")
    return file
  }
}
