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
      let text = String(decoding: header.value.prefix(256), as: UTF8.self)
      switch header.name {
      case "traceparent": traceparent = text
      case "epoch": epoch = Int64(text)
      case "origin": origin = Self.source(text)
      default:
        guard header.name.hasPrefix("t."), hops.count < Self.maximumHops, let nanoseconds = Int64(text) else { continue }
        hops.append(Hop(name: String(header.name.dropFirst(2)), time: Timestamp(nanoseconds: nanoseconds)))
      }
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
    if let traceparent { headers.append(("traceparent", Array(traceparent.utf8))) }
    if let epoch { headers.append(("epoch", Array(String(epoch).utf8))) }
    if let origin {
      headers.append(("origin", Array("\(origin.topic):\(origin.partition):\(origin.offset):\(origin.timestamp)".utf8)))
    }
    for hop in hops { headers.append((Self.name(ofHop: hop.name), Array(hop.time.description.utf8))) }
    return headers
  }

  /// The Kafka header that holds the time of a hop, nanoseconds as text.
  public static func name(ofHop hop: String) -> String { "t.\(hop)" }

  private static func source(_ text: String) -> RecordSource? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 4, let partition = Int32(parts[1]), let offset = Int64(parts[2]), let time = Int64(parts[3]) else {
      return nil
    }
    return RecordSource(
      topic: String(parts[0]), partition: partition, offset: offset, timestamp: Timestamp(nanoseconds: time))
  }
}
