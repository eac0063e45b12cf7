/// The least cost of each quantity that can be reached: defined on `start`, `start + step`, …, and convex: each further step costs at
/// least as much as the one before. Costs are price units × quantity units × 10^6, fees included, and below zero for what a sale brings.
struct CostCurve {
  /// Steps in a row of the same cost.
  struct Run {
    var cost: Int128
    var count: Int64
    /// Which of two curves a merged curve has them from.
    var isOwn = true
  }

  /// Quantity units of one step.
  var step: Int64
  /// The smallest quantity.
  var start: Int64
  /// What the smallest quantity costs.
  var startCost: Int128
  /// The steps from there on, cheapest first.
  var runs: [Run]

  /// Nothing at all, for nothing.
  static let nothing = CostCurve(step: 1, start: 0, startCost: 0, runs: [])

  /// The part between two quantities that the curve has; `low ≤ high`.
  func part(from low: Int64, to high: Int64) -> CostCurve {
    var part = CostCurve(step: step, start: low, startCost: startCost, runs: [])
    var skipped = (low - start) / step
    var wanted = (high - low) / step
    for run in runs where skipped > 0 || wanted > 0 {
      let before = min(skipped, run.count)
      part.startCost += run.cost * Int128(before)
      skipped -= before
      let count = min(wanted, run.count - before)
      wanted -= count
      if count > 0 { part.runs.append(Run(cost: run.cost, count: count)) }
    }
    return part
  }

  /// The curve at those of its quantities that leave `residue` when divided by the coarser step, a multiple of this one's; nil when it
  /// has none.
  func coarsened(to coarse: Int64, residue: Int64) -> CostCurve? {
    let distance = (residue - start % coarse + coarse) % coarse
    guard distance % step == 0 else { return nil }
    var curve = CostCurve(step: coarse, start: start + distance, startCost: startCost, runs: [])
    var skipped = distance / step
    let length = coarse / step
    // Steps of the coarse curve straddle runs of the fine one.
    var gathered: Int64 = 0
    var cost: Int128 = 0
    for run in runs {
      let before = min(skipped, run.count)
      curve.startCost += run.cost * Int128(before)
      skipped -= before
      var count = run.count - before
      if gathered > 0 {
        let filling = min(length - gathered, count)
        cost += run.cost * Int128(filling)
        gathered += filling
        count -= filling
        guard gathered == length else { continue }
        curve.runs.append(Run(cost: cost, count: 1))
        (gathered, cost) = (0, 0)
      }
      if count >= length { curve.runs.append(Run(cost: run.cost * Int128(length), count: count / length)) }
      gathered = count % length
      cost = run.cost * Int128(gathered)
    }
    return skipped == 0 ? curve : nil
  }

  /// The least cost of each sum of one quantity of this curve and one of `own`; both have the same step. At equal costs this curve's
  /// steps come first.
  func merged(with own: CostCurve) -> CostCurve {
    var merged = CostCurve(step: step, start: start + own.start, startCost: startCost + own.startCost, runs: [])
    merged.runs.reserveCapacity(runs.count + own.runs.count)
    var (left, right) = (0, 0)
    while left < runs.count || right < own.runs.count {
      let takesLeft = right == own.runs.count || (left < runs.count && runs[left].cost <= own.runs[right].cost)
      if takesLeft {
        merged.runs.append(Run(cost: runs[left].cost, count: runs[left].count, isOwn: false))
        left += 1
      } else {
        merged.runs.append(Run(cost: own.runs[right].cost, count: own.runs[right].count, isOwn: true))
        right += 1
      }
    }
    return merged
  }

  /// The steps that make up `quantity`, those of the own curve and those of the other, and what they cost.
  func split(_ quantity: Int64) -> (own: Int64, other: Int64, cost: Int128) {
    var steps = (quantity - start) / step
    var result: (own: Int64, other: Int64, cost: Int128) = (0, 0, startCost)
    for run in runs where steps > 0 {
      let count = min(steps, run.count)
      steps -= count
      result.cost += run.cost * Int128(count)
      if run.isOwn { result.own += count } else { result.other += count }
    }
    return result
  }
}
