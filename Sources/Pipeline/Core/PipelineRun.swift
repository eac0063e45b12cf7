import Domain

/// One simulated run of the whole pipeline: RiskGate, OrderManager and Reconciler over a simulated log, venues and stores, in
/// virtual time, with faults; then, what the checks found.
public struct PipelineRun: Sendable {
  /// Everything random follows from it.
  public let seed: UInt64
  /// Broken promises, in words; empty when all held.
  public let violations: [String]
  /// What happened, line by line; empty unless asked for.
  public let trace: [String]
  /// Orders that clients sent, repetitions apart.
  public let submitted: Int
  /// Orders that the venues took.
  public let accepted: Int
  /// Processes that died.
  public let crashes: Int
  /// Processes that stalled.
  public let stalls: Int
  /// Partitions handed over in good order.
  public let handOvers: Int

  /// Runs one seed. Without `faults` a random subset of them is drawn from the seed.
  public init(seed: UInt64, faults: Faults? = nil, mutation: Mutation? = nil, isTracing: Bool = false) {
    let world = World(seed: seed, faults: faults, mutation: mutation, isTracing: isTracing)
    world.run()
    self.seed = seed
    violations = Checker.check(world)
    trace = world.history.trace
    submitted = world.history.submitted
    accepted = world.venues.reduce(0) { $0 + $1.accepted.count }
    crashes = world.history.crashes
    stalls = world.history.stalls
    handOvers = world.history.handOvers
  }
}
