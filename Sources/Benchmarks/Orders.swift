import Domain
import Glibc
import Net
import Runtime
import Traffic
import Venues

/// `Benchmarks orders`: places limit orders at a server that plays Binance, one after another, by the code that OrderManager calls a venue
/// with: signing, the traffic gate, the connection. Writes a line `clientOrderId call_ns return_ns` for each (CLOCK_MONOTONIC).
///
/// The environment says where and how: `PB_HTTP` (`http://127.0.0.1:port`), `PB_SYMBOL` (`BTCUSDT`), `PB_ORDERS`, `PB_SECRET`, `PB_OBS` (the
/// file), and `PB_KEY` if the server cares. `START` is printed when the warm-up is over.
@Sendable func placeOrders() throws -> Int32 {
  let loop = try OrdersLoop(processEnvironment())
  for number in 0..<OrdersLoop.warmUps { _ = try loop.place("warm-\(number)") }
  try writeAll(Array("START\n".utf8), to: STDOUT_FILENO)
  var lines = ""
  for number in 0..<loop.count {
    let id = "pb-\(number)"
    let (called, returned) = try loop.place(id)
    lines += "\(id) \(called) \(returned)\n"
  }
  try replaceFile(loop.observations, with: Array(lines.utf8))
  return 0
}

/// What the loop needs; made once.
private final class OrdersLoop {
  /// The run cannot be made, or an order was not taken.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  static let warmUps = 50
  let count: Int
  let observations: String
  private let symbol: String
  private let account: any AccountData
  private let caller: VenueCaller
  private let price: Price
  private let quantity: Quantity
  private let owner: Account
  private let answers = BoundedQueue<VenueCaller.Answer>(capacity: 1)

  init(_ environment: [String: String]) throws {
    // A venue's patience is not what is measured.
    let patience = Dictionary(
      uniqueKeysWithValues: ["WEIGHT_1M", "ORDERS_10S", "ORDERS_1D"].map { ("APUS_BINANCE_LIMIT_\($0)", "1000000000") })
    var configuration = Configuration(environment: environment.merging(patience) { _, patient in patient }, arguments: [])
    let base = configuration.string("PB_HTTP")
    symbol = configuration.string("PB_SYMBOL").filter { $0 != "-" }
    count = configuration.int("PB_ORDERS", in: 1...10_000_000)
    observations = configuration.string("PB_OBS")
    let secret = configuration.string("PB_SECRET")
    let key = configuration.string("PB_KEY", default: "key")
    let traffic = TrafficSettings([.binance], share: 100, configuration: &configuration)
    try configuration.check()
    guard let endpoints = try VenueEndpoints(.binance, rest: base),
      let account = VenueAccount(.binance, apiKey: key, secret: secret), let owner = Account("main"),
      let caller = VenueCaller(.binance, at: endpoints.rest, over: try HTTPClient(), traffic: traffic, metrics: Metrics())
    else { throw Failure(description: "Binance is not registered") }
    self.account = account.declaration
    self.caller = caller
    self.owner = owner
    price = try Price.parse(Array("20000".utf8))
    quantity = try Quantity.parse(Array("0.001".utf8))
  }

  /// Places one order and waits for the answer; when it was called for and when the answer was there.
  func place(_ id: String) throws -> (called: Int64, returned: Int64) {
    let called = monotonicNanoseconds()
    let order = NewOrder(
      clientID: id, venueSymbol: symbol, side: .buy, terms: .limit(price: price, .gtc), quantity: quantity)
    let request = account.request(.place(order), at: wallClock())
    caller.submit(
      request.purpose, weight: request.weight, account: owner, deadline: called + 2 * Interval.second, timeoutMilliseconds: 5_000,
      make: { () throws(VenueCaller.Withdrawal) in request }
    ) { [answers] answer in answers.push(answer) }
    guard case .element(let answer) = answers.pop(timeoutMilliseconds: 10_000) else {
      throw Failure(description: "no answer to \(id)")
    }
    let returned = monotonicNanoseconds()
    guard case .reply(let reply) = answer.result, reply.status == 200 else {
      throw Failure(description: "\(id) was not taken: \(answer.result)")
    }
    return (called, returned)
  }
}
