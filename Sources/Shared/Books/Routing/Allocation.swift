/// Shares a quantity out among venues: as much of it as can be had at all, and that at the least cost.
///
/// Each venue takes nothing, or a whole number of lots between its minimum and its maximum. Costs are convex and every coarser lot is a
/// multiple of the finer ones, so that without minimums the best shares follow from the cheapest next steps, lot size by lot size,
/// exactly. That is the relaxed problem; a venue whose share comes out below its minimum is then once left out and once held to it
/// (branch and bound: a relaxed answer that is no better than the best one known need not be looked into).
struct Allocation {
  /// One venue's part of the problem.
  struct Venue {
    /// Cost of each quantity, from zero to the maximum, in steps of the lot.
    var curve: CostCurve
    var lot: Int64
    /// Smallest share that is not zero; a multiple of the lot.
    var minimum: Int64
    /// Largest share; a multiple of the lot, not below the minimum.
    var maximum: Int64
  }

  /// Shares in the order of the venues.
  struct Answer {
    var shares: [Int64]
    var total: Int64
    var cost: Int128

    func isBetter(than other: Answer?) -> Bool {
      guard let other else { return true }
      return total == other.total ? cost < other.cost : total > other.total
    }
  }

  /// What a venue may take in one branch: between `low` and `high`, or nothing.
  private struct Bounds {
    var low: Int64 = 0
    var high: Int64
  }

  /// Lots ascend, and each is a multiple of the one before.
  private let venues: [Venue]
  private let wanted: Int64
  private var best: Answer?

  /// The best shares of `wanted`, in the order of `venues`, whose lots ascend and divide one another.
  static func solve(_ venues: [Venue], wanted: Int64) -> Answer {
    var search = Allocation(venues: venues, wanted: wanted)
    search.explore(venues.map { Bounds(high: $0.maximum) })
    return search.best ?? Answer(shares: venues.map { _ in 0 }, total: 0, cost: 0)
  }

  private init(venues: [Venue], wanted: Int64) {
    self.venues = venues
    self.wanted = wanted
  }

  private mutating func explore(_ bounds: [Bounds]) {
    guard let total = largestTotal(bounds) else { return }
    let answer = cheapest(total, bounds)
    guard answer.isBetter(than: best) else { return }
    let short = venues.indices.first { answer.shares[$0] > 0 && answer.shares[$0] < venues[$0].minimum }
    guard let short else { return best = answer }
    var branch = bounds
    branch[short] = Bounds(high: 0)
    explore(branch)
    branch[short] = Bounds(low: venues[short].minimum, high: venues[short].maximum)
    explore(branch)
  }

  /// The largest sum of shares up to what is wanted: coarse lots first, since finer ones fit into what they leave. Nil when the minimums
  /// alone are more.
  private func largestTotal(_ bounds: [Bounds]) -> Int64? {
    var rest = wanted
    for bound in bounds {
      rest -= bound.low
      if rest < 0 { return nil }
    }
    for (venue, bound) in zip(venues, bounds).reversed() {
      rest -= min(bound.high - bound.low, rest - rest % venue.lot)
    }
    return wanted - rest
  }

  /// The cheapest shares that make up a total that can be made up.
  private func cheapest(_ total: Int64, _ bounds: [Bounds]) -> Answer {
    // What the venues up to each one take together must leave a whole number of the next one's lots.
    var finer = CostCurve.nothing
    var stages: [(finer: CostCurve, merged: CostCurve)] = []
    for (venue, bound) in zip(venues, bounds) {
      guard let coarse = finer.coarsened(to: venue.lot, residue: total % venue.lot) else {
        preconditionFailure("a total that coarse lots leave room for can be made up of fine ones")
      }
      let merged = coarse.merged(with: venue.curve.part(from: bound.low, to: bound.high))
      stages.append((coarse, merged))
      finer = merged
    }
    var shares = [Int64](repeating: 0, count: venues.count)
    var rest = total
    var cost: Int128?
    for index in venues.indices.reversed() {
      let split = stages[index].merged.split(rest)
      cost = cost ?? split.cost
      shares[index] = bounds[index].low + split.own * venues[index].lot
      rest = stages[index].finer.start + split.other * venues[index].lot
    }
    return Answer(shares: shares, total: total, cost: cost ?? 0)
  }
}
