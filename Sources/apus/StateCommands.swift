import Domain
import Redis
import Runtime
import Wire

/// `apus orders`: the account's open orders, from Redis.
func ordersCommand(_ arguments: CommandArguments) throws -> ExitCode {
  let account = try arguments.account()
  let state = try LiveState()
  let ids = try state.members("orders:open:\(account)").sorted()
  return show(try ids.compactMap { try state.object("order:\(account):\($0)") }, arguments, nothing: "no open orders")
}

/// `apus positions`: the account's positions, from Redis.
func positionsCommand(_ arguments: CommandArguments) throws -> ExitCode {
  let state = try LiveState()
  let keys = try state.keys("position:\(try arguments.account()):*").sorted()
  return show(try keys.compactMap { try state.object($0) }, arguments, nothing: "no positions")
}

/// `apus risk`: what RiskGate knows of the account, from Redis.
func riskCommand(_ arguments: CommandArguments) throws -> ExitCode {
  let account = try arguments.account()
  guard let risk = try LiveState().object("risk:\(account)") else {
    printError("apus: no risk state of \(account): no RiskGate has it")
    return .unreachable
  }
  if arguments.has("json") {
    print(text(of: risk))
  } else {
    for member in risk.members ?? [] { print("\(member.name): \(text(of: member.value))") }
  }
  return .done
}

/// `apus book`: a venue's live book, from Redis.
func bookCommand(_ arguments: CommandArguments) throws -> ExitCode {
  let symbol = try arguments.symbol(arguments.words.first)
  let venue = arguments.option("venue") ?? Venue.binance.text
  let depth = try arguments.option("depth") { Int($0) } ?? 10
  guard let book = try LiveState().object("book:\(venue):\(symbol)") else {
    printError("apus: no book of \(symbol) at \(venue): no feed is alive")
    return .unreachable
  }
  if arguments.has("json") {
    print(text(of: book))
    return .done
  }
  guard book["valid"]?.bool == true else {
    print("\(symbol) at \(venue): invalid (\(book["reason"]?.string ?? "no reason given"))")
    return .unknown
  }
  let asks = (book["asks"]?.array ?? []).prefix(depth)
  let bids = (book["bids"]?.array ?? []).prefix(depth)
  for level in asks.reversed() { print("ask  \(level.array?.compactMap(\.text).joined(separator: "  ") ?? "")") }
  for level in bids { print("bid  \(level.array?.compactMap(\.text).joined(separator: "  ") ?? "")") }
  return .done
}

/// The command line's way to Redis.
private struct LiveState {
  private let connection: RedisConnection

  init() throws {
    let text = setting("REDIS_URL", default: "redis://127.0.0.1:6379")
    guard let url = RedisURL(text) else { throw CommandFailure(.usage, "REDIS_URL is not redis://[:password@]host:port[/db]") }
    do { connection = try RedisConnection(url) } catch { throw CommandFailure(.unreachable, error.description) }
  }

  func members(_ key: String) throws -> [String] { try connection.command("SMEMBERS", key).elements.compactMap(\.text) }

  /// Scans in steps: `KEYS` would stop the server.
  func keys(_ pattern: String) throws -> [String] {
    var keys: Set<String> = []
    var cursor = "0"
    repeat {
      let reply = try connection.command("SCAN", cursor, "MATCH", pattern, "COUNT", "1000").elements
      guard reply.count == 2, let next = reply[0].text else { return keys.sorted() }
      keys.formUnion(reply[1].elements.compactMap(\.text))
      cursor = next
    } while cursor != "0"
    return keys.sorted()
  }

  /// The JSON object under a key, or nil when there is none.
  func object(_ key: String) throws -> JSON? {
    guard case .bytes(let bytes) = try connection.command("GET", key) else { return nil }
    return try JSON.parse(bytes)
  }
}

/// A list of objects as JSON or as a table with a column for every scalar.
private func show(_ objects: [JSON], _ arguments: CommandArguments, nothing: String) -> ExitCode {
  if arguments.has("json") {
    print(text(of: .array(objects)))
    return .done
  }
  guard !objects.isEmpty else {
    print(nothing)
    return .done
  }
  var columns: [String] = []
  for member in objects.flatMap({ $0.members ?? [] }) where isScalar(member.value) && !columns.contains(member.name) {
    columns.append(member.name)
  }
  columns.removeAll { $0 == "v" }
  printTable([columns] + objects.map { object in columns.map { object[$0].map(plain) ?? "" } })
  return .done
}

/// Rows of the same number of cells, in columns as wide as they must be.
func printTable(_ rows: [[String]]) {
  let columns = rows.first?.indices ?? 0..<0
  let widths = columns.map { column in rows.map { $0[column].count }.max() ?? 0 }
  for row in rows {
    let cells = zip(row, widths).map { cell, width in cell + String(repeating: " ", count: width - cell.count) }
    print(cells.joined(separator: "  "))
  }
}

private func isScalar(_ json: JSON) -> Bool { json.members == nil && json.array == nil }

private func plain(_ json: JSON) -> String { json.text ?? text(of: json) }

private func text(of json: JSON) -> String {
  var writer = JSONWriter()
  writer.value(json)
  return String(decoding: writer.bytes, as: UTF8.self)
}
