import CZlib
import Domain
import Foundation
import Testing
import Wire

@testable import Venues

/// A recorded session, one JSON line a record.
struct Capture {
  static let names = ["spot_20210417", "spot_20211011", "futures_20210722"]

  var lines: [[UInt8]]
  let expected: [JSONMember]

  init(_ name: String) throws {
    lines = try inflated("binance/captures/\(name).jsonl.gz").split(separator: UInt8(ascii: "\n")).map(Array.init)
    expected = try #require(try Fixtures.json("binance/captures/\(name).expected.json")["books"]?.members)
  }

  /// Plays all lines for one symbol.
  func replay(_ venueSymbol: String) throws -> BinanceReplay {
    var replay = BinanceReplay(venueSymbol: venueSymbol)
    for line in lines { try replay.take(line: line) }
    return replay
  }

  /// Where the depth frames of a symbol are.
  func depthFrames(_ venueSymbol: String) throws -> [Int] {
    let opening = Array(#""data":"{\"stream\":\"\#(venueSymbol.lowercased())@depth"#.utf8)
    return lines.indices.filter { contains(lines[$0], opening) }
  }

  /// Where the snapshot of a symbol is.
  func snapshot(_ venueSymbol: String) throws -> Int {
    let url = Array("/depth?symbol=\(venueSymbol)&".utf8)
    return try #require(lines.indices.first { contains(lines[$0], url) })
  }

  private func contains(_ line: [UInt8], _ part: [UInt8]) -> Bool {
    // What is looked for lies near the line's beginning.
    let head = line.prefix(400)
    return head.indices.dropLast(part.count).contains { head[$0...].starts(with: part) }
  }
}

/// The bytes of a gzipped recording.
func inflated(_ path: String) throws -> [UInt8] {
  let file = try #require(gzopen(Fixtures.root.appending(path: path).path, "rb"), "no \(path): set APUS_FIXTURES")
  defer { gzclose(file) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = gzread(file, &chunk, UInt32(chunk.count))
    try #require(count >= 0, "\(path) is damaged")
    if count == 0 { return bytes }
    bytes += chunk[..<Int(count)]
  }
}
