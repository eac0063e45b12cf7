import Domain

/// What goes wrong in a run: probabilities per opportunity, and how long things last. Zero is never.
public struct Faults: Sendable {
  /// A process dies before an effect.
  var crash = 0.0
  /// A process stalls before an effect, sometimes for so long that the group gives its partition away.
  var stall = 0.0
  /// A partition is handed over in good order, per second.
  var rebalance = 0.0
  /// A client sends its order again.
  var repeatOrder = 0.0
  /// A client's record comes late.
  var delayOrder = 0.0
  /// A client's record carries no key and lies on a wrong partition.
  var misplaceOrder = 0.0
  /// A venue's book breaks for some seconds, per second.
  var breakBook = 0.0
  /// A request to the venue never arrives.
  var loseRequest = 0.0
  /// A request is long on its way.
  var slowRequest = 0.0
  /// The venue does what is asked and its reply is lost.
  var loseReply = 0.0
  /// A reply comes long after the stream has told everything.
  var slowReply = 0.0
  /// A venue that answers before it carries out refuses an order after all.
  var refuseLater = 0.0
  /// The order query does not find an order for a while.
  var forgetOrder = 0.0
  /// Nothing finds a fresh order for up to two seconds.
  var hideOrder = 0.0
  /// An event of the private stream comes twice.
  var repeatEvent = 0.0
  /// An event of the private stream never comes.
  var dropEvent = 0.0
  /// The private stream ends, per second.
  var disconnect = 0.0
  /// A process's clock jumps, per second.
  var skewClock = 0.0
  /// A venue answers nothing but errors for some seconds, per second.
  var outage = 0.0
  /// Redis forgets everything, per second.
  var flushRedis = 0.0
  /// PostgreSQL is away for some seconds, per second.
  var databaseDown = 0.0
  /// The broker takes and gives nothing for some seconds, per second.
  var brokerDown = 0.0
  /// Somebody writes where only owners may, per second.
  var strangers = 0.0

  /// Nothing goes wrong.
  public init() {}

  /// A random subset of the faults at random rates.
  public init(using generator: inout SeededGenerator) {
    func maybe(_ most: Double) -> Double {
      Bool.random(using: &generator) ? most * Double.random(in: 0.1...1, using: &generator) : 0
    }
    crash = maybe(0.01)
    stall = maybe(0.005)
    rebalance = maybe(0.1)
    repeatOrder = maybe(0.3)
    delayOrder = maybe(0.1)
    misplaceOrder = maybe(0.5)
    breakBook = maybe(0.1)
    loseRequest = maybe(0.1)
    slowRequest = maybe(0.1)
    loseReply = maybe(0.3)
    slowReply = maybe(0.3)
    refuseLater = maybe(0.3)
    forgetOrder = maybe(0.2)
    hideOrder = maybe(0.3)
    repeatEvent = maybe(0.3)
    dropEvent = maybe(0.3)
    disconnect = maybe(0.2)
    skewClock = maybe(0.2)
    outage = maybe(0.1)
    flushRedis = maybe(0.1)
    databaseDown = maybe(0.1)
    brokerDown = maybe(0.1)
    strangers = maybe(0.3)
  }
}

/// A safeguard to switch off, so that it can be seen that the checks notice. The cores stay as they are: they are told lies, or what
/// they ask for is carried out carelessly.
public enum Mutation: String, CaseIterable, Sendable {
  /// RiskGate does not read its own decisions when it takes a partition.
  case decisionDeduplication = "decision-dedup"
  /// Fills that come again have another trade id.
  case fillDeduplication = "fill-dedup"
  /// An order whose outcome is unknown counts as not sent.
  case resolution
  /// Every record carries its partition's newest epoch, leases never end, and the venue takes requests of any age.
  case fencing
  /// Every record carries its partition's newest epoch, whoever wrote it: nobody can tell a former owner's.
  case epochs
  /// RiskGate takes every order for ended as soon as it is planned.
  case reservation
  /// A successor of OrderManager does not keep to the plan: an order whose venue was to be chosen goes to another one.
  case replanning

  var forgesEpochs: Bool { self == .fencing || self == .epochs }
}
