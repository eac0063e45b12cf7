import Domain
import Wire

/// What can be made to go wrong. A fault waits until something matches it, happens, and is counted down.
///
/// A new kind is a case here and one `take` where it strikes.
public enum FaultKind: String, CaseIterable, Sendable {
  /// The request is carried out, its answer never sent. Matches `METHOD /path`.
  case dropReply = "drop_reply"
  /// The answer takes `milliseconds` longer. Matches `METHOD /path`.
  case delayReply = "delay_reply"
  /// The request is carried out, the client is told HTTP `status` with `body`. Matches `METHOD /path`.
  case failReply = "fail_reply"
  /// The request is not carried out, the client is told HTTP `status` with `body`. Matches `METHOD /path`.
  case refuseRequest = "refuse_request"
  /// An open WebSocket is cut, at once. Matches its path.
  case cutWebSocket = "cut_websocket"
  /// A public message is not sent, though its number is used up. Matches the stream's name.
  case skipDiff = "skip_diff"
  /// A public message is sent twice. Matches the stream's name.
  case repeatDiff = "repeat_diff"
  /// A message of the private stream is not sent. Matches the event's name.
  case dropEvent = "drop_event"
  /// A message of the private stream is sent twice. Matches the event's name.
  case repeatEvent = "repeat_event"
}

/// A fault that waits.
public struct Fault: Sendable {
  /// Its number.
  public let id: Int64
  /// What goes wrong.
  public let kind: FaultKind
  /// What it strikes: the whole text, or its beginning when a `*` follows; `*` alone strikes everything.
  public let match: String
  /// How many times it still strikes.
  public internal(set) var count: Int64
  /// Everything that was asked for, for what a kind wants besides.
  let options: JSON

  func matches(_ subject: String) -> Bool {
    match.hasSuffix("*") ? subject.utf8.starts(with: match.utf8.dropLast()) : match == subject
  }
}

/// The faults that wait, in the order they were asked for.
public struct FaultList: Sendable {
  /// At most this many wait at one time.
  static let limit = 100

  /// The faults.
  public private(set) var waiting: [Fault] = []
  private var lastID: Int64 = 0

  /// Takes a fault on; nil when too many wait already.
  mutating func add(_ kind: FaultKind, match: String, count: Int64, options: JSON) -> Fault? {
    guard waiting.count < Self.limit else { return nil }
    lastID += 1
    let fault = Fault(id: lastID, kind: kind, match: match, count: count, options: options)
    waiting.append(fault)
    return fault
  }

  /// Forgets every fault.
  mutating func removeAll() { waiting.removeAll() }

  /// Forgets the faults of one kind.
  mutating func removeAll(of kind: FaultKind) { waiting.removeAll { $0.kind == kind } }

  /// The first fault of this kind that strikes the subject, counted down; nil when there is none.
  mutating func take(_ kind: FaultKind, _ subject: @autoclosure () -> String) -> Fault? {
    guard !waiting.isEmpty else { return nil }
    let subject = subject()
    guard let index = waiting.firstIndex(where: { $0.kind == kind && $0.matches(subject) }) else { return nil }
    waiting[index].count -= 1
    let fault = waiting[index]
    if fault.count == 0 { waiting.remove(at: index) }
    return fault
  }

  /// How many times a public message goes out: once, unless a fault strikes.
  mutating func copies(ofPublic stream: @autoclosure () -> String) -> Int { copies(.skipDiff, .repeatDiff, stream()) }

  /// How many times a private message goes out: once, unless a fault strikes.
  mutating func copies(ofPrivate event: @autoclosure () -> String) -> Int { copies(.dropEvent, .repeatEvent, event()) }

  private mutating func copies(_ lost: FaultKind, _ doubled: FaultKind, _ subject: @autoclosure () -> String) -> Int {
    if take(lost, subject()) != nil { return 0 }
    return take(doubled, subject()) == nil ? 1 : 2
  }
}
