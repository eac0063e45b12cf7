import CPostgres

/// A statement with its parameters: `$1`, `$2`, … in the text. Money goes as decimal text into `numeric`.
public struct PostgresStatement: Sendable, Equatable {
  enum Parameter: Sendable, Equatable {
    case text(String?)
    /// A `text[]`.
    case texts([String?])

    var texts: [String?] {
      switch self {
      case .text(let value): [value]
      case .texts(let values): values
      }
    }
  }

  /// The SQL text; keep it constant, since it is prepared once per connection.
  public let sql: String
  let parameters: [Parameter]

  /// A statement with its parameters as text; nil is NULL.
  public init(_ sql: String, _ parameters: [String?] = []) {
    self.sql = sql
    self.parameters = parameters.map { .text($0) }
  }

  /// A statement about many rows, all with the same number of values: `$1` is the `text[]` of their first ones, and so on, as
  /// `unnest($1::text[], …)` takes them.
  public init(_ sql: String, rows: [[String?]]) {
    self.sql = sql
    parameters = (rows.first ?? []).indices.map { column in .texts(rows.map { $0[column] }) }
  }

  /// False for one made of no rows: it says nothing.
  public var hasRows: Bool { !parameters.isEmpty }
}

/// Parameters of a statement or a connection as libpq wants them: texts as C strings, nil as a null pointer, arrays in the binary format,
/// where nothing needs quoting.
struct ParameterBuffer {
  private static let textFormat: Int32 = 0
  private static let binaryFormat: Int32 = 1
  /// `TEXTOID` of PostgreSQL's catalogue.
  private static let textOID: Int32 = 25

  private var bytes: [UInt8] = []
  private var starts: [Int?] = []
  private var lengths: [Int32] = []
  private var formats: [Int32] = []

  init(_ parameters: [PostgresStatement.Parameter]) {
    for parameter in parameters {
      switch parameter {
      case .text(let text): append(text)
      case .texts(let texts): append(texts)
      }
    }
  }

  /// Lends values, lengths and formats.
  func withPointers<Result>(
    _ body: (UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> Result
  ) -> Result {
    bytes.withUnsafeBytes { bytes in
      let base = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
      let pointers = starts.map { start in start.flatMap { base?.advanced(by: $0) } }
      return pointers.withUnsafeBufferPointer { values in body(values.baseAddress, lengths, formats) }
    }
  }

  private mutating func append(_ text: String?) {
    starts.append(text.map { _ in bytes.count })
    lengths.append(0)
    formats.append(Self.textFormat)
    guard let text else { return }
    bytes.append(contentsOf: text.utf8)
    bytes.append(0)
  }

  /// `array_send` of PostgreSQL: dimensions, whether there are NULLs, the element's type; count and lower bound; length and bytes of each.
  private mutating func append(_ texts: [String?]) {
    let start = bytes.count
    starts.append(start)
    formats.append(Self.binaryFormat)
    for word in [texts.isEmpty ? 0 : 1, texts.contains(nil) ? 1 : 0, Self.textOID] { append(word) }
    if !texts.isEmpty {
      append(Int32(texts.count))
      append(1)
    }
    for text in texts {
      guard let text else {
        append(-1)
        continue
      }
      append(Int32(text.utf8.count))
      bytes.append(contentsOf: text.utf8)
    }
    lengths.append(Int32(bytes.count - start))
  }

  private mutating func append(_ word: Int32) {
    withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) }
  }
}
