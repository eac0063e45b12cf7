import Domain
import Wire

/// One partition of `orders` in RiskGate's care: the engine, and what must hold between it and the log. Whoever drives it appends the
/// records of its outputs in order, and hands every acknowledgement back.
///
/// - An input record is committed when all that was decided about it is in the log.
/// - A snapshot is appended when everything that was wanted before it is in the log.
/// - Before an acknowledgement counts, the log is searched for a newer owner's marker wherever somebody else has written.
public struct GatePartition: Sendable {
  /// Decides.
  public private(set) var engine: RiskEngine
  /// The owner's epoch; every record on a fenced topic carries it.
  public let epoch: Int64
  /// True when a newer owner has marked the partition: nothing that is written here counts, and only a fresh take-over can go on.
  public private(set) var isFenced = false
  private let partition: Int32
  private var progress: InputProgress
  private var committed: Int64
  private var holdback = Holdback<Snapshot>()
  private var lastNumber: UInt64 = 0
  /// Behind the last own record on each decision topic: the offsets of the only writer have no gaps.
  private var approvedNext: Int64
  private var rejectedNext: Int64
  private var effects: [RiskEffect]

  private struct Snapshot: Sendable {
    let key: String
    let value: [UInt8]
  }

  /// A partition that was taken over: `start` is where `orders` are read from, `effects` what is to be said first.
  init(_ engine: RiskEngine, epoch: Int64, rejectedNext: Int64, start: Int64, effects: [RiskEffect]) {
    self.engine = engine
    self.epoch = epoch
    self.rejectedNext = rejectedNext
    self.effects = effects
    partition = engine.settings.partition
    approvedNext = epoch + 1
    progress = InputProgress(from: start)
    committed = start
  }

  // MARK: Inputs

  /// Begins with everything that decisions rest on; from here on orders may be approved.
  public mutating func begin(knowing events: [RiskEvent], at time: Timestamp, into outputs: inout [GateOutput]) {
    for event in events { apply(event, at: time, into: &outputs) }
    apply(.ready, at: time, into: &outputs)
  }

  /// Decides a record on `orders`, the first time that it comes.
  public mutating func decide(
    _ payload: [UInt8]?, source: RecordSource, headers: RecordHeaders, at time: Timestamp, into outputs: inout [GateOutput]
  ) {
    guard progress.begin(source.offset) else { return }
    let record = OrderRecord(
      payload: payload, source: source, origin: headers.origin, defaults: engine.settings.defaults)
    engine.apply(.order(record), at: time, into: &effects)
    carryOut(Input(offset: source.offset, headers: headers.adding("riskgate.in", time)), into: &outputs)
    progress.finish(source.offset)
  }

  /// Takes anything else that happens.
  public mutating func apply(_ event: RiskEvent, at time: Timestamp, into outputs: inout [GateOutput]) {
    engine.apply(event, at: time, into: &effects)
    carryOut(nil, into: &outputs)
  }

  // MARK: Acknowledgements

  /// Where somebody else has written on a topic of which we are the only writer, up to an acknowledged record. Every record there is to
  /// be handed to `readIntruder` before the acknowledgement is taken.
  public func intrusion(before receipt: GateReceipt, at offset: Int64) -> LogStretch? {
    guard receipt.epoch == epoch else { return nil }
    switch receipt.output {
    case .approved: return offset > approvedNext ? LogStretch(Topic.approved, from: approvedNext, to: offset) : nil
    case .rejected: return offset > rejectedNext ? LogStretch(Topic.rejected, from: rejectedNext, to: offset) : nil
    case .other: return nil
    }
  }

  /// A former owner's records count for nobody. A marker means that ours do not count either, be it that of a process which stalled while
  /// it took the partition and does not know that it lost it again. Epochs begin on `orders.approved`, where `newest` is the last offset: a
  /// marker that names one which cannot have begun there is nobody's.
  public mutating func readIntruder(_ value: [UInt8]?, of topic: String, at offset: Int64, newest: Int64) {
    guard let value, let reader = try? RecordReader(value), let marker = EpochMarker(reader) else { return }
    var fence = EpochFence(epoch: epoch)
    _ = topic == Topic.approved ? fence.see(marker, at: offset) : fence.see(marker, notAbove: newest)
    isFenced = isFenced || fence.epoch > epoch
  }

