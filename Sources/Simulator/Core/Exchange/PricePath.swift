import Domain

/// A price that wanders around the place where it started: a pure function of seeds and time, so that venues in separate programs move
/// together without talking, each with a deviation of its own.
public struct PricePath: Sendable {
  /// One wave: random heights at regular times, straight lines between them.
  private struct Wave {
    let seed: UInt64
    let periodNanoseconds: Int64
    /// The greatest height either way, in millionths of the price.
    let heightMillionths: Int64

    func height(at now: Timestamp) -> Int64 {
      let index = now.nanoseconds / periodNanoseconds
      let part = Int128(now.nanoseconds % periodNanoseconds)
      let (from, to) = (Int128(point(index)), Int128(point(index + 1)))
      return Int64(from + (to - from) * part / Int128(periodNanoseconds))
    }

    private func point(_ index: Int64) -> Int64 {
      var generator = SeededGenerator(seed: seed ^ UInt64(bitPattern: index))
      return Int64.random(in: -heightMillionths...heightMillionths, using: &generator)
    }
  }

  private let waves: [Wave]

  /// Venues with the same `marketSeed` share what moves by up to 0.6 %; `venueSeed` moves one venue apart from the others by up to
  /// `deviationBasisPoints`.
  public init(marketSeed: UInt64, venueSeed: UInt64, deviationBasisPoints: Int64) {
    waves = [
      Wave(seed: marketSeed &* 3, periodNanoseconds: 10 * Interval.minute, heightMillionths: 5_000),
      Wave(seed: marketSeed &* 5, periodNanoseconds: Interval.minute, heightMillionths: 800),
      Wave(seed: marketSeed &* 7, periodNanoseconds: 7 * Interval.second, heightMillionths: 200),
      Wave(seed: venueSeed &* 11, periodNanoseconds: 10 * Interval.second, heightMillionths: deviationBasisPoints * 100),
    ]
  }

  /// The price at an instant for a market that started at `startingPrice`.
  func price(_ startingPrice: Price, at now: Timestamp) -> Price {
    let offset = waves.reduce(Int64(0)) { $0 + $1.height(at: now) }
    return Price(units: startingPrice.units + Int64(Int128(startingPrice.units) * Int128(offset) / 1_000_000))
  }
}
