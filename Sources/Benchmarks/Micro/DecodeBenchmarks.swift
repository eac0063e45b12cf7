import Domain
import Floors
import Measuring
import Venues

/// Recorded frames to integers: every level of them.
func measureDecoding(_ options: Options) throws -> [Line] {
  let binance = try recordedFrames(
    "binance/captures/spot_20211011.jsonl.gz", where: { $0.contains("@depth") && $0.contains("depthUpdate") }, limit: 500)
  let bybit = try recordedFrames(
    "bybit/captures/v5_20260809.jsonl.gz", where: { $0.contains("\"topic\":\"orderbook.") }, limit: 500)
  return [
    try decoding("decode/binance", binance, options, floor: floor_decode_binance) { frame, update in
      _ = try BinanceDepth.decode(frame: frame, into: &update)
    },
    try decoding("decode/bybit", bybit, options, floor: floor_decode_bybit) { frame, update in
      _ = try BybitDepth.decode(frame: frame, into: &update)
    },
  ]
}

private func decoding(
  _ name: String, _ frames: PackedBytes, _ options: Options, floor: @escaping (UnsafePointer<floor_frames>) -> UInt64,
  decode: @escaping (UnsafeBufferPointer<UInt8>, inout DepthUpdate) throws -> Void
) throws -> Line {
  // About 30 ms of work.
  let passes = max(1, 30_000_000 / frames.totalBytes)
  var packed = frames.frames
  var update = DepthUpdate()
  let contest = Contest(
    name: name, unit: "ns/frame", operations: passes * frames.count, target: .ratio(1.5),
    floor: { Sample { (0..<passes).reduce(into: UInt64(0)) { sum, _ in sum &+= floor(&packed) } } },
    ours: {
      try Sample {
        var sum: UInt64 = 0
        for _ in 0..<passes {
          for index in 0..<frames.count {
            try decode(frames[index], &update)
            sum &+= total(update.bids) &+ total(update.asks)
          }
        }
        return sum
      }
    })
  return try contest.run(options).telling("bytes/frame", Double(frames.totalBytes) / Double(frames.count))
}

private func total(_ levels: [BookLevel]) -> UInt64 {
  var sum: UInt64 = 0
  for level in levels { sum &+= UInt64(bitPattern: level.price.units) &+ UInt64(bitPattern: level.quantity.units) }
  return sum
}
