import Foundation
import Testing
import Venues
import Wire

/// The recorded payloads lie beside the package, or where `APUS_FIXTURES` says. A missing folder is a failure, never a skip.
enum Fixtures {
  static let root: URL = {
    let beside = URL(filePath: #filePath).appending(path: "../../../../shared/fixtures").standardized
    return ProcessInfo.processInfo.environment["APUS_FIXTURES"].map { URL(filePath: $0) } ?? beside
  }()

  static func bytes(_ path: String) throws -> [UInt8] {
    let file = root.appending(path: path)
    try #require(FileManager.default.fileExists(atPath: file.path), "no \(path) in \(root.path): set APUS_FIXTURES")
    return [UInt8](try Data(contentsOf: file))
  }

  static func json(_ path: String) throws -> JSON { try JSON.parse(bytes(path)) }

  /// The `.json` files of a folder, by name.
  static func folder(_ path: String) throws -> [(name: String, json: JSON)] {
    let names = try FileManager.default.contentsOfDirectory(atPath: root.appending(path: path).path).filter {
      $0.hasSuffix(".json")
    }
    try #require(!names.isEmpty, "no \(path) in \(root.path): set APUS_FIXTURES")
    return try names.sorted().map { ($0, try json("\(path)/\($0)")) }
  }
}

extension JSON {
  /// The value as bytes again.
  var bytes: [UInt8] {
    var writer = JSONWriter()
    writer.value(self)
    return writer.bytes
  }
}

extension VenueRequest {
  /// The body as text.
  var bodyText: String { String(decoding: body, as: UTF8.self) }
}
