/// The ratios that are to hold, each with the room that the noise of shared machines needs.
public struct Margins: Sendable, Hashable {
  /// Name and highest ratio of each line that is judged, in the order of the file.
  public let limits: [Limit]

  /// What one line may come to.
  public struct Limit: Sendable, Hashable {
    /// The line's name.
    public let name: String
    /// The highest median ratio.
    public let ratio: Double
  }

  /// A line of the file that says nothing.
  public struct Unreadable: Error, CustomStringConvertible {
    /// What it says.
    public let description: String
  }

  /// Reads `name ratio` lines; `#` begins a comment.
  public init(_ text: String) throws(Unreadable) {
    var limits: [Limit] = []
    for line in text.split(separator: "\n") {
      let words = line.prefix { $0 != "#" }.split(separator: " ")
      if words.isEmpty { continue }
      guard words.count == 2, let ratio = Double(words[1]), ratio > 0 else { throw Unreadable(description: "no margin: \(line)") }
      limits.append(Limit(name: String(words[0]), ratio: ratio))
    }
    self.limits = limits
  }

  /// The names of the lines whose ratio is above its limit.
  public func exceeded(by lines: [Line]) -> Set<String> {
    Set(
      limits.filter { limit in lines.contains { $0.name == limit.name && ($0.ratio?.median ?? 0) > limit.ratio } }.map(\.name))
  }

  /// What is wrong with these lines: a ratio above its limit, or, when everything was to be measured, a line that is judged and missing.
  public func faults(in lines: [Line], isEverything: Bool) -> [String] {
    limits.compactMap { limit in
      guard let ratio = lines.first(where: { $0.name == limit.name })?.ratio else {
        return isEverything ? "\(limit.name) was not measured beside its floor" : nil
      }
      guard ratio.median > limit.ratio else { return nil }
      return "\(limit.name) takes \(fixed(ratio.median, 2)) times its floor; \(fixed(limit.ratio, 2)) are allowed"
    }
  }
}
