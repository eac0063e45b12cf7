import Domain

extension MarketData {
  /// What the end of a request means for the traffic to come, by the venue's own table of errors and its headers. An answer that says
  /// that the venue is out of order counts like none, whatever its HTTP status.
  public func trafficEnding(
    of result: VenueResult, to purpose: VenueRequest.Purpose, at venueTime: Timestamp
  ) -> VenueTraffic.Ending {
    guard case .reply(let reply) = result else { return VenueTraffic.Ending(.failure) }
    let readings = rateReadings(reply, to: purpose, at: venueTime)
    // As a question: whether an order is in doubt is of no interest here.
    let outcome: VenueOutcome<Void> = classify(result, of: .query) { _ in }
    guard case .failed(let failure) = outcome else { return VenueTraffic.Ending(.success, readings: readings) }
    switch failure.kind {
    case .transient: return VenueTraffic.Ending(.failure, readings: readings)
    case .rateLimited(let seconds):
      let silence = VenueTraffic.Silence(
        length: seconds.map { Int64($0) * Interval.second }, isForPurposeAlone: failure.limitsPurposeAlone)
      return VenueTraffic.Ending(.success, silence: silence, readings: readings)
    case .permanent, .clock, .noSuchOrder: return VenueTraffic.Ending(.success, readings: readings)
    }
  }
}
