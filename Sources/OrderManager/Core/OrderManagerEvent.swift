import Books
import Domain
import Venues
import Wire

/// A Kafka record as the core sees it.
public struct InputRecord: Sendable {
  /// Where it lies.
  public var source: RecordSource
  /// Its payload; nil for a null payload.
  public var value: [UInt8]?
  /// Its headers.
  public var headers: RecordHeaders

  /// A record.
  public init(source: RecordSource, value: [UInt8]?, headers: RecordHeaders = RecordHeaders()) {
    self.source = source
    self.value = value
    self.headers = headers
  }
}

/// How a venue's clock stands to ours.
public struct VenueClock: Hashable, Sendable {
  /// The venue's time minus ours, nanoseconds.
  public var offset: Int64
  /// The truth is within so many nanoseconds of `offset`.
  public var uncertainty: Int64

  /// A measured clock.
  public init(offset: Int64, uncertainty: Int64) {
    self.offset = offset
    self.uncertainty = uncertainty
  }
}

/// All that can happen to a partition's state machine.
public enum OrderManagerEvent: Sendable {
  /// First of all: what the log holds, and the input offset that the group has committed.
  case restored(RestoredOrders)
  /// A record on `orders.approved`.
  case approved(InputRecord)
  /// A record on `executions`, Reconciler's or our own.
  case execution(InputRecord)
  /// A record on `control`.
  case control(Control)
  /// A record on `instruments`.
  case instrument(Instrument)
  /// A record that the core published is in the log.
  case acknowledged(token: UInt64, offset: Int64)
  /// The end of a wire call.
  case answered(token: UInt64, AccountAnswer)
  /// Something on the private stream.
  case stream(Route, VenueEvent)
  /// The private stream of an account came up (subscribed) or went down.
  case connected(Route, Bool)
  /// The venue's clock was measured.
  case clock(Venue, VenueClock)
  /// The upper part of a venue's book.
  case book(VenueBook)
  /// A venue does not answer or wants silence, or does no more: `best` passes it over meanwhile.
  case cut(Venue, Bool)
  /// A last trade or mid price of `asset` in `quote`, for fees in a third asset.
  case price(asset: String, quote: String, Price)
  /// The partition is ours until then: the broker accepted a commit of this generation, which says that everything on
  /// `orders.approved` before `committed` is done.
  case lease(until: Timestamp, committed: Int64)
  /// The partition is about to be given back: nothing new is begun, whoever takes over looks it up.
  case stop
  /// Redis may have lost everything: write it again.
  case redisLost
  /// Time has passed.
  case tick
}
