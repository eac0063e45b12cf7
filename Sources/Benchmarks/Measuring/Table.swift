/// Lines as people read them.
public struct Table {
  private var rows: [[String]] = [["", "unit", "target", "floor", "ours", "(spread)", "ratio", "(spread)", ""]]

  /// A table of these lines.
  public init(_ lines: [Line]) {
    for line in lines { rows.append(Self.cells(line)) }
  }

  /// The table, a line each, the columns under one another.
  public var text: String {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let cells = zip(row, widths).enumerated().map { column, cell in
        let space = String(repeating: " ", count: cell.1 - cell.0.count)
        // Words begin under one another, numbers end.
        return column < 2 || column == row.count - 1 ? cell.0 + space : space + cell.0
      }
      return cells.joined(separator: "  ").trimmingEnd()
    }.joined(separator: "\n") + "\n"
  }

  private static func cells(_ line: Line) -> [String] {
    let verdict = line.isMet.map { $0 ? "met" : "MISSED" } ?? ""
    let details = line.details.map { "\($0.name) \(significant($0.value))" }
    return [
      line.name, line.unit, text(line.target), line.floor.map { significant($0.median) } ?? "", significant(line.ours.median),
      spread(line.ours, significant), line.ratio.map { "\(fixed($0.median, 2))×" } ?? "",
      line.ratio.map { ratio in spread(ratio) { fixed($0, 2) } } ?? "",
      ([verdict] + details).filter { !$0.isEmpty }.joined(separator: ", "),
    ]
  }

  private static func spread(_ spread: Spread, _ text: (Double) -> String) -> String {
    "\(text(spread.minimum))–\(text(spread.maximum))"
  }

  private static func text(_ target: Line.Target?) -> String {
    switch target {
    case .ratio(let limit): "≤ \(fixed(limit, 1))×"
    case .atMost(let limit): "≤ \(significant(limit))"
    case .atLeast(let limit): "≥ \(significant(limit))"
    case nil: ""
    }
  }
}

extension String {
  fileprivate func trimmingEnd() -> String {
    var text = self
    while text.last == " " { text.removeLast() }
    return text
  }
}

/// About three digits that matter, thousands apart: `0.427`, `12.6`, `842`, `2,104,331`.
public func significant(_ value: Double) -> String {
  let size = value.magnitude
  return fixed(value, size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3)
}

/// With so many digits behind the point, thousands apart.
public func fixed(_ value: Double, _ decimals: Int) -> String {
  guard value.isFinite, value.magnitude < 1e15 else { return "\(value)" }
  let power = (0..<decimals).reduce(1.0) { power, _ in power * 10 }
  let units = UInt64((value.magnitude * power).rounded())
  let (whole, part) = units.quotientAndRemainder(dividingBy: UInt64(power))
  var digits = Array(String(whole))
  for index in stride(from: digits.count - 3, to: 0, by: -3) { digits.insert(",", at: index) }
  let sign = value < 0 && units > 0 ? "-" : ""
  guard decimals > 0 else { return sign + String(digits) }
  let behind = String(part)
  return sign + String(digits) + "." + String(repeating: "0", count: decimals - behind.count) + behind
}
