import Books
import Domain

/// An account at a venue where it has keys.
public struct Route: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Whose keys.
  public let account: Account
  /// Where.
  public let venue: Venue

  /// An account at a venue.
  public init(_ account: Account, _ venue: Venue) {
    self.account = account
    self.venue = venue
  }

  /// `main+binance`: the key of its balances.
  public var description: String { "\(account)+\(venue)" }

  /// By account, then venue.
  public static func < (left: Route, right: Route) -> Bool { (left.account, left.venue) < (right.account, right.venue) }
}

/// What one partition's state machine must know before it starts. Times are nanoseconds.
public struct OrderManagerSettings: Sendable {
  /// Begins every client id that a venue is given: 1 to 12 of `[A-Za-z0-9_]`.
  public var deployment: String
  /// The partition of `orders.approved`, `executions` and `order.state`.
  public var partition: Int32
  /// How many partitions those topics have.
  public var partitionCount: Int32
  /// Who this is, in epoch markers: begins with `ordermanager`.
  public var owner: String
  /// Where the accounts can trade.
  public var routes: [Route]
  /// What the venues take of a trade; nothing where none is given.
  public var fees: [Venue: VenueFees] = [:]
  /// `best` does not use a book whose newest update is older than this.
  public var maximumBookAge: Int64 = 2 * Interval.second
  /// An order that no venue can take now is tried again so often while its approval lasts.
  public var routingInterval: Int64 = 50 * Interval.millisecond
  /// How long after its timestamp a venue still takes a signed request.
  public var receiveWindow: Int64 = 2 * Interval.second
  /// How long after the end of that window a venue may still bring an order to light; before that absence is not proven.
  public var absenceMargin: Int64 = 3 * Interval.second
  /// First delay before an order is asked for again; doubles, with jitter.
  public var retryInitialDelay: Int64 = 200 * Interval.millisecond
  /// Longest such delay.
  public var retryMaximumDelay: Int64 = 5 * Interval.second
  /// An order that has been unknown for so long is a person's business.
  public var unknownAlertAfter: Int64 = 15 * Interval.second
  /// How long fills that a report counts but does not name may come by themselves before they are fetched.
  public var fillGrace: Int64 = 250 * Interval.millisecond
  /// How long the private stream may take to tell what became of a request that a venue has taken in, before it is asked.
  public var acknowledgementGrace: Int64 = 500 * Interval.millisecond
  /// A wire call that was refused for a passing reason is tried so often in all.
  public var maximumAttempts = 5
  /// Wire calls of one account at one venue under way at once.
  public var maximumCalls = 16
  /// How long an ended order is remembered: late fills find it, and its approval is not taken twice.
  public var terminalHorizon: Int64 = Interval.hour
  /// How many ended orders of the partition are remembered at most; beyond it the oldest are forgotten early. RiskGate remembers as many
  /// ids of each account.
  public var terminalCapacity = 10_000
  /// How often changed orders are written to `order.state`.
  public var checkpointInterval: Int64 = Interval.second
  /// How often live orders are looked up while the private stream is down.
  public var sweepInterval: Int64 = 5 * Interval.second
  /// How often live orders are looked up while it is up.
  public var connectedSweepInterval: Int64 = 30 * Interval.second
  /// Seed of the jitter.
  public var seed: UInt64 = 1

  /// Settings with the usual times.
  public init(deployment: String, partition: Int32, partitionCount: Int32, owner: String, routes: [Route]) {
    precondition(Self.isLegal(deployment: deployment), "a deployment is 1 to 12 of [A-Za-z0-9_]")
    self.deployment = deployment
    self.partition = partition
    self.partitionCount = partitionCount
    self.owner = owner
    self.routes = routes
  }

  /// True when every venue takes the deployment's name in a client id, and its end there is unmistakable.
  public static func isLegal(deployment: String) -> Bool {
    (1...12).contains(deployment.utf8.count)
      && deployment.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        default: byte == UInt8(ascii: "_")
        }
      }
  }

  /// True when the account's records belong to this partition.
  func owns(_ account: Account) -> Bool {
    Partitioner.partition(forKey: account.text.utf8, count: partitionCount) == partition
  }
}
