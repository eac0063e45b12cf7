import Domain
import Wire

/// What a venue promises about the ids of its public trades: all that noticing a missing or a repeated one depends on.
public enum TradeNumbering: Sendable, Hashable {
  /// Each trade of a symbol has the number of the one before it plus one.
  case counted
  /// An id names a trade and says nothing about others.
  case named
}

/// Keeps a symbol's trades in the venue's order: says of each whether it is new, came before, or comes behind a place at which trades
/// may be missing. Pure.
public struct TradeSequence: Sendable {
  /// What is to be made of a trade.
  public enum Verdict: Sendable, Hashable {
    /// New; trades may be missing before it if there is a gap.
    case new(TradeRecord.Gap?)
    /// It came before, as venues repeat trades after a new subscription.
    case repeated
  }

  /// Ids that are remembered of a venue that only names its trades: four times what a frame brings at most.
  public static let rememberedIDs = 4_096

  private let numbering: TradeNumbering
  private var lastNumber: Int64?
  private var lastTime = Timestamp.zero
  private var remembered: Set<String> = []
  /// The same ids in the order in which they came, in a ring.
  private var ring: [String] = []
  private var oldest = 0
  /// Why trades may be missing before the next one, as far as numbers do not disprove it.
  private var doubt: TradeRecord.Gap.Reason? = .started

  /// A sequence of which nothing is known yet.
  public init(_ numbering: TradeNumbering) { self.numbering = numbering }

  /// There is no stream any more: what trades until the next one is not seen.
  public mutating func closed() { doubt = doubt ?? .disconnected }

  /// Something is lost that may have been trades.
  public mutating func damaged() { doubt = doubt ?? .damaged }

  /// Takes the next trade of the stream.
  public mutating func take(_ trade: PublicTrade) -> Verdict {
    let verdict: Verdict
    if numbering == .counted, let number = trade.number {
      verdict = take(number, at: trade.time)
    } else {
      verdict = take(trade.tradeID)
    }
    if case .new = verdict {
      doubt = nil
      lastTime = trade.time
    }
    return verdict
  }

  private mutating func take(_ number: Int64, at time: Timestamp) -> Verdict {
    guard let last = lastNumber else {
      lastNumber = number
      return .new(TradeRecord.Gap(.started))
    }
    if number <= last {
      // A low number on a later trade is no repetition: the venue has begun anew, as test networks do.
      guard time > lastTime else { return .repeated }
      lastNumber = number
      return .new(TradeRecord.Gap(.renumbered))
    }
    lastNumber = number
    let missed = number - last - 1
    return .new(missed == 0 ? nil : TradeRecord.Gap(.missed, missed: missed))
  }

  private mutating func take(_ id: String) -> Verdict {
    guard remembered.insert(id).inserted else { return .repeated }
    if ring.count < Self.rememberedIDs {
      ring.append(id)
    } else {
      remembered.remove(ring[oldest])
      ring[oldest] = id
      oldest = (oldest + 1) % Self.rememberedIDs
    }
    return .new(doubt.map { TradeRecord.Gap($0) })
  }
}
