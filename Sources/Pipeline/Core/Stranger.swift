import Domain
import Wire

/// Somebody who writes to the topics of which each partition has one owner: without an epoch, or under one that cannot be.
struct Stranger {
  unowned let world: World

  /// One such record.
  func write() {
    let partition = Int32.random(in: 0..<World.partitionCount, using: &world.generator)
    let epoch: Int64? = Bool.random(using: &world.generator) ? nil : World.unreachable
    switch Int.random(in: 0..<3, using: &world.generator) {
    case 0: approve(partition, epoch)
    case 1: end(partition, epoch)
    default: mark(partition)
    }
  }

  /// An order that RiskGate has never seen, made from one that it approved.
  private func approve(_ partition: Int32, _ epoch: Int64?) {
    let place = Place(Topic.approved, partition)
    let approvals = world.broker.records(place).compactMap { $0.value.flatMap { try? Approval($0) } }
    guard var forged = approvals.first(where: { $0.request.action == .new }) else { return }
    forged.clientOrderID = World.legal(ClientOrderID("stranger\(world.broker.end(place))"))
    forged.request.clientOrderID = forged.clientOrderID
    forged.validUntil = world.now + Interval.minute
    forged.isDuplicate = false
    append(place, forged.encoded(), epoch)
  }

  /// The end of a live order.
  private func end(_ partition: Int32, _ epoch: Int64?) {
    let place = Place(Topic.executions, partition)
    for record in world.broker.records(place).reversed() {
      guard case .order(var event)? = record.value.flatMap({ try? ExecutionRecord($0) }), !event.status.isTerminal else {
        continue
      }
      event.status = .cancelled
      return append(place, ExecutionRecord.order(event).encoded(), epoch)
    }
  }

  /// A marker of an epoch at the end of time: were it believed, no owner's record would count any more.
  private func mark(_ partition: Int32) {
    let topics = [Topic.approved, Topic.rejected, Topic.executions, Topic.riskState, Topic.orderState]
    let topic = World.legal(topics.randomElement(using: &world.generator))
    append(Place(topic, partition), EpochMarker(epoch: .max - 1, owner: "ordermanager/stranger").encoded(), nil)
  }

  private func append(_ place: Place, _ value: [UInt8], _ epoch: Int64?) {
    let offset = world.append(place, key: Array("stranger".utf8), value: value, headers: RecordHeaders(epoch: epoch))
    world.trace("a stranger writes \(place.topic)[\(place.partition)]@\(offset)")
  }
}
