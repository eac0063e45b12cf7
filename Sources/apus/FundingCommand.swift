import Domain
import Runtime
import Wire

/// `apus funding`: what perpetuals pay now, when next, and what they paid, with annual rates, from the log.
func fundingCommand(_ arguments: CommandArguments) throws -> ExitCode {
  let venue = try arguments.option("venue") { Venue($0) }
  let symbol = try arguments.option("symbol") { Symbol($0) }
  let shownPayments = try arguments.option("history") { Int($0).flatMap { $0 >= 0 ? $0 : nil } } ?? 5
  let log = try LogClient()
  var perpetuals: [FundedPerpetual] = []
  for topic in try log.topics(beginningWith: Topic.fundingPrefix) {
    guard let perpetual = try FundedPerpetual(topic, log), venue ?? perpetual.venue == perpetual.venue,
      symbol ?? perpetual.symbol == perpetual.symbol
    else { continue }
    perpetuals.append(perpetual)
  }
  guard !perpetuals.isEmpty else {
    printError("apus: no funding rates on the log: no feed of such a perpetual is alive")
    return .unreachable
  }
  if arguments.has("json") {
    for perpetual in perpetuals { for record in perpetual.records { print(String(decoding: record.encoded(), as: UTF8.self)) } }
    return .done
  }
  let now = wallClock()
  printTable([FundedPerpetual.columns] + perpetuals.map { $0.row(at: now) })
  let payments = perpetuals.flatMap { $0.paymentRows(shownPayments) }
  guard !payments.isEmpty else { return .done }
  print("")
  printTable([FundedPerpetual.paymentColumns] + payments)
  return .done
}

/// The newest of what the log says of one perpetual.
private struct FundedPerpetual {
  static let columns = ["venue", "symbol", "rate", "apr", "every", "next", "in", "mark", "as of"]
  static let paymentColumns = ["venue", "symbol", "paid", "rate", "apr"]
  /// A rate that is older is not live: its writer asks several times a minute.
  private static let longestSilence = Interval.minute

  let venue: Venue
  let symbol: Symbol
  private var live: (rate: FundingRecord.Live, time: Timestamp)?
  private var payments: [FundingRecord.Payment] = []
  private(set) var records: [FundingRecord] = []

  /// Nil when the topic has nothing that can be read.
  init?(_ topic: String, _ log: LogClient) throws {
    var lastLive: FundingRecord?
    var lastHistory: FundingRecord?
    try log.records(of: topic) { bytes in
      guard let record = try? FundingRecord(bytes) else { return }
      switch record.content {
      case .live: lastLive = record
      case .history: lastHistory = record
      }
    }
    records = [lastLive, lastHistory].compactMap { $0 }
    guard let any = records.first else { return nil }
    (venue, symbol) = (any.venue, any.symbol)
    if let lastLive, case .live(let rate) = lastLive.content { live = (rate, lastLive.ingestTime) }
    if case .history(let paid)? = lastHistory?.content { payments = paid }
  }

  func row(at now: Timestamp) -> [String] {
    guard let (rate, time) = live else { return [venue.text, symbol.description] + Array(repeating: "-", count: 7) }
    let isOld = now - time > Self.longestSilence
    return [
      venue.text, symbol.description, rate.rate.description, percent(rate.annual), rate.interval.map(span) ?? "-",
      rate.nextTime?.secondText ?? "-", rate.nextTime.map { $0 > now ? span($0 - now) : "due" } ?? "-",
      rate.markPrice?.description ?? "-", time.secondText + (isOld ? " (not live)" : ""),
    ]
  }

  /// The newest payments, newest first.
  func paymentRows(_ count: Int) -> [[String]] {
    payments.suffix(count).reversed().map {
      [venue.text, symbol.description, $0.time.secondText, $0.rate.description, percent($0.annual)]
    }
  }
}

private func percent(_ rate: Percent?) -> String { rate.map { "\($0) %" } ?? "-" }

/// A length of time in hours and minutes: `7h 59m`.
private func span(_ nanoseconds: Int64) -> String {
  let minutes = nanoseconds / Interval.minute
  return minutes % 60 == 0 ? "\(minutes / 60)h" : "\(minutes / 60)h \(minutes % 60)m"
}
