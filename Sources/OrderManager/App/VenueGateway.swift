import Domain
import Net
import OrderManagerCore
import Runtime
import Synchronization
import Traffic
import Venues
import Wire

/// Signed REST requests to the venues, as their rate limits and their health allow. A request is signed at the last moment and its bytes are
/// then sent as they are, once; the outcome says whether the venue may have seen them.
final class VenueGateway: Sendable {
  /// No answer to an order after this long: unknown.
  private static let timeoutMilliseconds = 5_000
  /// A request that was signed so long ago goes as it is: signing it anew would gain its window nothing. In nanoseconds.
  private static let freshness = 5 * Interval.millisecond
  /// A list of more pages than this is not read: what it says would be old by then.
  private static let maximumPages = 100

  let endpoints: [Venue: VenueEndpoints]
  /// The time that everything here goes by.
  let ourClock: SteadyClock
  private let accounts: [Route: any AccountData]
  private let http: HTTPClient
  private let callers: [Venue: VenueCaller]
  private let inbox: Inbox
  /// The venues' clocks minus ours.
  private let clockOffsets = Mutex<[Venue: Int64]>([:])
  /// How often the partitions were let go of: what was asked before and has not left does not leave any more.
  private let losses = Atomic<UInt64>(0)
  private let latency: Histogram

  init(
    _ endpoints: [Venue: VenueEndpoints], _ accounts: [Route: VenueAccount], traffic: TrafficSettings, inbox: Inbox,
    clock: SteadyClock, metrics: Metrics
  ) throws {
    self.endpoints = endpoints
    ourClock = clock
    self.inbox = inbox
    self.accounts = accounts.mapValues(\.declaration)
    let http = try HTTPClient()
    self.http = http
    callers = endpoints.reduce(into: [:]) { callers, place in
      callers[place.key] = VenueCaller(place.key, at: place.value.rest, over: http, traffic: traffic, metrics: metrics)
    }
    latency = metrics.histogram("apus_venue_call_seconds", help: "Wire calls, from the request to the whole answer")
  }

  func setClock(_ clock: VenueClock, of venue: Venue) {
    clockOffsets.withLock { $0[venue] = clock.offset }
    caller(of: venue).setClock(offset: clock.offset)
  }

  /// Our idea of the venue's time.
  func time(at venue: Venue) -> Timestamp { ourClock.now() + (clockOffsets.withLock { $0[venue] } ?? 0) }

  /// What lets requests to a venue through.
  func gate(of venue: Venue) -> TrafficGate { caller(of: venue).gate }

  /// The partitions are not ours any more.
  func letGo() { losses.add(1, ordering: .releasing) }

  /// Sends a request of a core, or proves that it was not sent. The answer comes into the inbox, always.
  func send(_ call: VenueCall, under lease: Lease, partition: Int32, generation: UInt64) {
    guard let account = accounts[call.route] else {
      preconditionFailure("a core calls only where its settings have a route, and routes come from keys")
    }
    let answer: @Sendable (AccountAnswer) -> Void = { [inbox] said in
      // In-flight calls are far fewer than the inbox holds.
      inbox.offer(.answered(partition: partition, generation: generation, token: call.token, said))
    }
    let refuse = { (reason: String) in answer(account.answer(.notSent(reason: reason), to: call.action)) }
    // Whether the approval still holds cannot be said before the clock is sure again.
    guard call.notAfter == nil || !ourClock.isInDoubt else { return refuse("the wall clock has stepped") }
    guard let deadline = lease.deadline(of: call, monotonic: monotonicNanoseconds(), wall: ourClock.now()) else {
      return refuse("the lease or the approval has run out")
    }
    let request = account.request(call.action, at: time(at: call.route.venue))
    follow(request, of: call, account, deadline: deadline, answer: answer) { account.request(call.action, at: $0) }
  }

