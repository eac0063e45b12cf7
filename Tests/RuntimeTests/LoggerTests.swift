import Domain
import Glibc
import Runtime
import TestSupport
import Testing

@Suite struct LoggerTests {
  /// What a logger writes to a file.
  private func written(
    format: Logger.Format, level: LogLevel = .info, at time: Int64 = 1_763_725_641_123_456_789, _ body: (Logger) -> Void
  ) throws -> String {
    let directory = try TemporaryDirectory()
    let path = "\(directory.path)/log"
    let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    defer { close(file) }
    body(
      Logger(
        service: "Test", level: level, format: format, descriptor: file, clock: { Timestamp(nanoseconds: time) }))
    return String(decoding: try readFile(path), as: UTF8.self)
  }

  @Test func aLineIsOneJSONObject() throws {
    let line = try written(format: .json) {
      $0.info("Best Bid: 1 | Best Ask: 2", ["venue": "binance", "count": 3, "valid": true])
    }
    #expect(
      line == """
        {"ts":"2025-11-21T11:47:21.123456789Z","level":"info","service":"Test","message":"Best Bid: 1 | Best Ask: 2",\
        "venue":"binance","count":3,"valid":true}

        """)
  }

  @Test func whatComesFromOutsideCannotForgeALine() throws {
    let hostile = "a\"b\\c\nd\u{1B}[31m\u{0}"
    let json = try written(format: .json) { $0.error(hostile, ["k": .string(hostile)]) }
    #expect(json.utf8.filter { $0 == 10 }.count == 1)
    #expect(json.contains(#"a\"b\\c\nd\u001b[31m\u0000"#))
    let text = try written(format: .text) { $0.error(hostile, ["k": .string(hostile)]) }
    #expect(text.utf8.filter { $0 < 32 }.count == 1)
  }

  @Test func linesBelowTheLevelAreNotEvenBuilt() throws {
    let built = Counter()
    let text = try written(format: .text, level: .warning) { logger in
      func build() -> String {
        built.add()
        return "no"
      }
      logger.info(build())
      logger.warning("yes")
    }
    #expect(built.value == 0)
    #expect(text.contains("yes") && !text.contains("no"))
  }

  @Test(arguments: [
    (0, "1970-01-01T00:00:00.000000000Z"), (-1, "1969-12-31T23:59:59.999999999Z"),
    (951_782_400_000_000_000, "2000-02-29T00:00:00.000000000Z"), (1_709_251_199_000_000_001, "2024-02-29T23:59:59.000000001Z"),
    (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000000000Z"),
  ]) func datesAreRight(time: Int64, text: String) throws {
    #expect(try written(format: .text, at: time) { $0.info("x") }.hasPrefix(text))
  }

  @Test func linesOfManyThreadsDoNotMix() throws {
    let text = try written(format: .json) { logger in
      let threads = (0..<4).compactMap { number in
        try? NamedThread("writer") { for _ in 0..<200 { logger.info("m\(number)", ["pad": "0123456789"]) } }
      }
      for thread in threads { #expect(thread.join(timeoutMilliseconds: 30_000)) }
    }
    let lines = text.split(separator: "\n")
    #expect(lines.count == 800)
    #expect(lines.allSatisfy { $0.hasPrefix("{\"ts\":") && $0.hasSuffix("\"pad\":\"0123456789\"}") })
  }
}
