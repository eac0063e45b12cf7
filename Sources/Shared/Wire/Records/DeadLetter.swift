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
    self.payload = Base64.encode(Array(payload?.prefix(Self.keptBytes) ?? []))
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
