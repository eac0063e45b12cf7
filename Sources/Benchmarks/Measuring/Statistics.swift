/// The middle of several runs, and how far they lie apart: on a machine that others use, a single run says nothing.
public struct Spread: Sendable, Hashable {
  /// The middle value; of an even number the mean of the two in the middle.
  public let median: Double
  /// The lowest.
  public let minimum: Double
  /// The highest.
  public let maximum: Double

  /// The spread of at least one value.
  public init(_ values: [Double]) {
    precondition(!values.isEmpty, "a spread is of at least one run")
    let sorted = values.sorted()
    let middle = sorted.count / 2
    median = sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    minimum = sorted[0]
    maximum = sorted[sorted.count - 1]
  }
}

/// How long single operations took, in the unit of what was put in.
public struct Percentiles: Sendable, Hashable {
  /// How many there were.
  public let count: Int
  private let sorted: [Int64]

  /// Of at least one value, in any order.
  public init(_ values: [Int64]) {
    precondition(!values.isEmpty, "percentiles are of at least one value")
    sorted = values.sorted()
    count = values.count
  }

  /// The smallest value that at least this part of all (above 0, at most 1) does not exceed: the nearest rank, nothing interpolated.
  public func value(at part: Double) -> Int64 {
    let rank = Int((part * Double(count)).rounded(.up))
    return sorted[min(max(rank, 1), count) - 1]
  }

  /// Half of all took no longer.
  public var p50: Int64 { value(at: 0.5) }
  /// Ninety-nine of a hundred took no longer.
  public var p99: Int64 { value(at: 0.99) }
  /// The shortest.
  public var best: Int64 { sorted[0] }
  /// The longest.
  public var worst: Int64 { sorted[count - 1] }
}

/// When the operations of an open loop are due: at a fixed rate, whatever became of those before. Latency is counted from the instant at
/// which an operation was due, never from when it was sent: a system that stalls would else be asked less often just then.
public struct OpenLoop: Sendable, Hashable {
  /// When the first is due, in nanoseconds of any clock.
  public let start: Int64
  /// Between two, in nanoseconds.
  public let interval: Int64

  /// `perSecond` operations a second, at least one.
  public init(start: Int64, perSecond: Int) {
    self.start = start
    interval = 1_000_000_000 / Int64(perSecond)
  }

  /// When an operation is due, the first being number 0.
  public func due(_ number: Int) -> Int64 { start + Int64(number) * interval }
}
