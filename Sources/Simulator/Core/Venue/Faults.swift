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
  /// Text in the answer is replaced: `find` by `replace`. Matches `METHOD /path`.
  case alterReply = "alter_reply"
  /// An open WebSocket is cut, at once. Matches its path.
  case cutWebSocket = "cut_websocket"
  /// An open WebSocket stays open and says nothing for `milliseconds`, from now. Matches its path.
  case silenceWebSocket = "silence_websocket"
  /// A public message is not sent, though its number is used up. Matches the stream's name.
  case skipDiff = "skip_diff"
  /// A public message is sent twice. Matches the stream's name.
  case repeatDiff = "repeat_diff"
  /// A message of the private stream is not sent. Matches the event's name.
  case dropEvent = "drop_event"
  /// A message of the private stream is sent twice. Matches the event's name.
  case repeatEvent = "repeat_event"
  /// Text in a message of the private stream is replaced: `find` by `replace`. Matches the event's name.
  case alterEvent = "alter_event"
  /// An order cannot be found for `milliseconds` from its first query, though it lives. Matches its client id.
  case forgetOrder = "forget_order"
  /// The synthetic participants do nothing for `milliseconds`, from now: only clients' orders move the books; 0 ends it.
  case stillMarket = "still_market"
  /// The venue's clock is off by `milliseconds`, from now; 0 sets it right.
  case skewClock = "skew_clock"
  /// An `account`'s free `asset` changes by `amount`, outside all orders, now.
  case changeBalance = "change_balance"
  /// An open order ends and another one like it rests at `price` under an id of the venue's own, as by somebody at its web page, now.
  /// Matches its client id.
  case moveOrder = "move_order"
  /// An `account` may look and not trade, now; with `"lifted":true` it may again.
  case restrictAccount = "restrict_account"
  /// Every order and fill is gone and the balances are as at the start, now.
  case wipe = "wipe"

  /// True for what happens when it is ordered.
  var isImmediate: Bool {
    switch self {
    case .cutWebSocket, .silenceWebSocket, .stillMarket, .skewClock, .changeBalance, .moveOrder, .restrictAccount, .wipe: true
    default: false
    }
  }
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

  /// Forgets one fault.
  mutating func remove(_ id: Int64) { waiting.removeAll { $0.id == id } }

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

  /// The message with its text replaced, when a fault strikes.
  mutating func altered(_ message: [UInt8], _ kind: FaultKind, _ subject: @autoclosure () -> String) -> [UInt8] {
    guard let fault = take(kind, subject()), let find = fault.options["find"]?.string, !find.isEmpty else { return message }
    let parts = String(decoding: message, as: UTF8.self).split(separator: find, omittingEmptySubsequences: false)
    return Array(parts.joined(separator: fault.options["replace"]?.string ?? "").utf8)
  }
}
