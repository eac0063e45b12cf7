import Domain
import Glibc
import Net
import Runtime
import Synchronization
import Venues

/// Why a measurement of market data came to nothing.
struct IngestFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// `Benchmarks ingest`: the Ingestor's own WebSocket client, decoder and book in a bare loop, against a server that replays Binance.
///
/// From the environment: `PB_HTTP` and `PB_WS`, its addresses; `PB_SYMBOL`; `PB_LAST_U`, the update id at which to end; `PB_OBS`, the file
/// that then receives, for each applied diff, its update id and the instant at which the book had it (CLOCK_MONOTONIC, nanoseconds), both
/// as int64, little-endian.
func followVenue() throws -> Int32 {
  let environment = processEnvironment()
  func setting(_ name: String) throws -> String {
    guard let value = environment[name], !value.isEmpty else { throw IngestFailure("\(name) is not set") }
    return value
  }
  guard let last = Int64(try setting("PB_LAST_U")) else { throw IngestFailure("PB_LAST_U is no number") }
  let file = try setting("PB_OBS")
  let venueSymbol = try setting("PB_SYMBOL").uppercased().filter { $0.isLetter || $0.isNumber }
  let follower = try BookRunner(rest: try setting("PB_HTTP"), venueSymbol: venueSymbol, until: last)
  let streams = try WebSocketClient()
  let address = try setting("PB_WS") + "/stream?streams=\(venueSymbol.lowercased())@depth@100ms"
  try streams.connect(
    WebSocketRequest(address), messages: { _, frame, time in follower.receive(frame, at: time) },
    sink: { _, event, time in follower.tell(event, at: time) })
  try follower.finish()
  try replaceFile(file, with: follower.notes)
  return 0
}

/// Follows one book on the thread of its stream, which reads nothing while a snapshot is fetched. Sendable: all but the end is touched by
/// that thread alone, and the rest only when it has ended.
private final class BookRunner: @unchecked Sendable {
  /// Fetching a snapshot that does not fit is not repeated for ever.
  private static let maximumSnapshots = 100

  private let market = BinanceMarket.spot
  private let rest: String
  private let venueSymbol: String
  private let last: Int64
  private let http: HTTPClient
  private var sync: BookSync
  private var update = DepthUpdate()
  private var pairs: [Int64] = []
  private var snapshots = 0
  private let failure = Mutex<IngestFailure?>(nil)
  private let isOver = Latch()

  init(rest: String, venueSymbol: String, until last: Int64) throws {
    self.rest = rest
    self.venueSymbol = venueSymbol
    self.last = last
    http = try HTTPClient()
    sync = BookSync(rules: market.bookRules)
    pairs.reserveCapacity(1 << 20)
  }

  /// Waits for the last diff; throws when it does not come.
  func finish() throws {
    isOver.wait()
    if let failure = failure.withLock({ $0 }) { throw failure }
  }

  /// What `PB_OBS` receives.
  var notes: [UInt8] { pairs.map(\.littleEndian).withUnsafeBytes { Array($0) } }

  func tell(_ event: WebSocketEvent, at time: EventTime) {
    switch event {
    case .opened:
      _ = sync.opened(at: Timestamp(nanoseconds: time.monotonicNanoseconds))
      fetchBook()
    case .closed(let closure): fail("the stream ended: code \(closure.code) \(closure.reason)")
    case .text, .binary, .pong: break
    }
  }

  func receive(_ frame: UnsafeBufferPointer<UInt8>, at time: EventTime) {
    let now = Timestamp(nanoseconds: time.monotonicNanoseconds)
    do throws(ReplyError) {
      guard try VenueMarket.binance(market).decode(frame: frame, into: &update) == .depth, update.venueSymbol == venueSymbol
      else { return }
      note(sync.receive(update, at: now), update.lastID)
    } catch {
      _ = sync.damaged(at: now)
    }
    if sync.wantsSnapshot { fetchBook() }
  }

  private func note(_ step: BookStep, _ id: Int64) {
    guard step == .applied || step == .becameValid, !isOver.isSet else { return }
    pairs.append(id)
    pairs.append(monotonicNanoseconds())
    if id >= last { isOver.set() }
  }

  private func fetchBook() {
    snapshots += 1
    guard snapshots <= Self.maximumSnapshots, let request = market.bookRequest(venueSymbol: venueSymbol) else {
      return fail("no snapshot fits the stream")
    }
    let answer = BoundedQueue<HTTPOutcome>(capacity: 1)
    do {
      try http.submit(HTTPRequest(.get, rest + request.target)) { answer.push($0.outcome) }
      guard case .element(.response(let response)) = answer.pop(timeoutMilliseconds: 15_000), response.status == 200 else {
        throw IngestFailure("no snapshot")
      }
      var snapshot = DepthSnapshot()
      try BinanceDepth.decode(snapshot: response.body, into: &snapshot)
      let (step, waiting) = sync.load(snapshot)
      note(step, sync.lastID ?? 0)
      for step in waiting { note(sync.resume(step), step.lastID) }
    } catch {
      fail("\(error)")
    }
  }

  private func fail(_ reason: String) {
    guard !isOver.isSet else { return }
    failure.withLock { $0 = IngestFailure(reason) }
    isOver.set()
  }
}
