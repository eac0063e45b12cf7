import Domain
import Venues
import Wire

/// A record to write. Its acknowledgement comes back as an event with the same token.
public struct Publication: Sendable {
  /// The topic.
  public var topic: String
  /// The partition, on topics that are partitioned by account; nil where the key decides.
  public var partition: Int32?
  /// The key.
  public var key: String
  /// The payload; nil is a tombstone.
  public var value: [UInt8]?
  /// The headers.
  public var headers: RecordHeaders
  /// Comes back with the acknowledgement.
  public var token: UInt64
}

/// A request to a venue. It is signed when it is sent, right after a last look at clock and lease.
public struct VenueCall: Sendable {
  /// Comes back with the answer.
  public var token: UInt64
  /// Whose keys, and where.
  public var route: Route
  /// What is asked.
  public var action: AccountRequest
  /// After this instant it must not be sent any more (our clock): the approval or the lease has run out. Nil for what changes
  /// nothing.
  public var notAfter: Timestamp?

  /// A call.
  public init(token: UInt64, route: Route, action: AccountRequest, notAfter: Timestamp?) {
    self.token = token
    self.route = route
    self.action = action
    self.notAfter = notAfter
  }
}

/// A change in Redis.
public enum RedisUpdate: Sendable {
  /// The newest event of an order, as on `executions`, and whether the order is open.
  case order(account: Account, clientOrderID: ClientOrderID, value: [UInt8], isOpen: Bool)
  /// All open orders of an account; replaces the set.
  case openOrders(account: Account, [ClientOrderID])
}

/// What the shell carries out, in order.
public enum OrderManagerEffect: Sendable {
  /// Write a record.
  case publish(Publication)
  /// Ask a venue.
  case call(VenueCall)
  /// Update Redis.
  case redis(RedisUpdate)
  /// Measure the venue's clock again.
  case measureClock(Venue)
  /// A line for people.
  case log(String)
  /// Somebody else has marked the partition as theirs: nothing that is written from here on counts. Begin again from the log.
  case fenced
}

/// What a partition has counted since it was taken.
public struct OrderManagerCounters: Hashable, Sendable {
  /// Orders taken on.
  public var orders: Int64 = 0
  /// Fills counted.
  public var fills: Int64 = 0
  /// Fills that had been counted before.
  public var repeatedFills: Int64 = 0
  /// Orders sent to a venue, repeats included.
  public var placed: Int64 = 0
  /// Wire calls whose outcome was unknown.
  public var unknown: Int64 = 0
  /// Approvals of a former owner of the partition upstream.
  public var fenced: Int64 = 0
  /// Records where only an owner writes, without its epoch.
  public var unfenced: Int64 = 0
  /// Approvals of an id that was taken already.
  public var duplicates: Int64 = 0
  /// Records that could not be read.
  public var unreadable: Int64 = 0
  /// Reports on orders that this deployment did not make.
  public var foreign: Int64 = 0
  /// Words of a venue that we do not know.
  public var unrecognised: Int64 = 0
  /// Alerts raised.
  public var alerts: Int64 = 0
}
