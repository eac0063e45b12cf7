import Domain

/// What an account's holdings come to at the last marks. It is kept ledger by ledger, so that a decision looks only at the symbols whose
/// books have changed since the last one, however many are held.
struct Valuation: Sendable {
  /// One ledger's share.
  private struct Share: Sendable {
    /// Realised plus unrealised, in dollars; nil when there never was a price to say.
    var dollars: Money?
    /// Ingest time of the newest valid book of what is held, the beginning of time when none is valid; nil when nothing is held.
    var time: Timestamp?
  }

  private var shares: [Share] = []
  private var total = WideSum() { didSet { equity = Money(units: total.clamped) } }
  /// Realised plus unrealised since ever, in dollars.
  private(set) var equity = Money.zero
  /// No book of what is held is older than this.
  private var oldest = Timestamp(nanoseconds: .max)
  /// The market's version that the shares are of.
  private(set) var version: UInt64 = 0

  private static let never = Timestamp(nanoseconds: .min)

  /// How many ledgers are valued.
  var count: Int { shares.count }

  /// Takes in what the market has done to the ledgers.
  mutating func update(_ ledgers: KeyedArray<Int, Ledger>, in market: Market) {
    guard version != market.version || shares.count != ledgers.count else { return }
    if shares.count == ledgers.count, let changes = market.changes(since: version), changes.count < ledgers.count {
      for symbol in changes { if let index = ledgers.position(of: symbol) { update(index, of: ledgers, in: market) } }
    } else {
      addUp(ledgers, in: market)
    }
    version = market.version
  }

  /// Takes in a change of one ledger.
  mutating func update(_ index: Int, of ledgers: KeyedArray<Int, Ledger>, in market: Market) {
    // Whoever asks next adds up what is new.
    guard index < shares.count else { return }
    let share = Self.share(of: index, ledgers, market)
    total.replace(shares[index].dollars, by: share.dollars)
    shares[index] = share
    if let time = share.time { oldest = min(oldest, time) }
  }

  /// False when the book of everything held is certainly young.
  func mayBeOverdue(now: Timestamp, maximumAge: Int64) -> Bool { oldest.nanoseconds != .max && now - oldest > maximumAge }

  /// The symbol of what is held whose newest book is older than `maximumAge`, of several the oldest; nil when all are young.
  mutating func overdue(_ ledgers: KeyedArray<Int, Ledger>, now: Timestamp, maximumAge: Int64) -> Int? {
    guard mayBeOverdue(now: now, maximumAge: maximumAge) else { return nil }
    var first: Int?
    for index in shares.indices {
      guard let time = shares[index].time else { continue }
      if first.flatMap({ shares[$0].time }).map({ time < $0 }) ?? true { first = index }
    }
    oldest = first.flatMap { shares[$0].time } ?? Timestamp(nanoseconds: .max)
    guard let first, now - oldest > maximumAge else { return nil }
    return ledgers.keys[first]
  }

  private mutating func addUp(_ ledgers: KeyedArray<Int, Ledger>, in market: Market) {
    shares.removeAll(keepingCapacity: true)
    var sum = WideSum()
    oldest = Timestamp(nanoseconds: .max)
    for index in ledgers.indices {
      let share = Self.share(of: index, ledgers, market)
      shares.append(share)
      sum.add(share.dollars)
      if let time = share.time { oldest = min(oldest, time) }
    }
    total = sum
  }

  private static func share(of index: Int, _ ledgers: KeyedArray<Int, Ledger>, _ market: Market) -> Share {
    let symbol = ledgers.keys[index]
    let equity = ledgers[index].equity(at: market.symbols[symbol].mark?.price)
    guard let dollars = market.markedDollars(equity, quoteOf: symbol) else {
      return Share(dollars: nil, time: equity.isZero ? nil : never)
    }
    let isHeld = !ledgers[index].position.isZero
    return Share(dollars: dollars, time: isHeld ? market.symbols[symbol].newestValidTime ?? never : nil)
  }
}

/// A sum of amounts that none of them can overflow, and that does not depend on their order.
private struct WideSum: Sendable {
  /// Sums of the amounts' upper and lower halves.
  private var upper: Int128 = 0
  private var lower: Int128 = 0

  private static let bound: Int128 = 80_000_000_000_000_000_000_000_000_000_000_000_000

  mutating func add(_ amount: Money?) {
    guard let amount else { return }
    upper += amount.units >> 64
    lower += amount.units & Int128(UInt64.max)
  }

  mutating func replace(_ old: Money?, by new: Money?) {
    if let old {
      upper -= old.units >> 64
      lower -= old.units & Int128(UInt64.max)
    }
    add(new)
  }

  /// The sum, or the nearest amount that others can be added to.
  var clamped: Int128 {
    let carried = upper + (lower >> 64)
    guard carried.magnitude <= UInt128(Self.bound >> 64) else { return carried < 0 ? -Self.bound : Self.bound }
    return (carried << 64) + (lower & Int128(UInt64.max))
  }
}
