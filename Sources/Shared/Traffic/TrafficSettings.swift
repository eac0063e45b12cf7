import Domain
import Runtime
import Venues

/// How much of the venues' rate limits a process may use.
public struct TrafficSettings: Sendable {
  /// Every venue's limits, at the account's tier.
  private let rules: [Venue: [RateRule]]
  /// The part of every limit that is this process's, in per cent.
  private let sharePercent: Int64
  private let asksOnly: Bool

  /// Reads the limits, which are those that the venues document unless said otherwise, and the share, which is `share` per cent. The shares
  /// of all processes at one address, replicas included, should come to at most 100. `asksOnly` says that the process neither places nor
  /// cancels.
  public init(_ venues: [Venue], share: Int, asksOnly: Bool = false, configuration: inout Configuration) {
    var rules: [Venue: [RateRule]] = [:]
    for venue in venues {
      rules[venue] = VenueMarket(venue, isPerpetual: false)?.declaration.rateRules.map { documented in
        var rule = documented
        let name = "APUS_\(venue.text)_LIMIT_\(rule.name)".uppercased()
        let help = "\(venue)'s \(rule.scope == .address ? "limit on an address" : "limit on an account"), \(rule.name)"
        rule.limit = Int64(configuration.int(name, default: Int(rule.limit), in: 1...1_000_000_000, help: help))
        return rule
      }
    }
    self.rules = rules
    self.asksOnly = asksOnly
    sharePercent = Int64(
      configuration.int(
        "APUS_RATE_SHARE_PERCENT", default: share, in: 1...100, help: "this process's part of every venue's rate limits"))
  }

  /// The gate of a venue that was named.
  func gate(of venue: Venue, metrics: Metrics) -> TrafficGate {
    TrafficGate(venue, rules: rules[venue] ?? [], sharePercent: sharePercent, asksOnly: asksOnly, metrics: metrics)
  }
}
