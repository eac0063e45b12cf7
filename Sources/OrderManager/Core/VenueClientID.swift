import Crypto
import Domain

/// The ids under which venues know our orders: derived, so that they are the same after any restart, and recognisable.
enum VenueClientID {
  /// `<deployment>-<22 characters>`: at most 35 of `[A-Za-z0-9_-]`. 110 bits of a hash over deployment, account, order and child,
  /// joined by a character that none of them can have.
  static func derive(deployment: String, key: OrderKey, child: Int) -> String {
    let text = [deployment, key.account.text, key.id.text, String(child)].joined(separator: "\n")
    return "\(deployment)-\(SHA256.digest(of: text).base32Prefix(22))"
  }

  /// True when this deployment made the order; any other order is foreign and never touched.
  static func isOurs(_ clientID: String, deployment: String) -> Bool { clientID.hasPrefix("\(deployment)-") }
}