  /// The log has a record. A fenced partition takes nothing note of: what it knows must not be written down.
  public mutating func acknowledge(
    _ receipt: GateReceipt, at offset: Int64, time: Timestamp, into outputs: inout [GateOutput]
  ) {
    guard receipt.epoch == epoch, !isFenced else { return }
    if let input = receipt.input { progress.finish(input) }
    holdback.finish(receipt.number)
    switch receipt.output {
    case .approved: approvedNext = offset + 1
    case .rejected: rejectedNext = offset + 1
    case .other: break
    }
    engine.apply(.acknowledged(approved: approvedNext, rejected: rejectedNext), at: time, into: &effects)
    releaseSnapshots(into: &outputs)
  }

  // MARK: Offsets

  /// True when nothing is on its way to the log and nothing waits to be.
  public var isSettled: Bool { holdback.isSettled }

  /// Everything on `orders` below this offset has its outcomes in the log.
  public var committable: Int64 { progress.committable }

  /// The offset to commit when it has grown since the last time.
  public mutating func takeCommit() -> Int64? {
    guard progress.committable > committed else { return nil }
    committed = progress.committable
    return committed
  }

  // MARK: Outputs

  /// The record on `orders` that is being decided.
  private struct Input {
    let offset: Int64
    let headers: RecordHeaders
  }

  private mutating func carryOut(_ input: Input?, into outputs: inout [GateOutput]) {
    for effect in effects { carryOut(effect, input, into: &outputs) }
    effects.removeAll(keepingCapacity: true)
  }

  private mutating func carryOut(_ effect: RiskEffect, _ input: Input?, into outputs: inout [GateOutput]) {
    var record: GateRecord?
    switch effect {
    case .approve(let approval):
      record = append(Topic.approved, partition, approval.request.account.text, approval.encoded(), input, .approved)
    case .reject(let rejection):
      record = append(Topic.rejected, partition, rejection.account.text, rejection.encoded(), input, .rejected)
    case .deadLetter(let letter): record = append(Topic.deadLetters, 0, letter.source.topic, letter.encoded(), input)
    case .alert(let alert): record = append(Topic.alerts, 0, alert.service, alert.encoded(), nil)
    case .rekey(let account, let right, let payload, let origin):
      record = append(Topic.orders, right, account.text, payload, input, origin: origin)
    case .snapshot(let key, let value):
      holdback.hold(Snapshot(key: key, value: value))
      return releaseSnapshots(into: &outputs)
    case .position, .risk: break
    }
    outputs.append(GateOutput(effect: effect, record: record))
  }

  private mutating func releaseSnapshots(into outputs: inout [GateOutput]) {
    while let free = holdback.takeFree() {
      let record = append(Topic.riskState, partition, free.key, free.value, nil)
      outputs.append(GateOutput(effect: .snapshot(key: free.key, value: free.value), record: record))
    }
  }

  private mutating func append(
    _ topic: String, _ target: Int32, _ key: String, _ value: [UInt8], _ input: Input?, _ output: GateReceipt.Output = .other,
    origin: RecordSource? = nil
  ) -> GateRecord {
    lastNumber += 1
    holdback.begin(lastNumber)
    if let input { progress.add(input.offset) }
    var headers = input?.headers ?? RecordHeaders()
    // `orders` has many writers and no owner: what is moved there carries no epoch.
    headers.epoch = topic == Topic.orders ? nil : epoch
    if let origin { headers.origin = origin }
    return GateRecord(
      topic: topic, partition: target, key: key, value: value, headers: headers,
      receipt: GateReceipt(epoch: epoch, number: lastNumber, output: output, input: input?.offset))
  }
}
