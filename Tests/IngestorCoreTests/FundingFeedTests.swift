import Domain
import IngestorCore
import Testing
import Venues
import Wire

@Suite struct FundingFeedTests {
  private static let payment: Int64 = 1_700_006_400_000

  private func rate(_ rate: String = "0.0001", next: Int64 = payment) -> VenueResult {
    reply(
      #"""
      {"symbol":"BTCUSDT","lastPrice":"1000","markPrice":"1000.5","fundingRate":"\#(rate)","nextFundingTime":"\#(next)",
      "fundingIntervalHour":"8"}
      """#)
  }

  private var history: VenueResult {
    reply(
      #"""
      {"symbol":"BTCUSDT","fundingRate":"0.0002","fundingRateTimestamp":"1699977600000"},
      {"symbol":"BTCUSDT","fundingRate":"-0.0001","fundingRateTimestamp":"1699948800000"}
      """#)
  }

  private func reply(_ list: String) -> VenueResult {
    .reply(VenueReply(status: 200, body: Array(#"{"retCode":0,"result":{"list":[\#(list)]},"time":1700000000000}"#.utf8)))
  }

  private func world() throws -> World {
    var world = World(.bybit(BybitMarket(.linear, depth: 200)))
    try world.learn()
    return world
  }

  @Test func ratesAreOnTheTopicWithWhatAYearOfThemComesTo() throws {
    var world = try world()
    #expect(world.fundingQuestions == [.history, .rate])
    try world.apply(.funding(feed: 0, .history, history))
    try world.apply(.funding(feed: 0, .rate, rate()))
    #expect(world.funding.map(\.symbol.description) == ["BTC-USDT-PERP", "BTC-USDT-PERP"])
    guard case .history(let payments)? = world.funding.first?.content, case .live(let live)? = world.funding.last?.content else {
      Issue.record("history, then the rate")
      return
    }
    #expect(payments.map { $0.annual?.description } == ["-10.95", "21.9"])
    #expect(live.annual?.description == "10.95" && live.nextTime?.milliseconds == Self.payment)
    #expect(live.markPrice?.description == "1000.5")
  }

  @Test func theRateIsAskedForAsOftenAsDeclaredAndPaymentsBeforeTheTopicForgetsThem() throws {
    var world = try world()
    let declared = try #require(BybitMarket(.linear).funding?.pollInterval)
    var asked: [FundingQuestion: [Timestamp]] = [:]
    var seen = 0
    for _ in 0..<(2 * 3_600) {
      for question in world.fundingQuestions[seen...] {
        asked[question, default: []].append(world.now.steady)
        try world.apply(.funding(feed: 0, question, question == .rate ? rate() : history))
        seen += 1
      }
      try world.wait(1_000)
    }
    let rates = try #require(asked[.rate])
    #expect(zip(rates, rates.dropFirst()).allSatisfy { abs(($1 - $0) - declared) <= Interval.second })
    let histories = try #require(asked[.history])
    #expect(zip(histories, histories.dropFirst()).allSatisfy { $1 - $0 < 30 * Interval.minute } && histories.count >= 4)
  }

  @Test func aPaymentIsLookedUpSoonAfterwards() throws {
    var world = try world()
    try world.apply(.funding(feed: 0, .history, history))
    try world.apply(.funding(feed: 0, .rate, rate()))
    try world.wait(15_000)
    try world.apply(.funding(feed: 0, .rate, rate(next: Self.payment + 28_800_000)))
    let before = world.fundingQuestions.count { $0 == .history }
    try world.wait(31_000)
    #expect(world.fundingQuestions.count { $0 == .history } == before + 1)
  }

  @Test func failuresAreSaidAndAskedAgainNotTooOften() throws {
    var world = try world()
    for _ in 0..<600 {
      if let question = world.fundingQuestions.last {
        try world.apply(.funding(feed: 0, question, .maybeSent(reason: "time-out")))
      }
      try world.wait(1_000)
    }
    #expect(world.funding.isEmpty && world.logs.contains { $0.hasPrefix("no funding") })
    #expect(world.fundingQuestions.count < 120, "\(world.fundingQuestions.count) questions in ten minutes")
    let limited = VenueResult.reply(VenueReply(status: 429, retryAfter: "600", body: []))
    try world.apply(.funding(feed: 0, .rate, limited))
    try world.apply(.funding(feed: 0, .history, limited))
    let asked = world.fundingQuestions.count
    for _ in 0..<25 { try world.wait(1_000) }
    #expect(world.fundingQuestions.count == asked)
  }

  @Test func aLostAnswerAndLostRecordsStallNothing() throws {
    var world = try world()
    try world.wait(16_000)
    #expect(world.fundingQuestions == [.history, .rate, .history, .rate])
    try world.apply(.funding(feed: 0, .history, history))
    try world.apply(.funding(feed: 0, .rate, rate()))
    try world.apply(.undelivered(.funding(feed: 0)))
    try world.wait(16_000)
    #expect(world.fundingQuestions.count { $0 == .history } == 3)
  }

  @Test func spotHasNoFunding() throws {
    var world = World(.bybit(BybitMarket(.spot)))
    try world.learn()
    try world.wait(60_000)
    try world.apply(.funding(feed: 0, .rate, rate()))
    #expect(world.fundingQuestions.isEmpty && world.funding.isEmpty)
  }
}
