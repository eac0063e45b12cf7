import CZlib
import Glibc
import Runtime
import Venues

/// `apus replay --venue bybit --market linear --depth 200 --symbol BTCUSDT FILE…`: feeds recorded frames, in the order of the files and their lines, through the
/// code that keeps the live books, and prints the book that comes out. Files are JSON lines, gzipped or not.
///
/// Returns the exit code: 0, or 2 when the arguments or a file cannot be used.
func runReplay(arguments: [String]) -> Int32 {
  do {
    let command = try ReplayCommand(arguments)
    print(try command.run())
    return 0
  } catch {
    complain(error.message)
    return 2
  }
}

private struct ReplayFailure: Error {
  let message: String
}

private struct ReplayCommand {
  static let usage = """
    usage: apus replay --venue binance --symbol BTCUSDT FILE…
           apus replay --venue bybit --market spot|linear --depth N --symbol BTCUSDT FILE…
    """

  private var venue = ""
  private var market = ""
  private var depth = ""
  private var venueSymbol = ""
  private var files: [String] = []

  init(_ arguments: [String]) throws(ReplayFailure) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--venue": venue = rest.popFirst() ?? ""
      case "--market": market = rest.popFirst() ?? ""
      case "--depth": depth = rest.popFirst() ?? ""
      case "--symbol": venueSymbol = rest.popFirst() ?? ""
      default:
        guard !argument.hasPrefix("--") else { throw ReplayFailure(message: "unknown option \(argument)\n\(Self.usage)") }
        files.append(argument)
      }
    }
    guard !venueSymbol.isEmpty, !files.isEmpty else { throw ReplayFailure(message: Self.usage) }
  }

  /// What each venue's recordings need to know before they can be read.
  private func makeReplay() throws(ReplayFailure) -> any BookReplay {
    switch venue {
    case "binance": return BinanceReplay(venueSymbol: venueSymbol)
    case "bybit":
      guard let category = BybitMarket.Category(rawValue: market), let depth = Int(depth), depth > 0 else {
        throw ReplayFailure(message: "bybit needs --market spot|linear and --depth N\n\(Self.usage)")
      }
      return BybitReplay(market: BybitMarket(category, depth: depth), venueSymbol: venueSymbol)
    default: throw ReplayFailure(message: "--venue must be binance or bybit\n\(Self.usage)")
    }
  }

  func run() throws(ReplayFailure) -> String {
    var replay = try makeReplay()
    for file in files {
      var reader = try LineReader(file)
      while let line = try reader.next() {
        if line.isEmpty { continue }
        do throws(ReplyError) {
          try replay.take(line: line)
        } catch {
          // A file of something else is a mistake; a broken line in a recording is a loss that the book must know of.
          let message = "\(file), line \(reader.lineNumber): not a record: \(error)"
          guard reader.lineNumber > 1 else { throw ReplayFailure(message: message) }
          complain(message)
          replay.lose()
        }
      }
    }
    guard replay.hasSeenSymbol else {
      throw ReplayFailure(message: "no depth of \(venueSymbol) in \(files.joined(separator: ", "))")
    }
    if replay.book == nil { complain("the book of \(venueSymbol) is not valid at the end: no levels are shown") }
    return String(decoding: replay.summary(), as: UTF8.self)
  }
}

/// Reads a file line by line; zlib takes gzipped and plain files alike.
private struct LineReader: ~Copyable {
  /// A longer line is no record of ours.
  private static let maximumLineBytes = 64 << 20

  /// Number of the line that `next` gave last, from 1.
  private(set) var lineNumber = 0
  private let name: String
  private let file: gzFile
  private var buffer: [UInt8] = []
  private var position = 0
  private var isAtEnd = false

  init(_ name: String) throws(ReplayFailure) {
    guard let file = gzopen(name, "rb") else { throw ReplayFailure(message: "\(name): \(String(cString: strerror(errno)))") }
    self.name = name
    self.file = file
  }

  deinit { gzclose(file) }

  /// The next line without its end, or nil behind the last.
  mutating func next() throws(ReplayFailure) -> [UInt8]? {
    var searched = position
    while true {
      if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        defer { position = end + 1 }
        lineNumber += 1
        return Array(buffer[position..<end])
      }
      if isAtEnd { return lastLine() }
      buffer.removeFirst(position)
      position = 0
      searched = buffer.count
      guard searched <= Self.maximumLineBytes else { throw ReplayFailure(message: "\(name), line \(lineNumber + 1): too long") }
      try fill()
    }
  }

  private mutating func lastLine() -> [UInt8]? {
    guard position < buffer.count else { return nil }
    defer { position = buffer.count }
    lineNumber += 1
    return Array(buffer[position...])
  }

  private mutating func fill() throws(ReplayFailure) {
    let chunkBytes = 1 << 18
    let start = buffer.count
    buffer.append(contentsOf: repeatElement(0, count: chunkBytes))
    let count = buffer.withUnsafeMutableBytes { bytes in
      gzread(file, bytes.baseAddress?.advanced(by: start), UInt32(chunkBytes))
    }
    buffer.removeLast(chunkBytes - max(0, Int(count)))
    // A file that was cut off reads well up to there, and only then says so.
    var code: Int32 = 0
    let message = gzerror(file, &code).map { String(cString: $0) } ?? "\(name): cannot be read"
    guard count >= 0, code == Z_OK || code == Z_STREAM_END else { throw ReplayFailure(message: message) }
    isAtEnd = count == 0
  }
}

private func complain(_ message: String) {
  try? writeAll(Array("apus replay: \(message)\n".utf8), to: STDERR_FILENO)
}
