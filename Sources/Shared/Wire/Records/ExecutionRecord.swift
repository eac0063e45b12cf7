import Domain

/// Any record on `executions`.
public enum ExecutionRecord: Hashable, Sendable {
  case order(OrderEvent)
  case plan(Plan)
  case ignored(IgnoredApproval)
  case observation(Observation)
  case adjustment(Adjustment)
  case controlAcknowledged(ControlAcknowledgement)
  case epoch(EpochMarker)

  /// Reads the record's bytes.
  public init(_ bytes: [UInt8]) throws(RecordError) { try self.init(RecordReader(bytes)) }

  /// Reads the record.
  public init(_ reader: RecordReader) throws(RecordError) {
    let type = try reader.require("type", try reader.string("type"))
    switch type {
    case "order", "fill": self = .order(try OrderEvent(reader))
    case "plan": self = .plan(try Plan(reader))
    case "ignored": self = .ignored(try IgnoredApproval(reader))
    case "observation": self = .observation(try Observation(reader))
    case "adjustment": self = .adjustment(try Adjustment(reader))
    case "control_ack": self = .controlAcknowledged(try ControlAcknowledgement(reader))
    case "epoch":
      guard let marker = EpochMarker(reader) else { throw RecordError(.missingField, "The field owner is missing.") }
      self = .epoch(marker)
    default: throw RecordError(.unknownValue, "The field type has the unknown value \(type.prefix(64)).")
    }
  }

  /// The record's bytes.
  public func encoded() -> [UInt8] {
    if case .epoch(let marker) = self { return marker.encoded() }
    return JSONWriter.object(capacity: 1024) { writer in
      writer.member("v", 1)
      switch self {
      case .order(let event): event.write(to: &writer)
      case .plan(let plan): plan.write(to: &writer)
      case .ignored(let ignored): ignored.write(to: &writer)
      case .observation(let observation): observation.write(to: &writer)
      case .adjustment(let adjustment): adjustment.write(to: &writer)
      case .controlAcknowledged(let acknowledgement): acknowledgement.write(to: &writer)
      case .epoch: break
      }
    }
  }

  /// True for what only OrderManager writes, under its epoch. Observations and adjustments come from others.
  public var isOrderManagers: Bool {
    switch self {
    case .order, .plan, .ignored, .controlAcknowledged: true
    case .observation, .adjustment, .epoch: false
    }
  }

  /// Whose record it is: its key and what its partition is computed from; nil for an epoch marker, which belongs to a partition.
  public var account: Account? {
    switch self {
    case .order(let event): event.account
    case .plan(let plan): plan.approval.request.account
    case .ignored(let ignored): ignored.account
    case .observation(let observation): observation.account
    case .adjustment(let adjustment): adjustment.account
    case .controlAcknowledged(let acknowledgement): acknowledgement.account
    case .epoch: nil
    }
  }
}
