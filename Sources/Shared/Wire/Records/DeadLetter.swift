import Domain

/// A record on `dead_letters`: bytes that could not be read, with the reason and their beginning.
public struct DeadLetter: Hashable, Sendable {
  /// Which program could not read it.
  public var service: String
  /// The stable code.
  public var code: RejectionCode
  /// The sentence for people.
  public var reason: String
  /// Where it lies.
  public var source: RecordSource
  /// Its length in bytes; nil for a null payload.
  public var length: Int?
  /// Its first 4 KiB in base64.
  public var payload: String

  /// At most this many bytes of the payload are kept.
  public static let keptBytes = 4096

  /// A dead letter for `payload`, of which it keeps the beginning.
  public init(service: String, error: RecordError, source: RecordSource, payload: [UInt8]?) {
    self.service = service
    code = error.code
    reason = error.reason
    self.source = source
    length = payload?.count
    self.payload = base64(payload?.prefix(Self.keptBytes) ?? [])
  }

  /// Reads the record's bytes.
  public init(_ bytes: [UInt8]) throws(RecordError) {
    let reader = try RecordReader(bytes)
    let number = try reader.require("code", try reader.integer("code"))
    guard let code = RejectionCode(rawValue: Int(clamping: number)) else {
      throw RecordError(.unknownValue, "The field code has the unknown value \(number).")
    }
    self.code = code
    service = try reader.string("service") ?? ""
    reason = try reader.string("reason") ?? ""
    source = try RecordSource(try reader.require("source", try reader.object("source")))
    length = try reader.integer("length").map(Int.init)
    payload = try reader.string("payload") ?? ""
  }

  /// The record's bytes.
  public func encoded() -> [UInt8] {
    JSONWriter.object(capacity: 512 + payload.utf8.count) { writer in
      writer.member("v", 1)
      writer.member("service", service)
      writer.member("code", code.rawValue)
      writer.member("reason", reason)
      source.write(to: &writer)
      writer.member("length", length)
      writer.member("payload", payload)
    }
  }
}

/// Standard base64 (RFC 4648) with padding.
public func base64(_ bytes: ArraySlice<UInt8>) -> String {
  let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  var text: [UInt8] = []
  text.reserveCapacity((bytes.count + 2) / 3 * 4)
  var index = bytes.startIndex
  while index < bytes.endIndex {
    let count = min(3, bytes.endIndex - index)
    var group: UInt32 = 0
    for offset in 0..<3 { group = group << 8 | (offset < count ? UInt32(bytes[index + offset]) : 0) }
    for digit in 0..<4 {
      text.append(digit <= count ? alphabet[Int(group >> UInt32(18 - 6 * digit)) & 63] : UInt8(ascii: "="))
    }
    index += count
  }
  return String(decoding: text, as: UTF8.self)
}
