import Domain
import OrderManagerCore
import Redis

/// Live state for people and dashboards. Keys of open orders go away by themselves when nobody refreshes them.
struct RedisOutlet {
  /// Open orders are written again this often, and forgotten after three times as long.
  static let refreshSeconds = 30
  private static let openSeconds = 90
  /// How long an ended order can be looked at.
  private static let endedSeconds = 3_600

  let writer: RedisWriter

  func write(_ update: RedisUpdate) {
    switch update {
    case .order(let account, let id, let value, let isOpen):
      let key = "order:\(account):\(id)"
      writer.write(key, .set(key, value, expiresInSeconds: isOpen ? Self.openSeconds : Self.endedSeconds))
      let set = "orders:open:\(account)"
      if isOpen {
        writer.write("\(set)/\(id)", .sadd(set, id.text), .expire(set, seconds: Self.openSeconds))
      } else {
        writer.write("\(set)/\(id)", .srem(set, id.text))
      }
    case .openOrders(let account, let ids):
      let set = "orders:open:\(account)"
      guard !ids.isEmpty else { return writer.write(set, .del(set)) }
      writer.write(
        set, .del(set), RedisCommand(["SADD", set] + ids.map(\.text)), .expire(set, seconds: Self.openSeconds))
    }
  }
}
