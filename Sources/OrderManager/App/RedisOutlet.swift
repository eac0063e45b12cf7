import Domain
import OrderManagerCore
import Redis
import Traffic
import Wire

/// Live state for people and dashboards. Keys of open orders go away by themselves when nobody refreshes them.
struct RedisOutlet {
  /// Open orders are written again this often, and forgotten after three times as long.
  static let refreshSeconds = 30
  private static let openSeconds = 90
  /// How long an ended order can be looked at.
  private static let endedSeconds = 3_600

  /// A gate that nobody describes any more is gone.
  private static let trafficSeconds = 5

  let writer: RedisWriter

  /// `venue:<venue>:<instance>`: how the traffic to a venue is.
  func write(_ view: TrafficGate.View, of venue: Venue, instance: String) {
    let value = JSONWriter.object { json in
      json.member("v", 1)
      json.member("venue", venue)
      json.member("circuit", view.circuit)
      json.member("openings", view.openings)
      json.member("waiting", view.waiting)
      json.member("under_way", view.underWay)
      json.member("refused", view.refused)
      json.member("silences", view.silencesWanted)
      json.member("silence_ms", view.silenceMilliseconds)
      json.name("limits")
      json.beginArray()
      for limit in view.usage {
        json.beginObject()
        json.member("rule", limit.rule)
        json.member("used", limit.used)
        json.member("limit", limit.limit)
        json.member("reported", limit.reported)
        json.endObject()
      }
      json.endArray()
    }
    let key = "venue:\(venue):\(instance)"
    writer.write(key, .set(key, value, expiresInSeconds: Self.trafficSeconds))
  }

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
