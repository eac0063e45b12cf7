/// One line of the table: what a piece of work costs, beside what the least program costs that does it too.
public struct Line: Sendable {
  /// What is wanted.
  public enum Target: Sendable, Hashable {
    /// At most so many times the floor.
    case ratio(Double)
    /// At most so much, in the line's unit.
    case atMost(Double)
    /// At least so much, in the line's unit.
    case atLeast(Double)
  }

  /// A further number that is told beside the others.
  public struct Detail: Sendable, Hashable {
    /// What it is.
    public let name: String
    /// How much.
    public let value: Double
  }

  /// What it is called, as on the command line.
  public let name: String
  /// What is counted, such as `ns/frame`.
  public let unit: String
  /// What is wanted; nil where nothing is but to know.
  public var target: Target?
  /// The project's.
  public let ours: Spread
  /// The floor's, of the same run.
  public let floor: Spread?
  /// Ours to the floor's, of runs that followed one another.
  public let ratio: Spread?
  /// What else is worth telling.
  public var details: [Detail] = []

  /// A line without a floor.
  public init(_ name: String, unit: String, target: Target? = nil, ours: [Double]) {
    self.name = name
    self.unit = unit
    self.target = target
    self.ours = Spread(ours)
    floor = nil
    ratio = nil
  }

  /// A line with as many runs of the floor, each next to the one of ours that it is compared with.
  public init(_ name: String, unit: String, target: Target? = nil, ours: [Double], floor: [Double]) {
    precondition(ours.count == floor.count, "every run has its floor")
    self.name = name
    self.unit = unit
    self.target = target
    self.ours = Spread(ours)
    self.floor = Spread(floor)
    ratio = Spread(zip(ours, floor).map { $0 / $1 })
  }

  /// The same line with one number more.
  public func telling(_ name: String, _ value: Double) -> Line {
    var line = self
    line.details.append(Detail(name: name, value: value))
    return line
  }

  /// Of two measurements of one line, the one with the lower ratio.
  public func better(_ other: Line) -> Line {
    guard let ratio, let others = other.ratio else { return self }
    return others.median < ratio.median ? other : self
  }

  /// Whether the target is met, by the medians; nil without one.
  public var isMet: Bool? {
    switch target {
    case .ratio(let limit): ratio.map { $0.median <= limit }
    case .atMost(let limit): ours.median <= limit
    case .atLeast(let limit): ours.median >= limit
    case nil: nil
    }
  }
}
