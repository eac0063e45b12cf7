import Domain
import Wire

/// The parameters of one request, read by name. Every read is counted: what nobody reads is refused, as the venue does.
struct BinanceParameters {
  private var values: [(name: String, value: String)] = []
  private var read: Set<String> = []

  /// Takes the query string and the form body. A name repeated in one of them is refused; sent in both, the query's value counts.
  init(query: String, body: String = "") throws(BinanceError) {
    for raw in [query, body] {
      let form = FormParameters(raw)
      guard form.isWellFormed else { throw .illegalCharacters("query", legal: "percent-encoded UTF-8") }
      let earlier = Set(values.map(\.name))
      var seen: Set<String> = []
      for (name, value) in form.pairs {
        guard seen.insert(name).inserted else { throw .duplicate(name) }
        if !earlier.contains(name) { values.append((name, value)) }
      }
    }
  }

  /// Takes the `params` of a WebSocket request: text and numbers; anything else counts as not sent.
  init(_ members: [JSONMember]) {
    values = members.compactMap { member in member.value.text.map { (member.name, $0) } }
  }

  /// What the client signed over a WebSocket: everything but the signature, sorted by name, not percent-encoded.
  var sortedPayload: String {
    values.filter { $0.name != BinanceSecurity.signature }.sorted { $0.name < $1.name }
      .map { "\($0.name)=\($0.value)" }.joined(separator: "&")
  }

  /// The value as it was sent, unread; nil when it was not.
  func peek(_ name: String) -> String? { values.first { $0.name == name }?.value }

  /// The value, or nil when it was not sent.
  mutating func text(_ name: String) throws(BinanceError) -> String? {
    guard let value = peek(name) else { return nil }
    read.insert(name)
    guard !value.isEmpty else { throw .empty(name) }
    return value
  }

  mutating func required(_ name: String) throws(BinanceError) -> String {
    guard let value = peek(name), !value.isEmpty else { throw .missing(name) }
    read.insert(name)
    return value
  }

  /// A decimal without sign or exponent, of at most eight digits behind the point.
  mutating func decimal<Value: FixedPoint>(_ name: String) throws(BinanceError) -> Value? {
    guard let text = try text(name) else { return nil }
    let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    let isLegal = (1...2).contains(parts.count) && parts.allSatisfy { (1...20).contains($0.count) && $0.allSatisfy(isDigit) }
    guard isLegal else { throw .illegalCharacters(name, legal: "^([0-9]{1,20})(\\.[0-9]{1,20})?$") }
    if parts.count == 2, parts[1].dropFirst(8).contains(where: { $0 != UInt8(ascii: "0") }) { throw .tooPrecise(name) }
    do throws(DecimalError) { return try Value(text) } catch { throw .overflow(name) }
  }

  mutating func integer(_ name: String, in range: ClosedRange<Int64> = 0...Int64.max) throws(BinanceError) -> Int64? {
    guard let text = try text(name) else { return nil }
    guard text.utf8.allSatisfy(isDigit) else { throw .illegalCharacters(name, legal: "^[0-9]{1,20}$") }
    guard let value = Int64(text), range.contains(value) else { throw .invalid(name) }
    return value
  }

  /// A client id: 1 to 36 letters, digits, `-` and `_`.
  mutating func clientID(_ name: String) throws(BinanceError) -> String? {
    guard let text = try text(name) else { return nil }
    let isLegal = text.utf8.count <= 36 && text.utf8.allSatisfy(isClientIDByte)
    guard isLegal else { throw .illegalCharacters(name, legal: "^[a-zA-Z0-9-_]{1,36}$") }
    return text
  }

  /// Accepts parameters whose value makes no difference here.
  mutating func ignore(_ names: String...) { read.formUnion(names) }

  /// Refuses the request when something in it was never read.
  func finish() throws(BinanceError) {
    let known = values.filter { read.contains($0.name) }.count
    guard known == values.count else { throw .unread(read: known, sent: values.count) }
  }
}

private func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

private func isClientIDByte(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
  case UInt8(ascii: "-"), UInt8(ascii: "_"): true
  default: false
  }
}
