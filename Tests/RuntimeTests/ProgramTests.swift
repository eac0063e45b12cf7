import Glibc
import Runtime
import TestSupport
import Testing

/// The life of a program as a supervisor sees it.
@Suite struct ProgramTests {
  private func probe(_ arguments: String..., environment: [String: String] = [:]) throws -> ChildProcess {
    try ChildProcess(try Places.executable("ServiceProbe"), arguments, environment: environment)
  }

  private func isRunning(_ process: ChildProcess) -> Bool {
    waitUntil(timeoutMilliseconds: 20_000) { process.output.contains("core runs") }
  }

  private func messages(_ process: ChildProcess) -> [String] {
    process.output.split(separator: "\n").compactMap { line in
      let halves: [Substring] = line.split(separator: "\"message\":\"", maxSplits: 1)
      return halves.count == 2 ? String(halves[1].prefix { $0 != "\"" }) : nil
    }
  }

  @Test(arguments: [SIGTERM, SIGINT]) func aSignalStopsThePartsInReverseOrder(signal: Int32) throws {
    let process = try probe()
    #expect(isRunning(process))
    #expect(process.stop(signal: signal, timeoutMilliseconds: 20_000) == 0)
    let ended = try #require(messages(process).firstIndex(of: "core ended"))
    let stopped = try #require(messages(process).firstIndex(of: "writer stopped"))
    #expect(ended < stopped && messages(process).last == "stopped")
  }

  @Test func aPartThatDoesNotStopIsLeftBehind() throws {
    let process = try probe("--behaviour", "deaf")
    #expect(isRunning(process))
    process.signal(SIGTERM)
    #expect(process.wait(timeoutMilliseconds: 20_000) == 75)
    #expect(messages(process).last == "core did not stop in time")
  }

  @Test func theSecondSignalEndsAtOnce() throws {
    let process = try probe("--behaviour", "deaf")
    #expect(isRunning(process))
    process.signal(SIGTERM)
    #expect(waitUntil(timeoutMilliseconds: 20_000) { process.output.contains("\"stopping\"") })
    process.signal(SIGTERM)
    #expect(process.wait(timeoutMilliseconds: 20_000) == 128 + SIGTERM)
  }

  @Test func aThreadThatEndsEndsTheProgramLoudly() throws {
    let process = try probe("--behaviour=quits")
    #expect(process.wait(timeoutMilliseconds: 20_000) == 70)
    #expect(messages(process).contains("thread core ended by itself"))
  }

  @Test func aWrongConfigurationIsExitCode2WithEveryProblem() throws {
    let process = try probe("--behaviour", "odd", "--nonsense", environment: ["APUS_NUMBER": "10"])
    #expect(process.wait(timeoutMilliseconds: 20_000) == 2)
    for word in ["APUS_BEHAVIOUR", "--nonsense", "APUS_NUMBER"] { #expect(process.output.contains(word)) }
  }

  @Test func helpIsExitCode0() throws {
    let process = try probe("--help")
    #expect(process.wait(timeoutMilliseconds: 20_000) == 0)
    #expect(process.output.contains("--number  APUS_NUMBER [1]  a number"))
  }
}
