import Glibc
import LocalKafkaCore
import Runtime

/// One client's socket and its bytes on the way in and out.
final class Connection {
  let id: ConnectionID
  let descriptor: Int32
  let host: String
  private var inbound: [UInt8] = []
  private var consumed = 0
  private var outbound: [UInt8] = []
  private var sent = 0
  /// A request is with the broker; the next one waits for its answer.
  var isBusy = false
  /// What the poller was last told to watch for.
  var watched: Poller.Interest = .readable
  /// Monotonic milliseconds of the last request.
  var lastActiveMs: Int64

  init(id: ConnectionID, descriptor: Int32, host: String, nowMs: Int64) {
    self.id = id
    self.descriptor = descriptor
    self.host = host
    lastActiveMs = nowMs
  }

  deinit { close(descriptor) }

  enum Failure: Error {
    /// The peer has gone: nothing to report.
    case gone
    case refused(String)
  }

  var hasUnsent: Bool { sent < outbound.count }

  /// While a request is being worked on, a pipelining client is read from up to here; then the kernel holds it back.
  private static let readAhead = 128 * 1024

  /// What has to be watched for.
  var interest: Poller.Interest {
    if hasUnsent { return .writable }
    return isBusy && inbound.count - consumed >= Self.readAhead ? [] : .readable
  }

  /// Reads what is there, as far as the scratch buffer goes.
  func receive(through scratch: UnsafeMutableRawBufferPointer) throws {
    let got = recv(descriptor, scratch.baseAddress!, scratch.count, 0)
    if got > 0 {
      inbound.append(contentsOf: UnsafeRawBufferPointer(rebasing: scratch[..<got]))
    } else if got == 0 || (errno != EAGAIN && errno != EINTR) {
      throw Failure.gone
    }
  }

  /// The next whole request without its length, if it has arrived.
  func nextFrame(maxBytes: Int) throws -> [UInt8]? {
    let available = inbound.count - consumed
    guard available >= 4 else { return nil }
    let length = Int(inbound[consumed..<consumed + 4].reduce(Int32(0)) { $0 << 8 | Int32($1) })
    guard length >= 0, length <= maxBytes else { throw Failure.refused("frame of \(length) bytes") }
    guard available >= 4 + length else {
      inbound.reserveCapacity(consumed + 4 + length)
      return nil
    }
    let frame = Array(inbound[consumed + 4..<consumed + 4 + length])
    consumed += 4 + length
    if consumed == inbound.count {
      inbound.removeAll(keepingCapacity: inbound.capacity <= Self.readAhead)
      consumed = 0
    } else if consumed >= Self.readAhead {
      inbound.removeSubrange(..<consumed)
      consumed = 0
    }
    return frame
  }

  /// Takes an answer and sends as much of it as the socket takes now.
  func send(_ frame: [UInt8]) throws {
    if hasUnsent { outbound.append(contentsOf: frame) } else { outbound = frame }
    try flush()
  }

  func flush() throws {
    while hasUnsent {
      let wrote = outbound.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL))
      }
      if wrote > 0 {
        sent += wrote
      } else if errno == EAGAIN {
        return
      } else if errno != EINTR {
        throw Failure.gone
      }
    }
    outbound = []
    sent = 0
  }
}
