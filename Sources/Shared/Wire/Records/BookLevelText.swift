import Domain

extension JSONWriter {
  /// `["price","quantity"]` in the shortest form.
  public mutating func level(_ level: BookLevel) {
    raw(atMost: LevelText.maximumCount) { start in
      var end = start
      LevelText.write(level, to: &end)
      return end
    }
  }

  /// `[["price","quantity"],…]`, in the order given and in the shortest form: all of them at once, since a book's records are made of little
  /// else.
  public mutating func levels(_ levels: [BookLevel]) {
    raw(atMost: 2 + levels.count * LevelText.maximumCount) { start in
      var end = start
      end.write(UInt8(ascii: "["))
      for level in levels {
        if end != start + 1 { end.write(UInt8(ascii: ",")) }
        LevelText.write(level, to: &end)
      }
      end.write(UInt8(ascii: "]"))
      return end
    }
  }
}

/// Writes a level's numbers, which are 64 bits wide: several times faster than decimals of any width.
private enum LevelText {
  /// Brackets, four quotes, two commas, and two numbers of at most nineteen digits, each with a point and a minus.
  static let maximumCount = 2 + 4 + 2 + 2 * 21

  @inline(__always)
  static func write(_ level: BookLevel, to end: inout UnsafeMutablePointer<UInt8>) {
    end.write(UInt8(ascii: "["))
    end.write(UInt8(ascii: "\""))
    write(level.price.units, power: 10_000_000_000, decimals: Price.scale, to: &end)
    end.write(UInt8(ascii: "\""))
    end.write(UInt8(ascii: ","))
    end.write(UInt8(ascii: "\""))
    write(level.quantity.units, power: 100_000_000, decimals: Quantity.scale, to: &end)
    end.write(UInt8(ascii: "\""))
    end.write(UInt8(ascii: "]"))
  }

  /// `power` is ten to the `decimals`.
  @inline(__always)
  private static func write(_ units: Int64, power: UInt64, decimals: Int, to end: inout UnsafeMutablePointer<UInt8>) {
    if units < 0 { end.write(UInt8(ascii: "-")) }
    let (whole, fraction) = units.magnitude.quotientAndRemainder(dividingBy: power)
    var count = 1
    var bound: UInt64 = 10
    while whole >= bound {
      count += 1
      bound *= 10
    }
    writeDigits(whole, count, to: &end)
    guard fraction != 0 else { return }
    end.write(UInt8(ascii: "."))
    writeDigits(fraction, decimals, to: &end)
    while end[-1] == UInt8(ascii: "0") { end -= 1 }
  }

  /// So many digits, with zeros before a number that has fewer.
  @inline(__always)
  private static func writeDigits(_ number: UInt64, _ count: Int, to end: inout UnsafeMutablePointer<UInt8>) {
    var rest = number
    for index in stride(from: count - 1, through: 0, by: -1) {
      let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
      (end + index).initialize(to: UInt8(truncatingIfNeeded: digit) + UInt8(ascii: "0"))
      rest = quotient
    }
    end += count
  }
}
