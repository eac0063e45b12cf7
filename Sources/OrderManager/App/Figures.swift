import OrderManagerCore
import Runtime

/// What the cores have counted, as metrics.
final class Figures {
  private let gauges: [(Gauge, (OrderManagerCounters) -> Int64)]
  private let live: Gauge
  private let calls: Gauge

  init(_ metrics: Metrics) {
    func gauge(_ name: String, _ help: String) -> Gauge { metrics.gauge("apus_ordermanager_\(name)", help: help) }
    gauges = [
      (gauge("orders", "Orders taken on since the partitions were taken"), { $0.orders }),
      (gauge("fills", "Fills counted"), { $0.fills }),
      (gauge("repeated_fills", "Fills that had been counted before"), { $0.repeatedFills }),
      (gauge("placed", "Orders sent to a venue, repeats included"), { $0.placed }),
      (gauge("unknown", "Wire calls whose outcome was unknown"), { $0.unknown }),
      (gauge("fenced", "Approvals of a former owner upstream"), { $0.fenced }),
      (gauge("unfenced", "Records where only an owner writes, without its epoch"), { $0.unfenced }),
      (gauge("duplicates", "Approvals of an id that was taken already"), { $0.duplicates }),
      (gauge("unreadable", "Records that could not be read"), { $0.unreadable }),
      (gauge("foreign", "Reports on orders that this deployment did not make"), { $0.foreign }),
      (gauge("unrecognised", "Words of a venue that are not known"), { $0.unrecognised }),
      (gauge("alerts", "Alerts raised"), { $0.alerts }),
    ]
    live = gauge("live_orders", "Orders that have not ended")
    calls = gauge("calls_under_way", "Wire calls that wait for an answer")
  }

  /// Shows the sums over the partitions that are owned now.
  func set(_ cores: [OrderManagerPartition]) {
    for (gauge, figure) in gauges { gauge.set(cores.reduce(0) { $0 + figure($1.counters) }) }
    live.set(cores.reduce(0) { $0 + Int64($1.liveOrders) })
    calls.set(cores.reduce(0) { $0 + Int64($1.callsUnderWay) })
  }
}
