import Crypto
import Domain
import Glibc
import Runtime
import Synchronization

/// A server on loopback that replays the depth of one symbol as Binance serves it: the snapshot under `/api/v3/depth`, the stream under any
/// WebSocket path, the symbol under `/api/v3/exchangeInfo`. The frames are made beforehand, so that serving them costs next to nothing.
final class VenueReplay: Sendable {
  /// What is served, and how.
  struct Plan {
    var frames = 100_000
    /// One frame at each of so many instants a second, whatever the client does; 0 sends as fast as the socket takes.
    var perSecond = 0
    var seed: UInt64 = 1
    var port: UInt16 = 0
    /// Nothing is sent before a snapshot was asked for; else from the first moment on.
    var waitsForSnapshot = true
  }

  /// The port on 127.0.0.1.
  let port: UInt16
  /// The number of the last change in each frame.
  let lastIDs: [Int64]

  private let plan: Plan
  private let listener: Int32
  /// All frames as they go over the wire, and where each ends.
  private let wire: [UInt8]
  private let ends: [Int]
  private let snapshot: [UInt8]
  private let snapshotAsked = Latch()
  private let firstDue = Atomic<Int64>(0)

  init(_ plan: Plan) throws {
    self.plan = plan
    var depth = SyntheticDepth(seed: plan.seed)
    snapshot = SyntheticDepth.snapshot(lastID: depth.lastID)
    var wire: [UInt8] = []
    var ends: [Int] = []
    var lastIDs: [Int64] = []
    wire.reserveCapacity(plan.frames * 660)
    for _ in 0..<plan.frames {
      let payload = depth.nextFrame()
      wire.append(0x81)
      if payload.count <= 125 {
        wire.append(UInt8(payload.count))
      } else {
        wire += [126, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
      }
      wire += payload
      ends.append(wire.count)
      lastIDs.append(depth.lastID)
    }
    (self.wire, self.ends, self.lastIDs) = (wire, ends, lastIDs)
    (listener, port) = try Self.listen(on: plan.port)
    _ = try NamedThread("venue") { [self] in accept() }
  }

  /// Ends the server; connections end when their clients do.
  func shutDown() { shutdown(listener, Int32(SHUT_RDWR)) }

  /// When the frame was to be sent, nanoseconds of the monotonic clock; 0 before any was.
  func due(ofFrame index: Int) -> Int64 {
    let first = firstDue.load(ordering: .acquiring)
    return first == 0 || plan.perSecond == 0 ? first : first + Int64(index) * 1_000_000_000 / Int64(plan.perSecond)
  }

  private static func listen(on port: UInt16) throws -> (Int32, UInt16) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var one: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(descriptor, address, length) == 0 && Glibc.listen(descriptor, 64) == 0
          ? getsockname(descriptor, address, &length) : -1
      }
    }
    guard descriptor >= 0, code == 0 else { throw SystemError("listen on 127.0.0.1 port \(port)") }
    return (descriptor, UInt16(bigEndian: address.sin_port))
  }

  private func accept() {
    while case let client = Glibc.accept(listener, nil, nil), client >= 0 {
      var one: Int32 = 1
      setsockopt(client, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
      do {
        _ = try NamedThread("venue-client") { [self] in
          serve(client)
          close(client)
        }
      } catch {
        close(client)
      }
    }
    close(listener)
  }

  /// One client: requests one after another, until one of them becomes a stream.
  private func serve(_ client: Int32) {
    var rest: [UInt8] = []
    while let head = nextHead(client, &rest) {
      let target = head.split(separator: " ").dropFirst().first ?? ""
      let key = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("sec-websocket-key:") }
      if let key = key?.split(separator: ":", maxSplits: 1).last?.filter({ $0 != " " }) {
        let accept = Base64.encode(SHA1.digest(of: Array("\(key)258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)))
        let answer =
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: \(accept)\r\n\r\n"
        guard send(Array(answer.utf8)[...], to: client) else { return }
        return stream(to: client)
      }
      let body = reply(to: target)
      let answer = "HTTP/1.1 \(body == nil ? "404 Not Found" : "200 OK")\r\nContent-Length: \(body?.count ?? 0)\r\n\r\n"
      guard send((Array(answer.utf8) + (body ?? []))[...], to: client) else { return }
      if target.hasPrefix("/api/v3/depth") { snapshotAsked.set() }
    }
  }

  private func reply(to target: Substring) -> [UInt8]? {
    switch target.prefix(while: { $0 != "?" }) {
    case "/api/v3/depth": return snapshot
    case "/api/v3/time": return Array("{\"serverTime\":\(wallClock().milliseconds)}".utf8)
    case "/api/v3/ping": return Array("{}".utf8)
    case "/api/v3/exchangeInfo":
      return Array(
        #"""
        {"symbols":[{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT","filters":[
        {"filterType":"PRICE_FILTER","minPrice":"0.01","maxPrice":"0","tickSize":"0.01"},
        {"filterType":"LOT_SIZE","minQty":"0","maxQty":"9000","stepSize":"0.00000001"}]}]}
        """#.utf8)
    default: return nil
    }
  }

  /// The next request's head, nil at the end; GET requests have no body.
  private func nextHead(_ client: Int32, _ rest: inout [UInt8]) -> String? {
    var buffer = [UInt8](repeating: 0, count: 8_192)
    while true {
      if let end = rest.indices.first(where: { rest[$0...].starts(with: [13, 10, 13, 10]) }) {
        defer { rest.removeFirst(end + 4) }
        return String(decoding: rest[..<end], as: UTF8.self)
      }
      let count = recv(client, &buffer, buffer.count, 0)
      guard count > 0, rest.count < 65_536 else { return nil }
      rest += buffer[..<count]
    }
  }

  private func stream(to client: Int32) {
    if plan.waitsForSnapshot { _ = snapshotAsked.wait(timeoutMilliseconds: 10_000) }
    let now = monotonicNanoseconds()
    firstDue.store(now, ordering: .releasing)
    if plan.perSecond == 0 {
      guard send(wire[...], to: client) else { return }
    } else {
      for index in ends.indices {
        waitUntil(due(ofFrame: index))
        guard send(wire[(index == 0 ? 0 : ends[index - 1])..<ends[index]], to: client) else { return }
      }
    }
    // Whatever the client says, until it goes.
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while recv(client, &buffer, buffer.count, 0) > 0 {}
  }

  /// Sleeps, and is awake a little before.
  private func waitUntil(_ due: Int64) {
    let left = due - 100_000 - monotonicNanoseconds()
    if left > 0 {
      var time = timespec(tv_sec: Int(left / 1_000_000_000), tv_nsec: Int(left % 1_000_000_000))
      nanosleep(&time, nil)
    }
    while monotonicNanoseconds() < due {}
  }

  private func send(_ bytes: ArraySlice<UInt8>, to client: Int32) -> Bool {
    bytes.withUnsafeBytes { bytes in
      var sent = 0
      while sent < bytes.count {
        let count = Glibc.send(client, bytes.baseAddress.map { $0 + sent }, min(bytes.count - sent, 1 << 20), Int32(MSG_NOSIGNAL))
        guard count > 0 else { return false }
        sent += count
      }
      return true
    }
  }
}

/// `Benchmarks ingest-venue PORT FRAMES [PER_SECOND]`: serves until it is ended. Prints the number of the last change.
func serveVenue() throws -> Int32 {
  let stop = try Signals.install()
  let numbers = CommandLine.arguments.dropFirst(2).compactMap { Int($0) }
  guard numbers.count >= 2, let port = UInt16(exactly: numbers[0]), numbers[1] > 0 else {
    throw IngestFailure("ingest-venue PORT FRAMES [PER_SECOND]")
  }
  var plan = VenueReplay.Plan(frames: numbers[1], port: port)
  plan.perSecond = numbers.count > 2 ? max(0, numbers[2]) : 0
  let venue = try VenueReplay(plan)
  try writeAll(Array("\(venue.port) \(venue.lastIDs.last ?? 0)\n".utf8), to: STDOUT_FILENO)
  stop.wait()
  return 0
}
