import Domain
import Venues
import Wire

/// What an account must hold: what it held, moved by its trades since. It is checked only against balances that were seen between two
/// looks at the trades with nothing new in between, so the streams' timing plays no part.
public struct BalanceCheck: Hashable, Sendable {
  /// By asset; nil before the first look that can serve as a beginning.
  public private(set) var expected: [String: Money]?
  /// Rounds in a row with the same mismatch.
  private var sameMismatchRounds = 0
  private var mismatch: [String: Money] = [:]

  /// A mismatch that has stayed the same for so many rounds is a movement outside of trading; it becomes the new beginning.
  public static let roundsUntilAccepted = 12

  /// What was expected when the process last stopped.
  public init(expected: [String: Money]? = nil) {
    self.expected = expected
  }

  /// What one look came to.
  public struct Result: Hashable, Sendable {
    /// What differs, by asset.
    public var differences: [Difference] = []
    /// The mismatch has been accepted as a movement outside of trading.
    public var isAccepted = false
  }

  /// Takes the balances of a round. `uncounted` are the trades that `expected` does not hold yet and will hold from now on; those that are
  /// `settling` explain the balances as well, and come again.
  public mutating func take(_ balances: [AssetBalance], uncounted: [SeenTrade], settling: [SeenTrade] = []) -> Result {
    // As if what settles had not happened yet.
    var totals = Self.totals(balances)
    for trade in settling { Self.apply(trade, to: &totals, undoing: true) }
    guard let moved = moved(by: uncounted) else {
      expected = totals
      return Result()
    }
    expected = moved
    let found = Self.mismatch(moved, totals)
    sameMismatchRounds = found == mismatch ? sameMismatchRounds + 1 : 1
    let isConfirmed = found == mismatch
    mismatch = found
    if found.isEmpty { return Result() }
    if sameMismatchRounds >= Self.roundsUntilAccepted {
      expected = totals
      return Result(isAccepted: true)
    }
    return Result(differences: found.keys.sorted().map { difference($0, totals, isConfirmed: isConfirmed) })
  }

  /// True when the balances are not those that the trades explain; nil when nothing is expected yet.
  func isOff(_ balances: [AssetBalance], uncounted: [SeenTrade]) -> Bool? {
    moved(by: uncounted).map { !Self.mismatch($0, Self.totals(balances)).isEmpty }
  }

  private func moved(by trades: [SeenTrade]) -> [String: Money]? {
    guard var moved = expected else { return nil }
    for trade in trades { Self.apply(trade, to: &moved) }
    return moved
  }

  private static func totals(_ balances: [AssetBalance]) -> [String: Money] {
    Dictionary(balances.map { ($0.asset, $0.free + $0.locked) }, uniquingKeysWith: +)
  }

  /// What is there and not expected, by asset.
  private static func mismatch(_ expected: [String: Money], _ totals: [String: Money]) -> [String: Money] {
    var found: [String: Money] = [:]
    for asset in Set(expected.keys).union(totals.keys) {
      let difference = (totals[asset] ?? .zero) - (expected[asset] ?? .zero)
      if !difference.isZero { found[asset] = difference }
    }
    return found
  }

  private func difference(_ asset: String, _ totals: [String: Money], isConfirmed: Bool) -> Difference {
    Difference(
      name: .init(code: .balanceMismatch, subject: asset), clientOrderID: nil, ours: (expected?[asset] ?? .zero).text(),
      venues: (totals[asset] ?? .zero).text(), isSettled: isConfirmed, severity: .warning, sighting: .none)
  }

  /// Base and quote change hands, and the venue keeps its fee.
  private static func apply(_ seen: SeenTrade, to totals: inout [String: Money], undoing: Bool = false) {
    let fill = seen.trade.fill
    let base = Money(fill.quantity)
    let quote = fill.price * fill.quantity
    let gainsBase = (seen.trade.side == .buy) != undoing
    add(gainsBase ? base : -base, of: seen.symbol.base, to: &totals)
    add(gainsBase ? -quote : quote, of: seen.symbol.quote, to: &totals)
    if !fill.feeAsset.isEmpty { add(undoing ? fill.fee : -fill.fee, of: fill.feeAsset, to: &totals) }
  }

  /// An amount beyond every legal one is left out: it shows as a mismatch, not as a crash.
  static func add(_ amount: Money, of asset: String, to totals: inout [String: Money]) {
    let total = totals[asset] ?? .zero
    guard amount.magnitude <= Money.limit, total.magnitude <= Money.limit else { return }
    totals[asset] = total + amount
  }
}
