import Floors
import Glibc

/// Orders to the topic `orders`, sent by a bare program: limit orders that end at once, since nobody sells at their price, so that none
/// stays open.
struct OrderSender {
  /// In turn.
  let accounts: [String]

  /// Sends at a rate (0: as fast as the broker takes them) and returns when the broker has all. An order's id is `b` and the instant at
  /// which it was due, in nanoseconds of the monotonic clock.
  func send(_ count: Int, perSecond: Int, to bootstrap: String) throws {
    let keys = accounts.map { UnsafePointer(strdup($0)) }
    let prefixes = accounts.map { UnsafePointer(strdup("{\"account\":\"\($0)\",\"client_order_id\":\"b")) }
    defer { for text in keys + prefixes { free(UnsafeMutableRawPointer(mutating: text)) } }
    let suffix =
      "\",\"venue\":\"binance\",\"symbol\":\"BTC-USDT\",\"side\":\"buy\",\"type\":\"limit\",\"quantity\":\"0.001\",\"price\":\"26000\","
      + "\"time_in_force\":\"ioc\"}"
    try keys.withUnsafeBufferPointer { keys in
      try prefixes.withUnsafeBufferPointer { prefixes in
        try bootstrap.withCString { bootstrap in
          try suffix.withCString { suffix in
            try "orders".withCString { topic in
              var sender = floor_sender(
                bootstrap: bootstrap, topic: topic, partition: -1, keys: keys.baseAddress, prefixes: prefixes.baseAddress,
                variants: keys.count, suffix: suffix, per_second: Int32(perSecond), count: Int32(count), is_stamped: 1)
              try check(floor_send(&sender))
            }
          }
        }
      }
    }
  }
}
