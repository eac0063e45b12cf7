import Runtime
import TestSupport
import Testing

@Suite struct ConfigurationTests {
  private enum Colour: String, CaseIterable { case red, green }

  @Test func argumentsBeatTheEnvironmentWhichBeatsDefaults() throws {
    var configuration = Configuration(
      environment: ["KAFKA_BOOTSTRAP": "env:1", "APUS_PORT": "2", "EMPTY": ""], arguments: ["--kafka-bootstrap", "arg:1"])
    #expect(configuration.string("KAFKA_BOOTSTRAP", default: "default:1") == "arg:1")
    #expect(configuration.int("APUS_PORT", default: 3, in: 1...10) == 2)
    #expect(configuration.string("EMPTY", default: "fallback") == "fallback")
    #expect(configuration.optionalString("ABSENT") == nil)
    try configuration.check()
  }

  @Test func argumentsComeInBothSpellingsAndAsFlags() throws {
    var configuration = Configuration(environment: [:], arguments: ["--port=7", "--verbose", "--names", "a, b,,c"])
    #expect(configuration.int("APUS_PORT", in: 1...10) == 7)
    let verbose = configuration.bool("APUS_VERBOSE", default: false)
    #expect(verbose)
    #expect(configuration.list("APUS_NAMES") == ["a", "b", "c"])
    let colour: Colour? = configuration.choice("APUS_COLOUR", default: .green)
    #expect(colour == .green)
    try configuration.check()
  }

  @Test func everyProblemIsReportedAtOnce() {
    var configuration = Configuration(
      environment: ["APUS_PORT": "70000", "APUS_FLAG": "maybe"], arguments: ["stray", "--unknown", "x", "--colour", "blue"])
    _ = configuration.int("APUS_PORT", default: 1, in: 0...65_535)
    _ = configuration.bool("APUS_FLAG", default: true)
    _ = configuration.string("APUS_MISSING")
    let _: Colour? = configuration.choice("APUS_COLOUR", default: .red)
    let error = #expect(throws: ConfigurationError.self) { try configuration.check() }
    let problems = error?.problems ?? []
    #expect(problems.count == 6)
    for word in ["stray", "APUS_PORT", "APUS_FLAG", "APUS_MISSING", "APUS_COLOUR", "--unknown"] {
      #expect(problems.contains { $0.contains(word) }, "nothing about \(word) in \(problems)")
    }
  }

  @Test func secretsComeFromTheEnvironmentOrAFileAndNeverShow() throws {
    let directory = try TemporaryDirectory()
    let file = try directory.write("key", "from-file\n")
    var configuration = Configuration(environment: ["KEY": "from-env", "OTHER_FILE": file], arguments: [])
    let key = configuration.secret("KEY", required: true)
    #expect(key?.reveal() == "from-env")
    #expect(configuration.secret("OTHER", required: true)?.reveal() == "from-file")
    #expect(configuration.secret("ABSENT") == nil)
    try configuration.check()
    var dumped = ""
    dump(key, to: &dumped)
    for text in ["\(key as Any)", String(reflecting: key), dumped, configuration.usage(program: "x")] {
      #expect(!text.contains("from-env"))
    }
  }

  @Test func secretsAreRefusedAsArguments() {
    var configuration = Configuration(environment: [:], arguments: ["--key", "visible"])
    _ = configuration.secret("KEY")
    let error = #expect(throws: ConfigurationError.self) { try configuration.check() }
    #expect(error?.description.contains("visible") == false)
  }

  @Test func helpListsEverySetting() {
    var configuration = Configuration(environment: [:], arguments: ["--help"])
    _ = configuration.string("KAFKA_BOOTSTRAP", default: "127.0.0.1:9092", help: "where the brokers are")
    #expect(configuration.wantsHelp)
    #expect(configuration.usage(program: "x").contains("--kafka-bootstrap  KAFKA_BOOTSTRAP [127.0.0.1:9092]"))
  }
}
