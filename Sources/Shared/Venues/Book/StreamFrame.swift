/// What a frame of a market data stream turned out to be.
public enum StreamFrame: Sendable, Hashable {
  /// A step of a book, or a whole one, now in the `DepthUpdate` that was passed in.
  case depth
  /// The venue is about to close the connection for good reason: reconnect soon.
  case shutdown
  /// The venue refuses a subscription: nothing will come.
  case refused
  /// An answer to a frame of ours.
  case answer
  /// Something else, complete or not: another stream's event.
  case other
}
