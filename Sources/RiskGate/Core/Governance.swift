import Domain
import Wire

/// What people decide about accounts: trading state and limits.
extension RiskEngine {
  mutating func apply(_ limits: Limits, into effects: inout [RiskEffect]) {
    guard isOurs(limits.account), let account = position(of: limits.account), limits.version >= accounts[account].limits.version
    else { return }
    let isNew = limits.version > accounts[account].limits.version
    accounts[account].take(limits, in: market)
    accounts[account].isChanged = true
    accounts[account].isShownChanged = true
    guard isNew else { return }
    // New limits are an operator's word: the day's loss is judged by them afresh.
    accounts[account].day.isReached = false
    // The snapshot names the version: whoever changed the limits waits for it.
    writeSnapshot(account, into: &effects)
  }

  mutating func apply(_ control: Control, source: RecordSource, into effects: inout [RiskEffect]) {
    guard isOurs(control.account), let account = position(of: control.account) else { return }
    let old = accounts[account].control
    // Two people may have written the same version at once: the later record counts, and is acted on.
    guard control.version >= old.version, control != old else { return }
    accounts[account].control = control
    if control.state == .active, accounts[account].day.isReached { releaseDailyLoss(account) }
    if control.state != old.state, control.state != .active { cancelIncreasing(account, source: source, into: &effects) }
    accounts[account].isShownChanged = true
    // The snapshot names the version: whoever changed the state waits for it.
    writeSnapshot(account, into: &effects)
  }

  /// An operator who resumes after the loss allows as much again: the day is counted from here.
  private mutating func releaseDailyLoss(_ account: Int) {
    accounts[account].day.isReached = false
    accounts[account].day.baseline = equity(of: account)
  }

  /// Cancels what could make a position larger: every order on the side of the position, and of the other side what goes beyond flat,
  /// the oldest orders being kept.
  private mutating func cancelIncreasing(_ account: Int, source: RecordSource, into effects: inout [RiskEffect]) {
    let orders = accounts[account].orders.all.filter { $0.isTracked && $0.isLive }
    for index in accounts[account].exposures.indices {
      let base = accounts[account].exposures.keys[index]
      let position = accounts[account].exposures[index].position
      var reducible = Int128(position.magnitude)
      for order in orders where order.base == base {
        let reduces = position > 0 && order.side == .sell || position < 0 && order.side == .buy
        let outstanding = Int128(order.outstanding.units)
        if reduces, outstanding <= reducible {
          reducible -= outstanding
        } else {
          effects.append(.approve(cancel(order, account, source)))
        }
      }
    }
  }

  private mutating func cancel(_ order: TrackedOrder, _ account: Int, _ source: RecordSource) -> Approval {
    let control = accounts[account].control
    // The same change cancels the same order under the same id, however often it is read.
    let id = ClientOrderID.derived(from: "\(control.account)/control/\(control.version)/\(order.id)")
    let request = OrderRequest(
      action: .cancel, account: control.account, venue: order.venue, symbol: market.symbols[order.symbol].symbol, target: order.id
    )
    return approval(of: Shared(request), id, account, source, lifetime: Interval.day)
  }
}
