import Domain

/// What travels in a record's Kafka headers: the trace, the writer's epoch and the time of each hop, so that every hop's latency can be
/// measured from the records alone.
public struct RecordHeaders: Hashable, Sendable {
  /// W3C trace context, passed on unchanged.
  public var traceparent: String?
  /// The epoch of the writer, on topics that are fenced.
  public var epoch: Int64?
  /// Where the record lay before it was re-keyed.
  public var origin: RecordSource?
  /// `<service>.<moment>` and the time, in the order in which they happened.
  public var hops: [Hop]

  /// A moment in the life of a request.
  public struct Hop: Hashable, Sendable {
    /// `riskgate.in`, `riskgate.out`, ….
    public var name: String
    /// When.
    public var time: Timestamp

    /// A hop.
    public init(name: String, time: Timestamp) {
      self.name = name
      self.time = time
    }
  }

  /// A hop list longer than this is not carried further: a loop must not grow a record without end.
  public static let maximumHops = 16

  /// Headers with nothing in them unless given.
  public init(traceparent: String? = nil, epoch: Int64? = nil, origin: RecordSource? = nil, hops: [Hop] = []) {
    self.traceparent = traceparent
    self.epoch = epoch
    self.origin = origin
    self.hops = hops
  }

  /// Reads what is known; anything else, or anything ill-formed, is ignored: headers are a courtesy, never a reason to stop.
  public init(_ headers: [(name: String, value: [UInt8])]) {
    self.init()
    for header in headers {
      var name = header.name
      name.withUTF8 { name in header.value.withUnsafeBufferPointer { value in read(name, value) } }
    }
  }

  /// Takes one header; the later of two with one name counts.
  public mutating func read(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) {
    let value = UnsafeBufferPointer(rebasing: value.prefix(256))
    if name.count > 2, name[0] == UInt8(ascii: "t"), name[1] == UInt8(ascii: ".") {
      guard hops.count < Self.maximumHops, let time = Int64(plain: value) else { return }
      hops.append(Hop(name: String(decoding: name[2...], as: UTF8.self), time: Timestamp(nanoseconds: time)))
    } else if name == "epoch" {
      epoch = Int64(plain: value)
    } else if name == "traceparent" {
      traceparent = String(decoding: value, as: UTF8.self)
    } else if name == "origin" {
      origin = Self.source(String(decoding: value, as: UTF8.self))
    }
  }

  /// The same headers with one hop more.
  public func adding(_ name: String, _ time: Timestamp) -> RecordHeaders {
    var headers = self
    if headers.hops.count < Self.maximumHops { headers.hops.append(Hop(name: name, time: time)) }
    return headers
  }

  /// As Kafka headers.
  public func encoded() -> [(name: String, value: [UInt8])] {
    var headers: [(name: String, value: [UInt8])] = []
    headers.reserveCapacity(hops.count + 3)
    if let traceparent { headers.append(("traceparent", Array(traceparent.utf8))) }
    if let epoch { headers.append(("epoch", Self.digits(epoch))) }
    if let origin {
      headers.append(("origin", Array("\(origin.topic):\(origin.partition):\(origin.offset):\(origin.timestamp)".utf8)))
    }
    for hop in hops { headers.append((Self.name(ofHop: hop.name), Self.digits(hop.time.nanoseconds))) }
    return headers
  }

  /// The Kafka header that holds the time of a hop, nanoseconds as text.
  public static func name(ofHop hop: String) -> String { "t." + hop }

  private static func digits(_ number: Int64) -> [UInt8] {
    var bytes: [UInt8] = []
    DecimalText.append(Int128(number), scale: 0, to: &bytes)
    return bytes
  }

  private static func source(_ text: String) -> RecordSource? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 4, let partition = Int32(parts[1]), let offset = Int64(parts[2]), let time = Int64(parts[3]) else {
      return nil
    }
    return RecordSource(
      topic: String(parts[0]), partition: partition, offset: offset, timestamp: Timestamp(nanoseconds: time))
  }
}
