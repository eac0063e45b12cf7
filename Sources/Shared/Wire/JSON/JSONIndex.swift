/// Where every value of a JSON text lies. The text is checked once, as strictly as `JSON.parse` checks it; then its members are found
/// and read in place, without a tree of strings.
struct JSONIndex: Sendable {
  enum Kind: UInt8, Sendable { case null, bool, number, string, array, object }

  /// A value; those inside it follow it, up to `next`.
  struct Node: Sendable {
    let kind: Kind
    /// The text has escapes that are to be resolved.
    var isEscaped: Bool
    let isNameEscaped: Bool
    /// The name of a member, between its quotes; empty for any other value.
    let name: Span
    /// The first eight bytes of the name as one word, zeros behind a shorter one.
    let nameStart: UInt64
    /// The text of the value; of a string what is between its quotes.
    var text: Span
    /// The node behind this one and all that is inside it.
    var next: Int32
  }

  /// A stretch of the bytes.
  struct Span: Sendable {
    var start: Int32
    var count: Int32

    static let none = Span(start: 0, count: 0)
  }

  let bytes: [UInt8]
  let nodes: [Node]

  /// Checks the value that fills `bytes`.
  init(_ bytes: [UInt8]) throws(JSONError) {
    guard bytes.count <= Int(Int32.max) else { throw .malformed(offset: Int(Int32.max)) }
    self.bytes = bytes
    nodes = try bytes.withUnsafeBufferPointer { buffer throws(JSONError) in
      var indexer = JSONIndexer(buffer)
      return try indexer.index()
    }
  }

  /// The member of an object by its name; nil when there is none.
  func member(_ name: UnsafeBufferPointer<UInt8>, of object: Int) -> Int? {
    let start = name.word(at: 0)
    return nodes.withUnsafeBufferPointer { nodes in
      let end = Int(nodes[object].next)
      var place = object + 1
      while place < end {
        if nodes[place].nameStart == start || nodes[place].isNameEscaped, isNamed(nodes[place], name) { return place }
        place = Int(nodes[place].next)
      }
      return nil
    }
  }

  /// The members of an object or the elements of an array, in the order written.
  func children(of place: Int) -> some Sequence<Int> {
    sequence(state: place + 1) { [nodes, end = Int(nodes[place].next)] child in
      guard child < end else { return nil }
      defer { child = Int(nodes[child].next) }
      return child
    }
  }

  /// Lends a stretch of the text as it was written.
  @inline(__always)
  func withRaw<Result>(_ span: Span, _ body: (JSONText) -> Result) -> Result {
    bytes.withUnsafeBufferPointer { bytes in
      body(JSONText(rebasing: bytes[Int(span.start)..<Int(span.start) + Int(span.count)]))
    }
  }

  /// The name of a member.
  func name(of place: Int) -> String { text(nodes[place].name, isEscaped: nodes[place].isNameEscaped) }

  /// The text of a string or number.
  func text(of place: Int) -> String { text(nodes[place].text, isEscaped: nodes[place].isEscaped) }

  /// The value and all that is inside it.
  func tree(of place: Int) -> JSON {
    switch nodes[place].kind {
    case .null: .null
    case .bool: .bool(bool(of: place))
    case .number: .number(text(of: place))
    case .string: .string(text(of: place))
    case .array: .array(children(of: place).map(tree))
    case .object: .object(members(of: place))
    }
  }

  func members(of place: Int) -> [JSONMember] {
    children(of: place).map { JSONMember(name: name(of: $0), value: tree(of: $0)) }
  }

  func bool(of place: Int) -> Bool { bytes[Int(nodes[place].text.start)] == UInt8(ascii: "t") }

  private func isNamed(_ node: Node, _ name: JSONText) -> Bool {
    guard !node.isNameEscaped else { return text(node.name, isEscaped: true).utf8.elementsEqual(name) }
    return withRaw(node.name) { $0.equals(name) }
  }

  private func text(_ span: Span, isEscaped: Bool) -> String {
    withRaw(span) { raw in
      guard isEscaped else { return String(decoding: raw, as: UTF8.self) }
      guard let text = try? decodeJSONString(raw) else { preconditionFailure("a text was decoded when it was indexed") }
      return text
    }
  }
}

/// Reads a JSON text from end to end and notes where its values lie.
private struct JSONIndexer {
  /// Beyond as many members their names are looked up, not compared one by one.
  private static let fewMembers = 64

