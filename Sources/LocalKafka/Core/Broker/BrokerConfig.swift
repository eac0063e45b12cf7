/// What an operator may choose about a broker.
public struct BrokerConfig: Sendable {
  /// Where everything is kept; created when missing.
  public var dataDirectory: String
  /// What clients are told to connect to.
  public var advertisedHost = "127.0.0.1"
  /// What clients are told to connect to.
  public var advertisedPort: UInt16 = 0
  /// Whether naming an unknown topic in a metadata request that allows it, or producing to it, creates it.
  public var autoCreatesTopics = false
  /// Partitions of a topic whose creator does not say how many.
  public var defaultPartitions = 1
  /// Partitions over all topics.
  public var maxPartitions = 4_000
  /// Consumer groups.
  public var maxGroups = 10_000
  /// Members of one group.
  public var maxGroupSize = 250
  /// Session time-outs that members may ask for, in milliseconds (Kafka's own bounds).
  public var sessionTimeoutMs: ClosedRange<Int32> = 6_000...1_800_000
  /// How long the first rebalance of an empty group waits for further members, in milliseconds.
  public var initialRebalanceDelayMs: Int64 = 100
  /// Committed offsets of a group without members are kept this long, in milliseconds.
  public var offsetsRetentionMs: Int64 = 7 * 24 * 3600 * 1000
  /// A group without members and without offsets is kept this long, in milliseconds, so that its generations go on.
  public var emptyGroupRetentionMs: Int64 = 10 * 60 * 1000
  /// Idempotent producers are forgotten after this long, in milliseconds.
  public var producerRetentionMs: Int64 = 24 * 3600 * 1000
  /// Pause between two rounds of retention and compaction, in milliseconds.
  public var maintenanceIntervalMs: Int64 = 5_000
  /// Largest answer to one fetch, in bytes (one batch may exceed it).
  public var maxFetchBytes = 16 * 1024 * 1024

  /// Everything by default, kept in `dataDirectory`.
  public init(dataDirectory: String) { self.dataDirectory = dataDirectory }
}

/// Both clocks at one instant: cores are told the time, they never ask.
public struct Instant: Sendable {
  /// Milliseconds of a clock that never goes back: for time-outs.
  public var monotonicMs: Int64
  /// Milliseconds since 1970, UTC: for what is kept.
  public var wallMs: Int64

  /// One instant on both clocks.
  public init(monotonicMs: Int64, wallMs: Int64) {
    self.monotonicMs = monotonicMs
    self.wallMs = wallMs
  }
}

/// A client's connection, for as long as it lasts; never used again for another.
public struct ConnectionID: Hashable, Comparable, Sendable {
  /// Counts up.
  public let number: UInt64

  /// The connection with that number.
  public init(_ number: UInt64) { self.number = number }

  /// In order of arrival.
  public static func < (left: ConnectionID, right: ConnectionID) -> Bool { left.number < right.number }
}
