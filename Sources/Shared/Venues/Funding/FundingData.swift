import Domain
import Wire

/// What a venue declares of the funding of its perpetuals. Pure: requests are built and replies read, never sent.
public protocol FundingData: Sendable {
  /// How often the rate is asked for, in nanoseconds.
  var pollInterval: Int64 { get }
  /// Asks for the rate as it stands.
  func rateRequest(venueSymbol: String) -> VenueRequest
  /// Reads the reply to `rateRequest`.
  func rate(_ body: [UInt8], venueSymbol: String) throws(ReplyError) -> Ticker
  /// Asks for the newest rates that were paid.
  func historyRequest(venueSymbol: String) -> VenueRequest
  /// Reads the reply to `historyRequest`; oldest first.
  func history(_ body: [UInt8], venueSymbol: String) throws(ReplyError) -> [FundingPayment]
}

/// The times of a perpetual's payments, and what lies between them.
public enum FundingCalendar {
  /// The payments, oldest first, with the time that had passed since the one before each. Venues pay on the hour, a few milliseconds
  /// late; what is not a whole number of hours from 1 to 24 is no interval, and stays unknown.
  public static func payments(_ payments: [FundingPayment]) -> [FundingRecord.Payment] {
    var read: [FundingRecord.Payment] = []
    for payment in payments.sorted(by: { $0.time < $1.time }) {
      let passed = read.last.flatMap { interval(from: $0.time, to: payment.time) }
      read.append(FundingRecord.Payment(rate: payment.rate, time: payment.time, interval: passed))
    }
    // The first has none before it in the list: it is taken to be as the next one.
    if read.count > 1 { read[0].interval = read[1].interval }
    return read
  }

  /// The hours from one payment to the next, in nanoseconds; nil for what cannot be an interval.
  public static func interval(from start: Timestamp, to end: Timestamp) -> Int64? {
    let hours = (end - start + Interval.hour / 2) / Interval.hour
    guard (1...24).contains(hours), (end - start - hours * Interval.hour).magnitude <= UInt64(Interval.minute) else { return nil }
    return hours * Interval.hour
  }
}