  /// Sends a call's request and, behind a good reply, those for the pages that follow. The answer is the whole list, or says why there
  /// is none. `make` signs the request anew when its turn has come.
  private func follow(
    _ request: VenueRequest, of call: VenueCall, _ account: any AccountData, deadline: Int64,
    behind earlier: AccountAnswer? = nil, pages: Int = 1, answer: @escaping @Sendable (AccountAnswer) -> Void,
    make: @escaping @Sendable (Timestamp) -> VenueRequest
  ) {
    submit(request, of: call, deadline: deadline, make: make) { [self] result in
      let page = account.answer(result, to: call.action)
      let said = earlier.map(page.following) ?? page
      guard case .reply(let reply) = result, page.isConfirmed else { return answer(said) }
      do throws(ReplyError) {
        guard let next = try account.nextPage(of: call.action, after: reply.body, at: time(at: call.route.venue)) else {
          return answer(said)
        }
        guard pages < Self.maximumPages else {
          return answer(account.answer(.maybeSent(reason: "more than \(pages) pages"), to: call.action))
        }
        follow(next, of: call, account, deadline: deadline, behind: said, pages: pages + 1, answer: answer) { time in
          // What was read once is read again.
          (try? account.nextPage(of: call.action, after: reply.body, at: time)) ?? next
        }
      } catch {
        answer(account.answer(.maybeSent(reason: "the page behind: \(error)"), to: call.action))
      }
    }
  }

  /// A call's request, signed just now, on its way through the gate: what it may do is looked at again behind it, and where it had to wait
  /// it is signed anew.
  private func submit(
    _ request: VenueRequest, of call: VenueCall, deadline: Int64, make: @escaping @Sendable (Timestamp) -> VenueRequest,
    answer: @escaping @Sendable (VenueResult) -> Void
  ) {
    let venue = call.route.venue
    let before = losses.load(ordering: .acquiring)
    let signedAt = monotonicNanoseconds()
    caller(of: venue).submit(
      request.purpose, weight: request.weight, account: call.route.account, deadline: deadline,
      timeoutMilliseconds: Self.timeoutMilliseconds
    ) { [self] () throws(VenueCaller.Withdrawal) in
      guard losses.load(ordering: .acquiring) == before else { throw .init("the partitions were let go of") }
      guard call.notAfter == nil || !ourClock.isInDoubt else { throw .init("the wall clock has stepped") }
      let isFresh = monotonicNanoseconds() - signedAt < Self.freshness
      let request = isFresh ? request : make(time(at: venue))
      boundary("ordermanager.call.signed", if: call.notAfter != nil)
      return request
    } answer: { [latency] ended in
      if ended.duration > 0 { latency.observe(nanoseconds: ended.duration) }
      answer(ended.result)
    }
  }

  /// Asks for a venue's clock.
  func measureClock(of venue: Venue) {
    guard let market = VenueMarket(venue, isPerpetual: false)?.declaration else { return }
    let (inbox, ourClock) = (inbox, ourClock)
    ask(market.clockRequest(), of: venue) { answer in
      let outcome = market.classify(answer.result, of: .marketData) { body throws(ReplyError) in try market.clock(body) }
      guard case .confirmed(let time) = outcome else {
        inbox.offer(.clock(venue, nil))
        return
      }
      // The middle of the call, give or take half of it.
      let half = answer.duration / 2
      let middle = ourClock.now() + -(monotonicNanoseconds() - answer.finished.monotonicNanoseconds) + -half
      inbox.offer(.clock(venue, VenueClock(offset: time - middle, uncertainty: half + Interval.millisecond)))
    }
  }

  /// Asks for the last price of a pair; says nothing when the venue does not.
  func askPrice(of instrument: Instrument) {
    guard let market = VenueMarket(instrument.venue, isPerpetual: instrument.symbol.isPerpetual)?.declaration else { return }
    let inbox = inbox
    ask(market.priceRequest(venueSymbol: instrument.venueSymbol), of: instrument.venue) { answer in
      let outcome = market.classify(answer.result, of: .marketData) { body throws(ReplyError) in try market.price(body) }
      guard case .confirmed(let price) = outcome, price.isPositive else { return }
      inbox.offer(.price(instrument.symbol, price))
    }
  }

  func shutDown() { http.shutDown() }

  /// A question that needs no keys.
  private func ask(_ request: VenueRequest, of venue: Venue, answer: @escaping @Sendable (VenueCaller.Answer) -> Void) {
    caller(of: venue).submit(
      request.purpose, weight: request.weight, timeoutMilliseconds: Self.timeoutMilliseconds,
      make: { () throws(VenueCaller.Withdrawal) in request }, answer: answer)
  }

  private func caller(of venue: Venue) -> VenueCaller {
    guard let caller = callers[venue] else { preconditionFailure("a venue that is traded is registered and has its addresses") }
    return caller
  }
}
