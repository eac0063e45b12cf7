import Domain

/// How long this process may change anything at a venue: an accepted commit of its generation is the broker's word that the partitions
/// are still its own. Times are monotonic nanoseconds.
public struct Lease: Hashable, Sendable {
  /// After an accepted commit the partitions are ours for so long. Far below the group's session time-out, so that nobody else can have
  /// got them by then.
  public static let length = 2 * Interval.second
  /// Commits are sent this often.
  public static let renewalInterval = 400 * Interval.millisecond

  /// When it ends.
  public private(set) var end: Int64 = 0

  /// Nothing is ours.
  public init() {}

  /// The broker has accepted a commit that was sent at `begun`.
  public mutating func renew(begun: Int64) { end = max(end, begun + Self.length) }

  /// The partitions are given back or were taken.
  public mutating func drop() { end = 0 }

  /// The last look before the wire: until when the call may leave. Nil when it may not leave any more, so that it certainly was not sent;
  /// `.max` for a question, which changes nothing. The approval's clock may jump, the lease's does not: both must hold.
  public func deadline(of call: VenueCall, monotonic: Int64, wall: Timestamp) -> Int64? {
    guard let notAfter = call.notAfter else { return .max }
    let deadline = min(end, monotonic + (notAfter - wall))
    return monotonic < deadline ? deadline : nil
  }
}
