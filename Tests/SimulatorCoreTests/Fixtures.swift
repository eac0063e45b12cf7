import Foundation
import Testing
import Wire

/// The recorded and documented traffic beside the package, or where `APUS_FIXTURES` says. A missing file is a failure, never a skip.
enum Fixtures {
  private static let root: URL = {
    let beside = URL(filePath: #filePath).appending(path: "../../../../shared/fixtures").standardized
    return ProcessInfo.processInfo.environment["APUS_FIXTURES"].map { URL(filePath: $0) } ?? beside
  }()

  static func json(_ file: String) throws -> JSON {
    let path = root.appending(path: file)
    try #require(FileManager.default.fileExists(atPath: path.path), "no \(path.path): set APUS_FIXTURES")
    return try JSON.parse([UInt8](Data(contentsOf: path)))
  }
}
