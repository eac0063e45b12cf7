import CZlib
import TestSupport
import Wire

/// The depth frames of a recording of a venue's traffic, as they came.
func recordedFrames(_ fixture: String, where isDepth: (String) -> Bool, limit: Int) throws -> PackedBytes {
  let path = try Places.fixture(fixture)
  guard let file = gzopen(path, "rb") else { throw TestSupportError("\(path) cannot be opened") }
  defer { gzclose(file) }
  var frames: [[UInt8]] = []
  var buffer = [CChar](repeating: 0, count: 4 << 20)
  while frames.count < limit, gzgets(file, &buffer, Int32(buffer.count)) != nil {
    let line = buffer.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }
    let record = try JSON.parse(line)
    guard record["t"]?.string == "recv", let frame = record["data"]?.string, isDepth(frame) else { continue }
    frames.append(Array(frame.utf8))
  }
  guard !frames.isEmpty else { throw TestSupportError("\(path) holds no depth frames") }
  return PackedBytes(frames)
}
