/// Records that may go to the log only behind others: a snapshot knows of decisions, and must not be in the log while a crash can still
/// take those back. Tokens name the records that are on their way; they grow.
public struct Holdback<Record: Sendable>: Sendable {
  private var underWay = Queue<UInt64>()
  private var finished: Set<UInt64> = []
  private var held: [(record: Record, behind: UInt64)] = []
  private var newest: UInt64 = 0

  /// Nothing is on its way.
  public init() {}

  /// True when no record waits.
  public var isEmpty: Bool { held.isEmpty }

  /// True when nothing waits and nothing is on its way.
  var isSettled: Bool { held.isEmpty && underWay.first == nil }

  /// A record is on its way.
  public mutating func begin(_ token: UInt64) {
    underWay.append(token)
    newest = token
  }

  /// A record is in the log.
  public mutating func finish(_ token: UInt64) {
    guard let oldest = underWay.first, token >= oldest else { return }
    finished.insert(token)
    while let first = underWay.first, finished.remove(first) != nil { _ = underWay.popFirst() }
  }

  /// Keeps a record until everything that is on its way now is in the log.
  public mutating func hold(_ record: Record) { held.append((record, newest)) }

  /// The oldest record that waits, once it need not wait any more.
  public mutating func takeFree() -> Record? {
    guard let first = held.first, underWay.first.map({ $0 > first.behind }) ?? true else { return nil }
    return held.removeFirst().record
  }
}
