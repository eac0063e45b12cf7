import Books
import Domain
import Runtime
import Wire

/// `apus book --consolidated`: the books of all venues as one.
func consolidatedBookCommand(_ arguments: CommandArguments) throws -> ExitCode {
  let symbol = try arguments.symbol(arguments.words.first)
  let depth = try arguments.option("depth") { Int($0) } ?? 10
  let topics = try BookTopics(symbol, log: LogClient(), at: wallClock())
  let book = ConsolidatedBook(
    topics.books, at: wallClock(), maximumAge: BookTopics.maximumAge, depth: max(0, depth), dust: try dust(arguments))
  sayMissing(topics, book, symbol)
  if arguments.has("json") {
    print(json(book, symbol))
  } else {
    for level in book.asks.reversed() { print("ask  \(level.price)  \(level.quantity)  \(level.venue)") }
    for level in book.bids { print("bid  \(level.price)  \(level.quantity)  \(level.venue)") }
  }
  return book.venues.isEmpty ? .unknown : .done
}

/// `apus impact`: what an order of a notional would pay on average, at each venue and over all of them.
func impactCommand(_ arguments: CommandArguments) throws -> ExitCode {
  guard let amount = arguments.words.first.flatMap({ try? Money($0) }), amount.isPositive, amount <= Money.limit else {
    throw CommandFailure(.usage, "impact needs a notional in the quote asset, like 50000")
  }
  let symbol = try arguments.symbol(arguments.words.dropFirst().first)
  let side = try arguments.option("side") { Side(rawValue: $0) } ?? .buy
  let topics = try BookTopics(symbol, log: LogClient(), at: wallClock())
  let now = wallClock()
  let dust = try dust(arguments)
  func consolidate(_ books: [VenueBook]) -> ConsolidatedBook {
    ConsolidatedBook(books, at: now, maximumAge: BookTopics.maximumAge, dust: dust)
  }
  let whole = consolidate(topics.books)
  sayMissing(topics, whole, symbol)
  var rows = topics.books.filter { whole.venues.contains($0.venue) }.map { ($0.venue.text, consolidate([$0])) }
  if rows.count > 1 { rows.append(("consolidated", whole)) }
  for (name, book) in rows {
    let levels = side == .buy ? book.asks : book.bids
    let impact = PriceImpact(side: side, notional: amount, curve: DepthCurve(levels.map(\.level)), top: book.top)
    print(arguments.has("json") ? json(name, side, amount, impact) : text(name, side, impact))
  }
  return whole.venues.isEmpty ? .unknown : .done
}

private func dust(_ arguments: CommandArguments) throws -> Quantity {
  try arguments.option("dust") { try Quantity($0) } ?? .zero
}

/// A pair that a venue lacks, and a book that cannot be used, are said.
private func sayMissing(_ topics: BookTopics, _ book: ConsolidatedBook, _ symbol: Symbol) {
  for venue in topics.missing { printError("apus: \(venue) does not list \(symbol)") }
  for omission in book.leftOut { printError("apus: the book of \(omission.venue) is left out: it is \(omission.flaw.rawValue)") }
}

/// The sign of the impact: buys pay more than the middle, sells get less and show it below zero.
private func text(_ name: String, _ side: Side, _ impact: PriceImpact?) -> String {
  guard let impact else { return "\(name)  the book has nothing to take" }
  let thin = impact.sweep.isThin ? "  THIN: the book holds only \(impact.sweep.notional) of it" : ""
  return "\(name)  \(side.rawValue)s \(impact.sweep.quantity) at \(impact.averagePrice) on average, \(impact.percent) % from "
    + "\(impact.middle), over \(impact.sweep.levels) levels\(thin)"
}

private func json(_ name: String, _ side: Side, _ amount: Money, _ impact: PriceImpact?) -> String {
  let bytes = JSONWriter.object { json in
    json.member("book", name)
    json.member("side", side)
    json.member("wanted_notional", amount)
    json.member("notional", impact?.sweep.notional ?? .zero)
    json.member("quantity", impact?.sweep.quantity ?? .zero)
    json.member("average_price", impact?.averagePrice)
    json.member("worst_price", impact?.sweep.worstPrice)
    json.member("middle", impact?.middle)
    json.member("percent", impact?.percent)
    json.member("levels", impact?.sweep.levels ?? 0)
    json.member("thin", impact?.sweep.isThin ?? true)
  }
  return String(decoding: bytes, as: UTF8.self)
}

private func json(_ book: ConsolidatedBook, _ symbol: Symbol) -> String {
  let bytes = JSONWriter.object { json in
    json.member("symbol", symbol.description)
    for (name, levels) in [("bids", book.bids), ("asks", book.asks)] as [(StaticString, [VenueLevel])] {
      json.name(name)
      json.beginArray()
      for level in levels {
        json.beginObject()
        json.member("venue", level.venue)
        json.member("price", level.price)
        json.member("quantity", level.quantity)
        json.endObject()
      }
      json.endArray()
    }
    json.name("left_out")
    json.beginArray()
    for omission in book.leftOut { json.value("\(omission.venue): \(omission.flaw.rawValue)") }
    json.endArray()
  }
  return String(decoding: bytes, as: UTF8.self)
}
