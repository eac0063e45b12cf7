import Domain

/// The depth of one symbol at Binance, made from a seed: a snapshot, and diffs behind it of which none is missing. A frame has 642 bytes and
/// 15.8 levels on average, which is what such frames have in quiet hours. The middle stands still, so the book never crosses.
struct SyntheticDepth {
  /// Levels a side, one at every tick.
  static let depth = 500
  /// The middle between the sides, in ticks of 0.01.
  private static let middle = 2_679_575

  let venueSymbol: String
  /// The number of the last change so far.
  private(set) var lastID: Int64 = 50_000_000_000
  private var time: Int64 = 1_700_000_000_000
  private var generator: SeededGenerator

  init(seed: UInt64, venueSymbol: String = "BTCUSDT") {
    generator = SeededGenerator(seed: seed)
    self.venueSymbol = venueSymbol
  }

  /// The reply to a request for the book, as it was before the first frame.
  static func snapshot(lastID: Int64) -> [UInt8] {
    func side(_ sign: Int) -> String {
      (1...depth).map { level(distance: sign * $0, quantity: 100_000_000 + $0) }.joined(separator: ",")
    }
    return Array("{\"lastUpdateId\":\(lastID),\"bids\":[\(side(-1))],\"asks\":[\(side(1))]}".utf8)
  }

  /// The next diff, as it comes on a combined stream, or bare.
  mutating func nextFrame(isCombined: Bool = true) -> [UInt8] {
    let count = 5 + below(22) + (below(10) < 3 ? 1 : 0)
    let bids = below(count + 1)
    let firstID = lastID + 1
    lastID += Int64(count)
    time += 100
    let event =
      "{\"e\":\"depthUpdate\",\"E\":\(time),\"s\":\"\(venueSymbol)\",\"U\":\(firstID),\"u\":\(lastID)"
      + ",\"b\":[\(levels(bids, sign: -1))],\"a\":[\(levels(count - bids, sign: 1))]}"
    guard isCombined else { return Array(event.utf8) }
    return Array("{\"stream\":\"\(venueSymbol.lowercased())@depth@100ms\",\"data\":\(event)}".utf8)
  }

  /// So many levels of one side, best first; a quarter of them is gone.
  private mutating func levels(_ count: Int, sign: Int) -> String {
    var distances: Set<Int> = []
    while distances.count < count { distances.insert(distance()) }
    return distances.sorted().map { distance in
      Self.level(distance: sign * distance, quantity: below(4) == 0 ? 0 : 1 + below(900_000_000))
    }.joined(separator: ",")
  }

  /// Six of seven changes are near the best, the rest anywhere.
  private mutating func distance() -> Int {
    guard below(7) > 0 else { return 1 + below(Self.depth) }
    return 1 + min(below(60), below(60))
  }

  private static func level(distance: Int, quantity: Int) -> String {
    let price = middle + distance
    return
      "[\"\(price / 100).\(padded(price % 100, 2))000000\",\"\(quantity / 100_000_000).\(padded(quantity % 100_000_000, 8))\"]"
  }

  private static func padded(_ number: Int, _ digits: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: digits - text.count) + text
  }

  private mutating func below(_ bound: Int) -> Int { Int(generator.next() % UInt64(bound)) }
}
