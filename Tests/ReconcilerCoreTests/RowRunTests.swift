import Domain
import ReconcilerCore
import Testing
import Wire

/// What of a batch is stored together; `anyBatchesLeaveTheSameRows` holds the rows themselves to account.
@Suite struct RowRunTests {
  private let repeated = Plan(approval: Sample.approval("a", isDuplicate: true), children: [], time: Sample.start)
  private let event = Sample.event("a", .open)

  private func runs(_ values: (topic: String, bytes: [UInt8])...) -> [RowRun] {
    var batch = Batch()
    for topic in [Topic.approved, Topic.rejected, Topic.executions] {
      batch.add(Sample.marker(topic), stored: InputState(topic: topic, partition: 0))
    }
    for (index, value) in values.enumerated() {
      batch.add(
        Sample.record(value.topic, Int64(index + 1), value.bytes), stored: InputState(topic: value.topic, partition: 0))
    }
    #expect(batch.changes.count == values.count)
    return batch.runs
  }

  @Test func aLifeInOneBatchIsOneRowInEachTable() throws {
    let plan = Plan(
      approval: Sample.approval("a"),
      children: [
        Plan.Child(
          number: 0, venue: .binance, venueClientID: "apus-a", quantity: Sample.decimal("0.25"), price: Sample.decimal("28000"))
      ], time: Sample.start)
    let runs = runs(
      (Topic.approved, Sample.approval("a").encoded()), (Topic.executions, ExecutionRecord.plan(plan).encoded()),
      (Topic.executions, ExecutionRecord.order(event).encoded()),
      (Topic.executions, ExecutionRecord.order(Sample.event("a", .filled, filled: "0.25", trade: "1", of: "0.25")).encoded()))
    #expect(runs.count == 1)
    let run = try #require(runs.first)
    #expect(run.changes.count == 4)
    #expect(run.approved.count == 1 && run.plannedChildren.count == 1 && run.children.count == 1 && run.orders.count == 1)
    #expect(run.plansInForce.isEmpty, "what came after the plan says more than it")
    #expect(run.orders.first?.newest.status == .filled && run.orders.first?.offset == 4)
  }

  /// Approvals are stored before plans and progress: one that came after them waits for the next run.
  @Test func anApprovalIsNotPutBeforeWhatItFollowed() {
    let approval = (Topic.approved, Sample.approval("a").encoded())
    #expect(runs((Topic.executions, ExecutionRecord.order(event).encoded()), approval).count == 2)
    #expect(runs((Topic.executions, ExecutionRecord.plan(repeated).encoded()), approval).count == 2)
    #expect(runs(approval, (Topic.executions, ExecutionRecord.plan(repeated).encoded()), approval).count == 1)
  }

  /// A plan changes an order's row only if it is there before the plan.
  @Test func aRefusalIsNotPutBeforeAPlan() {
    let refusal = (Topic.rejected, Sample.rejection("a").encoded())
    #expect(runs((Topic.executions, ExecutionRecord.plan(repeated).encoded()), refusal).count == 2)
    #expect(runs(refusal, (Topic.executions, ExecutionRecord.plan(repeated).encoded())).count == 1)
  }
}
