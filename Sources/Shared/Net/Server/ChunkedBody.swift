/// A body in chunks (RFC 9112 §7.1), joined as it arrives. Extensions and trailers are read over.
struct ChunkedBody {
  enum Step: Equatable {
    case needsMore
    case complete
    case tooLarge
    case malformed
  }

  private enum Phase {
    case size
    case data(remaining: Int)
    case dataEnd
    case trailers
  }

  /// A size line or a trailer line, which nobody needs longer.
  private static let maxLineBytes = 1_024
  private static let maxTrailerLines = 32

  private(set) var body: [UInt8] = []
  private let maxBytes: Int
  private var phase = Phase.size
  private var trailerLines = 0

  init(maxBytes: Int) {
    self.maxBytes = maxBytes
  }

  /// Takes what it can from the front of `input`.
  mutating func consume(_ input: inout [UInt8]) -> Step {
    var position = 0
    defer { input.removeFirst(position) }
    while true {
      let rest = input[position...]
      switch phase {
      case .data(let remaining):
        let taken = rest.prefix(remaining)
        body.append(contentsOf: taken)
        position += taken.count
        phase = taken.count == remaining ? .dataEnd : .data(remaining: remaining - taken.count)
        if taken.count < remaining { return .needsMore }
      case .dataEnd:
        guard rest.count >= 2 else { return .needsMore }
        guard rest.starts(with: [0x0d, 0x0a]) else { return .malformed }
        position += 2
        phase = .size
      case .size, .trailers:
        guard let lineFeed = rest.prefix(Self.maxLineBytes).firstIndex(of: 0x0a) else {
          return rest.count >= Self.maxLineBytes ? .malformed : .needsMore
        }
        let line = rest[..<lineFeed]
        guard line.last == 0x0d else { return .malformed }
        position = lineFeed + 1
        if let end = take(line: line.dropLast()) { return end }
      }
    }
  }

  /// The end, if this line is it.
  private mutating func take(line: ArraySlice<UInt8>) -> Step? {
    if case .trailers = phase {
      trailerLines += 1
      return line.isEmpty ? .complete : trailerLines > Self.maxTrailerLines ? .malformed : nil
    }
    let digits = line.prefix { $0 != UInt8(ascii: ";") }
    guard (1...15).contains(digits.count), digits.allSatisfy(isHexDigit),
      let size = Int(String(decoding: digits, as: UTF8.self), radix: 16)
    else { return .malformed }
    guard size <= maxBytes - body.count else { return .tooLarge }
    phase = size == 0 ? .trailers : .data(remaining: size)
    return nil
  }

  private func isHexDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"): true
    default: false
    }
  }
}
