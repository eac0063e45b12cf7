import Domain
import Wire

/// Where a record lies.
public struct LogPlace: Hashable, Sendable {
  /// The topic.
  public var topic: String
  /// The partition.
  public var partition: Int32
  /// The offset.
  public var offset: Int64
  /// When the broker appended it.
  public var appendedAt: Timestamp

  /// A place in the log.
  public init(topic: String, partition: Int32, offset: Int64, appendedAt: Timestamp) {
    self.topic = topic
    self.partition = partition
    self.offset = offset
    self.appendedAt = appendedAt
  }

  /// The same place, as records name it.
  public var source: RecordSource {
    RecordSource(topic: topic, partition: partition, offset: offset, timestamp: appendedAt)
  }
}

/// A record as it was read: nothing about it is known to be well-formed.
public struct LogRecord: Hashable, Sendable {
  /// Where it lies.
  public var place: LogPlace
  /// The writer's epoch, when its header names one.
  public var epoch: Int64?
  /// The bytes; nil for a null payload.
  public var value: [UInt8]?
  /// Of a marker on `orders.rejected`: the newest epoch that can have begun on `orders.approved`, where they begin.
  public var newestEpoch: Int64?

  /// A record.
  public init(place: LogPlace, epoch: Int64? = nil, value: [UInt8]?, newestEpoch: Int64? = nil) {
    self.place = place
    self.epoch = epoch
    self.value = value
    self.newestEpoch = newestEpoch
  }
}

/// What one record changes in the database.
public enum RowChange: Hashable, Sendable {
  /// An order was approved.
  case approved(Approval)
  /// An order was refused by risk.
  case rejected(Rejection)
  /// It was decided how an order is carried out.
  case planned(Plan)
  /// An order changed its state; with a trade when `fill` is there.
  case progressed(OrderEvent)
}

/// What a record came to.
public enum Projected: Equatable, Sendable {
  /// It changes rows.
  case change(RowChange)
  /// It concerns no row: a marker, an observation, an acknowledgement.
  case nothing
  /// It was read before: nothing happens a second time.
  case repeated
  /// Its writer had lost the partition to a newer owner when it wrote it.
  case fenced
  /// Nobody can read it.
  case unreadable(RecordError)
}
