import Measuring

/// Lines that are measured together.
struct Suite: Sendable {
  let name: String
  /// True for what takes too long for every build.
  var isLong = false
  let measure: @Sendable (Options) throws -> [Line]

  func isWanted(by options: Options) -> Bool {
    options.names.isEmpty ? !(isLong && options.isShort) : options.names.contains(name)
  }
}

/// Everything that can be measured, in the order of the table.
let suites = [
  Suite(name: "decode", measure: measureDecoding),
  Suite(name: "book", measure: measureBooks),
  Suite(name: "records", measure: measureRecords),
  Suite(name: "signing", measure: measureSigning),
  Suite(name: "risk", measure: measureRisk),
  Suite(name: "hop", measure: measureHop),
  Suite(name: "feed", measure: measureFeed),
  Suite(name: "frames", isLong: true, measure: measureFrames),
  Suite(name: "stack", measure: measureStack),
]