  private let bytes: UnsafeBufferPointer<UInt8>
  private var scanner: JSONScanner
  private var nodes: [JSONIndex.Node] = []

  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
    scanner = JSONScanner(bytes)
    nodes.reserveCapacity(bytes.count / 16 + 4)
  }

  mutating func index() throws(JSONError) -> [JSONIndex.Node] {
    try read(name: .none, isNameEscaped: false, depth: 0)
    try scanner.end()
    return nodes
  }

  private mutating func read(name: JSONIndex.Span, isNameEscaped: Bool, depth: Int) throws(JSONError) {
    guard depth < JSON.maximumDepth else { throw .tooDeep }
    let first = scanner.peek()
    let start = Int32(truncatingIfNeeded: scanner.position)
    let place = nodes.count
    let kind = Self.kind(first)
    let nameStart = bytes.word(at: Int(name.start)) & (1 << (8 * min(name.count, 8)) &- 1)
    var node = JSONIndex.Node(
      kind: kind, isEscaped: false, isNameEscaped: isNameEscaped, name: name, nameStart: nameStart, text: .none,
      next: Int32(place + 1))
    switch kind {
    case .string:
      let text = try scanner.rawString()
      node.text = span(of: text)
      node.isEscaped = try check(text)
    case .number:
      let text = try scanner.numberText()
      node.text = span(of: text)
    case .bool:
      _ = try scanner.bool()
      node.text = JSONIndex.Span(start: start, count: Int32(truncatingIfNeeded: scanner.position) - start)
    case .null: _ = try scanner.null()
    case .array:
      nodes.append(node)
      try scanner.beginArray()
      while try scanner.nextElement() { try read(name: .none, isNameEscaped: false, depth: depth + 1) }
      nodes[place].next = Int32(nodes.count)
      return
    case .object:
      nodes.append(node)
      try readMembers(of: place, depth: depth)
      nodes[place].next = Int32(nodes.count)
      return
    }
    nodes.append(node)
  }

  private mutating func readMembers(of place: Int, depth: Int) throws(JSONError) {
    try scanner.beginObject()
    var count = 0
    var seen: Set<String> = []
    // A bit for each mark that a name had: a name with a mark of its own is new.
    var marks: UInt64 = 0
    while let name = try scanner.nextName() {
      let isEscaped = try check(name)
      if isEscaped { marks = .max }
      if count == Self.fewMembers { seen = try names(in: place) }
      let mark = Self.mark(name)
      let isRepeated =
        count >= Self.fewMembers
        ? !seen.insert(try decodeJSONString(name)).inserted
        : marks & mark != 0 ? try isKnown(name, isEscaped, in: place) : false
      marks |= mark
      guard !isRepeated else { throw .repeatedName(try decodeJSONString(name)) }
      count += 1
      try read(name: span(of: name), isNameEscaped: isEscaped, depth: depth + 1)
    }
  }

  private static func mark(_ name: JSONText) -> UInt64 {
    guard let first = name.first, let last = name.last else { return 1 }
    return 1 << UInt64((Int(first) &* 7 &+ Int(last) &* 13 &+ name.count &* 5) & 63)
  }

  private static func kind(_ byte: UInt8?) -> JSONIndex.Kind {
    switch byte {
    case UInt8(ascii: "{"): .object
    case UInt8(ascii: "["): .array
    case UInt8(ascii: "\""): .string
    case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
    case UInt8(ascii: "n"): .null
    default: .number
    }
  }

  /// True when the text that was just read has escapes. Throws when they, or the text, are broken.
  private func check(_ text: JSONText) throws(JSONError) -> Bool {
    guard !scanner.isPlain else { return false }
    _ = try decodeJSONString(text)
    return text.contains(UInt8(ascii: "\\"))
  }

  /// True when the object that begins at `place` has a member of that name already.
  private func isKnown(_ name: JSONText, _ isEscaped: Bool, in place: Int) throws(JSONError) -> Bool {
    var child = place + 1
    while child < nodes.count {
      let node = nodes[child]
      let other = text(node.name)
      if isEscaped || node.isNameEscaped {
        if try decodeJSONString(other) == decodeJSONString(name) { return true }
      } else if other.equals(name) {
        return true
      }
      child = Int(node.next)
    }
    return false
  }

  private func names(in place: Int) throws(JSONError) -> Set<String> {
    var names: Set<String> = []
    var child = place + 1
    while child < nodes.count {
      names.insert(try decodeJSONString(text(nodes[child].name)))
      child = Int(nodes[child].next)
    }
    return names
  }

  private func text(_ span: JSONIndex.Span) -> JSONText {
    JSONText(rebasing: bytes[Int(span.start)..<Int(span.start) + Int(span.count)])
  }

  private func span(of text: JSONText) -> JSONIndex.Span {
    guard let start = text.baseAddress, let base = bytes.baseAddress else { return .none }
    return JSONIndex.Span(start: Int32(truncatingIfNeeded: start - base), count: Int32(truncatingIfNeeded: text.count))
  }
}
