import Testing

@testable import Domain

@Suite struct OrderStatusTests {
  @Test func theOrdinaryLife() {
    #expect(OrderStatus.received.after(.submit, hasFills: false) == .submitting)
    #expect(OrderStatus.submitting.after(.acknowledge, hasFills: false) == .open)
    #expect(OrderStatus.open.after(.fillPart, hasFills: true) == .partiallyFilled)
    #expect(OrderStatus.partiallyFilled.after(.fillAll, hasFills: true) == .filled)
  }

  @Test func aFillBeforeItsAcknowledgementIsNotUndoneByIt() {
    #expect(OrderStatus.submitting.after(.fillPart, hasFills: true) == .partiallyFilled)
    #expect(OrderStatus.partiallyFilled.after(.acknowledge, hasFills: true) == .partiallyFilled)
    #expect(OrderStatus.filled.after(.acknowledge, hasFills: true) == .filled)
  }

  @Test func aLateFillCountsAndTheEndStands() {
    #expect(OrderStatus.cancelled.after(.fillPart, hasFills: true) == .cancelled)
    #expect(OrderStatus.cancelled.after(.fillAll, hasFills: true) == .filled)
    #expect(OrderStatus.filled.after(.cancel, hasFills: true) == .filled)
  }

  @Test func anOrderDeclaredDeadButAliveIsAlive() {
    #expect(OrderStatus.rejected.after(.acknowledge, hasFills: false) == .open)
    #expect(OrderStatus.rejected.after(.fillPart, hasFills: true) == .partiallyFilled)
  }

  @Test func cancelsWaitBehindSubmittingAndUnknown() {
    #expect(OrderStatus.submitting.after(.requestCancel, hasFills: false) == nil)
    #expect(OrderStatus.unknown.after(.requestCancel, hasFills: false) == nil)
    #expect(OrderStatus.pendingCancel.after(.keep, hasFills: false) == .open)
    #expect(OrderStatus.pendingCancel.after(.keep, hasFills: true) == .partiallyFilled)
  }

  @Test func nothingBringsATerminalOrderBackToTheWire() {
    for status in OrderStatus.allCases where status.isTerminal {
      for transition in [OrderTransition.submit, .loseTrack, .requestCancel, .requestReplace] {
        #expect(status.after(transition, hasFills: false) == nil, "\(status) \(transition)")
      }
    }
  }
}
