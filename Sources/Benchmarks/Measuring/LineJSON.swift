extension Line {
  /// The line as a JSON object: `{"name","unit","ours":{"median","min","max"},"floor","ratio","target","met","details"}`. Floor, ratio,
  /// target and verdict are absent where there is none.
  public var json: String {
    var members = [("name", quoted(name)), ("unit", quoted(unit)), ("ours", Self.json(ours))]
    if let floor { members.append(("floor", Self.json(floor))) }
    if let ratio { members.append(("ratio", Self.json(ratio))) }
    if let target { members.append(("target", Self.json(target))) }
    if let isMet { members.append(("met", isMet ? "true" : "false")) }
    if !details.isEmpty { members.append(("details", object(details.map { ($0.name, "\($0.value)") }))) }
    return object(members)
  }

  /// All lines as one JSON document: `{"lines":[…]}`.
  public static func document(_ lines: [Line]) -> String {
    "{\"lines\":[\n\(lines.map(\.json).joined(separator: ",\n"))\n]}\n"
  }

  private static func json(_ spread: Spread) -> String {
    object([("median", "\(spread.median)"), ("min", "\(spread.minimum)"), ("max", "\(spread.maximum)")])
  }

  private static func json(_ target: Target) -> String {
    switch target {
    case .ratio(let limit): object([("ratio", "\(limit)")])
    case .atMost(let limit): object([("at_most", "\(limit)")])
    case .atLeast(let limit): object([("at_least", "\(limit)")])
    }
  }
}

private func object(_ members: [(String, String)]) -> String {
  "{\(members.map { "\(quoted($0.0)):\($0.1)" }.joined(separator: ","))}"
}

/// Names here are our own and hold nothing that JSON would have escaped but these two.
private func quoted(_ text: String) -> String {
  "\"" + text.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "\""
}
