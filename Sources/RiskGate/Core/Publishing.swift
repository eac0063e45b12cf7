import Domain
import Wire

/// What goes out as time passes: Redis' view and snapshots.
extension RiskEngine {
  /// Redis' keys are written again this often, so that they never expire while their writer lives.
  private static let refreshInterval = 10 * Interval.second

  mutating func tick(into effects: inout [RiskEffect]) {
    let refreshes = now - lastRefresh >= Self.refreshInterval
    if refreshes { lastRefresh = now }
    let values = now - lastShown >= Interval.second
    if values { lastShown = now }
    for index in accounts.indices {
      if values { revalue(index) }
      if accounts[index].day.isReached, !accounts[index].isLossAlerted { alertDailyLoss(index, into: &effects) }
      guard refreshes || accounts[index].isShownChanged else { continue }
      if refreshes || accounts[index].arePositionsChanged { showPositions(index, into: &effects) }
      showRisk(index, into: &effects)
      accounts[index].isShownChanged = false
      accounts[index].arePositionsChanged = false
    }
    if now - lastSnapshot >= settings.snapshotInterval { writeSnapshots(into: &effects) }
  }

  /// Once a second: has the market moved what the account holds?
  private mutating func revalue(_ account: Int) {
    guard accounts[account].ledgers.count > 0, !accounts[account].isValued(at: market.version) else { return }
    accounts[account].isShownChanged = true
    accounts[account].arePositionsChanged = true
    noteDailyLoss(account, dailyProfit(of: account))
  }

  private mutating func alertDailyLoss(_ account: Int, into effects: inout [RiskEffect]) {
    accounts[account].isLossAlerted = true
    let profit = dailyProfit(of: account)
    effects.append(
      .alert(alert(.critical, "daily_loss", "The day's profit is \(profit) USDT: only orders that reduce pass.", account)))
  }

  private func showPositions(_ index: Int, into effects: inout [RiskEffect]) {
    let account = accounts[index]
    for position in account.ledgers.indices {
      let symbol = market.symbols[account.ledgers.keys[position]]
      let ledger = account.ledgers[position]
      effects.append(
        .position(
          PositionView(
            account: account.account, symbol: symbol.symbol, quantity: ledger.position, cost: ledger.cost,
            realised: ledger.realised,
            unrealised: symbol.mark.map { ledger.equity(at: $0.price) - ledger.realised }, mark: symbol.mark?.price, time: now)))
    }
  }

  private mutating func showRisk(_ index: Int, into effects: inout [RiskEffect]) {
    let account = accounts[index]
    let exposures = account.exposures.indices.map { position in
      let exposure = account.exposures[position]
      return RiskView.BaseExposure(
        asset: market.bases.keys[account.exposures.keys[position]], position: Quantity(clamping: exposure.position),
        openBuys: Quantity(clamping: exposure.openBuys),
        openSells: Quantity(clamping: exposure.openSells))
    }
    effects.append(
      .risk(
        RiskView(
          control: account.control, limits: account.limits, dailyProfit: dailyProfit(of: index),
          isLossReached: account.day.isReached,
          openOrders: account.orders.liveCount, exposures: exposures.sorted { $0.asset < $1.asset }, time: now)))
  }

  /// Writes every account that changed, then the offsets up to which those snapshots are complete. Not while decisions that were found
  /// in the log are still to be passed over: behind a newer checkpoint nobody would find them again.
  mutating func writeSnapshots(into effects: inout [RiskEffect]) {
    guard checkpoint.orders >= decidedEnd else { return }
    lastSnapshot = now
    decisionsSinceSnapshot = 0
    for index in accounts.indices where accounts[index].isChanged { writeSnapshot(index, into: &effects) }
    // The time alone is no reason to write.
    checkpoint.time = writtenCheckpoint.time
    guard checkpoint != writtenCheckpoint else { return }
    checkpoint.time = now
    writtenCheckpoint = checkpoint
    effects.append(.snapshot(key: Checkpoint.key, value: checkpoint.encoded()))
  }

  mutating func writeSnapshot(_ index: Int, into effects: inout [RiskEffect]) {
    accounts[index].isChanged = false
    accounts[index].snapshots += 1
    for record in AccountSnapshot(accounts[index], market, now: now).records() {
      effects.append(.snapshot(key: record.key, value: record.value))
    }
  }
}
