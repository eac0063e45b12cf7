import Domain
import IngestorCore
import Wire

/// Where a feed's records go.
struct FeedTopics: Sendable {
  /// Topics by name.
  let book, trades, funding: String
  /// The key of all of them.
  let key: [UInt8]
  /// How they are created; no layout for funding where nothing is paid.
  let layouts: [Topic.Layout]

  /// The usual topics, the book's perhaps under another name.
  init(_ feed: FeedPlace, bookTopic: String? = nil) {
    let (venue, symbol) = (feed.market.venue, feed.symbol)
    let usual = Topic.bookLayout(venue: venue, symbol: symbol)
    let books = bookTopic.map { usual.named($0) } ?? usual
    book = books.name
    trades = Topic.trades(venue: venue, symbol: symbol)
    funding = Topic.funding(venue: venue, symbol: symbol)
    key = Array(symbol.description.utf8)
    let hasFunding = feed.market.declaration.funding != nil
    layouts =
      [books, Topic.tradesLayout(venue: venue, symbol: symbol)]
      + (hasFunding ? [Topic.fundingLayout(venue: venue, symbol: symbol)] : [])
  }
}
