import Domain
import Wire

extension AccountSnapshot {
  /// Reads the record under the account's own key; further pages come by `readPage`.
  init(_ reader: RecordReader) throws(RecordError) {
    account = try reader.require("account", try reader.identifier("account"))
    number = try reader.require("snapshot", try reader.integer("snapshot"))
    pages = Int(clamping: try reader.integer("pages") ?? 1)
    guard (1...1_000).contains(pages) else { throw RecordError(.outOfRange, "The field pages is out of range.") }
    time = try reader.require("time", try reader.time("time"))
    control = try Control(try reader.object("control")?.bytes ?? [])
    limits = try Limits(try reader.object("limits")?.bytes ?? [])
    day = DayLoss(day: try reader.require("day", try reader.integer("day")))
    day.baseline = try reader.require("day_baseline", try reader.decimal("day_baseline"))
    day.isReached = try reader.bool("daily_loss_reached") ?? false
    executionsNext = try reader.require("executions_offset", try reader.integer("executions_offset"))
    lastOrderNumber = try reader.integer("last_order_number") ?? 0
    approvals = (reader.value("approvals")?.array ?? []).compactMap { $0.integer.map(Timestamp.init(nanoseconds:)) }
    ledgers = []
    for entry in try reader.objects("positions") { ledgers.append(try LedgerEntry(entry)) }
    adjustments = try reader.strings("adjustments")
    identifiers = try RecentIdentifiers(text: try reader.string("identifiers") ?? "")
    ended = try reader.strings("ended").compactMap { ClientOrderID($0) }
    orders = []
    try readPage(reader)
  }

  /// Adds the orders of a page.
  mutating func readPage(_ reader: RecordReader) throws(RecordError) {
    guard try reader.integer("snapshot") == number else {
      throw RecordError(.contradiction, "A page of the snapshot of \(account) belongs to another snapshot.")
    }
    for order in try reader.objects("orders") { orders.append(try OrderEntry(order)) }
  }
}

extension AccountSnapshot.LedgerEntry {
  init(_ reader: RecordReader) throws(RecordError) {
    symbol = try reader.require("symbol", try reader.symbol("symbol"))
    ledger = Ledger(
      position: try reader.require("position", try reader.decimal("position")),
      cost: try reader.require("cost", try reader.decimal("cost")),
      realised: try reader.require("realised", try reader.decimal("realised")))
    if let price: Price = try reader.decimal("mark") {
      mark = Mark(price: price, time: try reader.require("mark_time", try reader.time("mark_time")))
    }
  }

  func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("symbol", symbol.description)
    writer.member("position", ledger.position)
    writer.member("cost", ledger.cost)
    writer.member("realised", ledger.realised)
    writer.member("mark", mark?.price)
    writer.member("mark_time", mark?.time)
    writer.endObject()
  }
}

extension AccountSnapshot.OrderEntry {
  init(_ reader: RecordReader) throws(RecordError) {
    symbol = try reader.require("symbol", try reader.symbol("symbol"))
    // Positions in the market and reservations are put in when the state is built.
    let id: ClientOrderID = try reader.require("client_order_id", try reader.identifier("client_order_id"))
    order = TrackedOrder(
      id: id, key: id.stableHash, symbol: 0, base: 0,
      venue: try reader.require("venue", try reader.identifier("venue")),
      side: try reader.require("side", try reader.token("side")),
      total: try reader.require("reserved", try reader.decimal("reserved")),
      quantity: try reader.require("quantity", try reader.decimal("quantity")), limitPrice: try reader.decimal("price"),
      number: try reader.require("number", try reader.integer("number")))
    order.hasPlan = try reader.bool("planned") ?? false
    order.isTracked = try reader.bool("tracked") ?? true
    for child in try reader.objects("children") { order.children.append(try TrackedOrder.Child(child)) }
    fillSymbols = []
    for fill in try reader.objects("fills") {
      fillSymbols.append(try fill.symbol("symbol") ?? symbol)
      order.fills.append(
        FillKey(
          venue: try fill.identifier("venue") ?? order.venue, symbol: 0, venueOrderID: try fill.string("order") ?? "",
          tradeID: try fill.string("trade") ?? ""))
    }
  }

  func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("client_order_id", order.id)
    writer.member("symbol", symbol.description)
    writer.member("venue", order.venue)
    writer.member("side", order.side)
    writer.member("reserved", order.total)
    writer.member("quantity", order.quantity)
    writer.member("price", order.limitPrice)
    writer.member("number", order.number)
    if order.hasPlan { writer.member("planned", true) }
    if !order.isTracked { writer.member("tracked", false) }
    writer.name("children")
    writer.beginArray()
    for child in order.children { child.write(to: &writer) }
    writer.endArray()
    writer.name("fills")
    writer.beginArray()
    for (fill, fillSymbol) in zip(order.fills, fillSymbols) {
      writer.beginObject()
      if fill.venue != order.venue { writer.member("venue", fill.venue) }
      if fillSymbol != symbol { writer.member("symbol", fillSymbol.description) }
      writer.member("order", fill.venueOrderID)
      writer.member("trade", fill.tradeID)
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
  }
}

extension TrackedOrder.Child {
  init(_ reader: RecordReader) throws(RecordError) {
    self.init(
      number: Int(clamping: try reader.require("child", try reader.integer("child"))),
      quantity: try reader.require("quantity", try reader.decimal("quantity")),
      filled: try reader.require("filled", try reader.decimal("filled")),
      cumulative: try reader.require("cumulative", try reader.decimal("cumulative")),
      isOver: try reader.bool("over") ?? false)
  }

  func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("child", number)
    writer.member("quantity", quantity)
    writer.member("filled", filled)
    writer.member("cumulative", cumulative)
    if isOver { writer.member("over", true) }
    writer.endObject()
  }
}

extension RecordReader {
  /// The object as JSON again.
  fileprivate var bytes: [UInt8] {
    var writer = JSONWriter()
    writer.value(.object(members))
    return writer.bytes
  }
}
