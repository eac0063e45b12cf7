import Domain

extension OrderRequest {
  /// Reads the everyday record on `orders` in one pass, several times faster than member by member: known names, each once; text without
  /// escapes; no null and no list. Nil says nothing about the record but that `RecordReader` must look at it.
  init?(plain bytes: UnsafeBufferPointer<UInt8>, defaults: OrderDefaults) {
    var scanner = PlainScanner(bytes)
    var fields = PlainFields()
    guard scanner.take(UInt8(ascii: "{")) else { return nil }
    repeat {
      guard let name = scanner.string(), scanner.take(UInt8(ascii: ":")), fields.read(name, from: &scanner) else { return nil }
    } while scanner.take(UInt8(ascii: ","))
    guard scanner.take(UInt8(ascii: "}")), scanner.isAtEnd else { return nil }
    self.init(
      action: fields.action ?? .new, account: fields.account ?? defaults.account, clientOrderID: fields.clientOrderID,
      venue: fields.venue ?? defaults.venue, symbol: fields.symbol ?? defaults.symbol, side: fields.side,
      type: fields.type ?? (fields.price == nil ? .market : .limit), quantity: fields.quantity,
      quoteQuantity: fields.quoteQuantity, price: fields.price, timeInForce: fields.timeInForce,
      postOnly: fields.postOnly ?? false,
      reduceOnly: fields.reduceOnly ?? false, expiresAt: fields.expiresAt, strategy: fields.strategy, target: fields.target,
      allSymbols: fields.allSymbols ?? (fields.symbol == nil))
  }
}

/// What a plain record has said so far.
private struct PlainFields {
  var version: Int64?
  var action: OrderAction?
  var account: Account?
  var clientOrderID: ClientOrderID?
  var venue: Venue?
  var symbol: Symbol?
  var side: Side?
  var type: OrderType?
  var quantity: Quantity?
  var quoteQuantity: Money?
  var price: Price?
  var timeInForce: TimeInForce?
  var postOnly: Bool?
  var reduceOnly: Bool?
  var expiresAt: Timestamp?
  var strategy: String?
  var target: ClientOrderID?
  var allSymbols: Bool?

  /// Reads the value behind a name; false when it is not an everyday one.
  mutating func read(_ name: JSONText, from scanner: inout PlainScanner) -> Bool {
    switch name.count {
    case 1: return name == "v" && set(&version, scanner.integer())
    case 4:
      if name == "side" { return set(&side, scanner.string().flatMap(Side.init(plain:))) }
      return name == "type" && set(&type, scanner.string().flatMap(OrderType.init(plain:)))
    case 5:
      if name == "price" { return set(&price, scanner.decimal()) }
      return name == "venue" && set(&venue, scanner.identifier())
    case 6:
      if name == "symbol" { return set(&symbol, scanner.string().flatMap(Symbol.init(utf8:))) }
      return name == "action" && set(&action, scanner.string().flatMap(OrderAction.init(plain:)))
    case 7: return name == "account" && set(&account, scanner.identifier())
    case 8:
      if name == "quantity" { return set(&quantity, scanner.decimal()) }
      return name == "strategy" && set(&strategy, scanner.string().map { String(decoding: $0, as: UTF8.self) })
    case 13: return name == "time_in_force" && set(&timeInForce, scanner.string().flatMap(TimeInForce.init(plain:)))
    case 14: return name == "quote_quantity" && set(&quoteQuantity, scanner.decimal())
    case 15: return name == "client_order_id" && set(&clientOrderID, scanner.identifier())
    case 22: return name == "target_client_order_id" && set(&target, scanner.identifier())
    default: return readSeldom(name, from: &scanner)
    }
  }

  private mutating func readSeldom(_ name: JSONText, from scanner: inout PlainScanner) -> Bool {
    if name == "post_only" { return set(&postOnly, scanner.bool()) }
    if name == "reduce_only" { return set(&reduceOnly, scanner.bool()) }
    if name == "all_symbols" { return set(&allSymbols, scanner.bool()) }
    return name == "expires_at" && set(&expiresAt, scanner.integer().map(Timestamp.init(nanoseconds:)))
  }
}

/// Sets a field to what was read; false when that was nothing, or the field came before.
@inline(__always)
private func set<Value>(_ field: inout Value?, _ value: Value?) -> Bool {
  guard case nil = field, let value else { return false }
  field = value
  return true
}

/// Steps through text that is plain; whatever it does not know it does not take.
private struct PlainScanner {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0

  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  var isAtEnd: Bool {
    mutating get {
      skipSpace()
      return position == bytes.count
    }
  }

  @inline(__always)
  mutating func take(_ byte: UInt8) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  /// ASCII between quotes, without escapes.
  @inline(__always)
  mutating func string() -> JSONText? {
    guard take(UInt8(ascii: "\"")) else { return nil }
    let start = position
    var index = start
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "\"") {
        position = index + 1
        return JSONText(rebasing: bytes[start..<index])
      }
      guard byte &- 0x20 < 0x5F, byte != UInt8(ascii: "\\") else { return nil }
      index += 1
    }
    return nil
  }

  /// What looks like a number without exponent.
  private mutating func number() -> JSONText? {
    skipSpace()
    let start = position
    while position < bytes.count, bytes[position] &- 0x2D < 13 { position += 1 }
    return position > start ? JSONText(rebasing: bytes[start..<position]) : nil
  }

  mutating func integer() -> Int64? { number().flatMap(Int64.init(plain:)) }

  mutating func decimal<Value: FixedPoint>() -> Value? {
    skipSpace()
    guard position < bytes.count else { return nil }
    let text = bytes[position] == UInt8(ascii: "\"") ? string() : number()
    return text.flatMap { DecimalText.parseShort($0, scale: Value.scale) }.map { Value(units: Value.Units($0)) }
  }

  mutating func identifier<Kind>() -> Identifier<Kind>? { string().flatMap(Identifier.init(utf8:)) }

  mutating func bool() -> Bool? {
    skipSpace()
    for (word, value) in [("true", true), ("false", false)] as [(StaticString, Bool)]
    where bytes.count - position >= word.utf8CodeUnitCount {
      guard JSONText(rebasing: bytes[position..<position + word.utf8CodeUnitCount]) == word else { continue }
      position += word.utf8CodeUnitCount
      return value
    }
    return nil
  }

  @inline(__always)
  private mutating func skipSpace() {
    while position < bytes.count, bytes[position] <= 0x20 {
      guard bytes[position] == 0x20 || bytes[position] == 0x0A || bytes[position] == 0x0D || bytes[position] == 0x09 else {
        return
      }
      position += 1
    }
  }
}

extension Side {
  fileprivate init?(plain text: JSONText) {
    if text == "buy" { self = .buy } else if text == "sell" { self = .sell } else { return nil }
  }
}

extension OrderType {
  fileprivate init?(plain text: JSONText) {
    if text == "limit" { self = .limit } else if text == "market" { self = .market } else { return nil }
  }
}

extension OrderAction {
  fileprivate init?(plain text: JSONText) {
    if text == "new" { self = .new } else if text == "cancel" { self = .cancel } else { return nil }
  }
}

extension TimeInForce {
  fileprivate init?(plain text: JSONText) {
    if text == "gtc" {
      self = .gtc
    } else if text == "ioc" {
      self = .ioc
    } else if text == "fok" {
      self = .fok
    } else {
      return nil
    }
  }
}
