import Domain
import OrderManagerCore
import Testing
import Wire

/// A partition is taken only when nobody else can be sending, and with all that a former owner may have done.
@Suite struct TakeOverTests {
  /// Drives a take-over over a log; `meanwhile` is what a former owner still writes while we wait.
  private struct Log {
    var executions: [InputRecord] = []
    var states: [(key: [UInt8]?, record: InputRecord)] = []
    var waits: [Int64] = []
    var reads: [LogStretch] = []

    private static func record(_ topic: String, _ offset: Int, _ value: [UInt8], _ epoch: Int64?) -> InputRecord {
      InputRecord(
        source: RecordSource(topic: topic, partition: 0, offset: Int64(offset), timestamp: Timestamp(nanoseconds: 1)),
        value: value, headers: RecordHeaders(epoch: epoch))
    }

    mutating func append(_ value: [UInt8], epoch: Int64? = nil) {
      executions.append(Self.record(Topic.executions, executions.count, value, epoch))
    }

    mutating func take(_ owner: String, begun: Int64 = 0, meanwhile: [[UInt8]] = []) -> TakeOver {
      var takeOver = TakeOver(0, owner: owner, begun: begun)
      while true {
        switch takeOver.step {
        case .append(let topic, let key, let value):
          if topic == Topic.executions {
            append(value)
            takeOver.appended(at: Int64(executions.count - 1))
          } else {
            states.append((key, Self.record(topic, states.count, value, nil)))
            takeOver.appended(at: Int64(states.count - 1))
          }
        case .read(let stretch):
          reads.append(stretch)
          if stretch.topic == Topic.orderState {
            for state in states { takeOver.read(state.record, key: state.key) }
          } else {
            let end = min(stretch.to ?? .max, Int64(executions.count))
            for record in executions[Int(stretch.from)..<Int(end)] { takeOver.read(record, key: nil) }
          }
          takeOver.finishReading()
        case .wait(let instant):
          waits.append(instant)
          for value in meanwhile { append(value) }
          takeOver.waited()
        case .done: return takeOver
        }
      }
    }
  }

  @Test func theFirstOwnerNeedNotWait() {
    var log = Log()
    let taken = log.take("ordermanager/a")
    #expect(log.waits.isEmpty && !taken.isFenced && taken.nextExecution == 2)
    #expect(taken.restored(committed: 7).nextApproval == 7)
  }

  @Test func aSuccessorWaitsForTheFormerLease() {
    var log = Log()
    _ = log.take("ordermanager/a")
    let taken = log.take("ordermanager/b", begun: 1_000)
    #expect(log.waits == [1_000 + Lease.length])
    #expect(taken.restored(committed: 0).epoch == 2 && taken.nextExecution == 4)
    #expect(log.reads.last == LogStretch(Topic.executions, from: 0, to: 3), "nothing came meanwhile, nothing is read again")
  }

  @Test func whatComesMeanwhileIsRead() {
    var log = Log()
    _ = log.take("ordermanager/a")
    let taken = log.take("ordermanager/b", meanwhile: [Array("{}".utf8)])
    #expect(log.reads.last == LogStretch(Topic.executions, from: 3, to: 5) && !taken.isFenced)
  }

  @Test func whoIsOvertakenLearnsOfIt() {
    var log = Log()
    _ = log.take("ordermanager/a")
    let taken = log.take("ordermanager/b", meanwhile: [EpochMarker(epoch: -1, owner: "ordermanager/c").encoded()])
    #expect(taken.isFenced)
  }

  /// However long the log is, a take-over reads what came since the last cursor, and the snapshots.
  @Test func aTakeOverDoesNotReadALongLog() {
    var rig = Rig()
    for number in 0..<2_000 {
      rig.approve("o\(number)", side: .buy, quantity: "1")
      rig.confirm(rig.report(.filled, place: number, filled: "1", fills: [rig.fill("t\(number)", "1")]))
      rig.wait(milliseconds: 20)
    }
    var restoration = OrderRestoration(epoch: 0)
    for state in rig.states { restoration.readState(state.record, key: state.key) }
    // The log of the rig counts the records of all topics.
    let end = Int64(rig.records.count + rig.states.count + rig.balances.count + rig.alerts.count)
    #expect(rig.records.count >= 4_000)
    #expect(end - restoration.executionsStart < 1_000, "\(restoration.executionsStart) of \(end)")
  }

  // MARK: The lease

  private static func call(notAfter: Timestamp?) -> VenueCall {
    VenueCall(token: 1, route: World.route, action: .account, notAfter: notAfter)
  }

  @Test func aCallLeavesOnlyUnderLeaseAndApproval() {
    var lease = Lease()
    let wall = Timestamp(nanoseconds: 1_700_000_000 * Interval.second)
    let soon = Self.call(notAfter: wall + Interval.second)
    #expect(lease.deadline(of: soon, monotonic: 5, wall: wall) == nil, "nobody has given us the partition")
    lease.renew(begun: 10)
    #expect(lease.deadline(of: soon, monotonic: 20, wall: wall) == 20 + Interval.second)
    #expect(lease.deadline(of: Self.call(notAfter: wall + Interval.hour), monotonic: 20, wall: wall) == 10 + Lease.length)
    #expect(lease.deadline(of: soon, monotonic: 20, wall: wall + Interval.second) == nil)
    #expect(lease.deadline(of: soon, monotonic: 10 + Lease.length, wall: wall) == nil)
    #expect(lease.deadline(of: Self.call(notAfter: nil), monotonic: 10 + Lease.length, wall: wall) == .max)
    // An answer that comes late takes nothing back.
    lease.renew(begun: 5)
    #expect(lease.end == 10 + Lease.length)
    lease.drop()
    #expect(lease.deadline(of: soon, monotonic: 20, wall: wall) == nil)
  }

  @Test func nothingNewIsBegunWhileThePartitionIsGivenBack() {
    var rig = Rig()
    rig.feed(.stop)
    rig.approve("a")
    #expect(rig.calls.isEmpty && rig.statuses(of: "a").isEmpty)
  }
}
