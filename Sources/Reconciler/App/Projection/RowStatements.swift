import Domain
import Postgres
import ReconcilerCore
import Wire

/// The statements that store a run. Approvals, refusals and executions of one order come from three topics and may be read in any order, so
/// every statement says which source wins: executions over approvals over refusals; of executions the newest.
extension RowRun {
  /// In the order in which they must run; none without rows.
  var statements: [PostgresStatement] {
    let tables = [
      PostgresStatement(RowSQL.events, rows: changes.map(\.eventRow)),
      PostgresStatement(RowSQL.rejections, rows: changes.compactMap(\.rejectionRow)),
      PostgresStatement(RowSQL.refusedOrders, rows: refused.map { $0.rejection.orderRow(at: $0.offset) }),
      PostgresStatement(RowSQL.approvedOrders, rows: approved.map { $0.approval.orderRow(at: $0.offset) }),
      PostgresStatement(RowSQL.plannedChildren, rows: plannedChildren.map { $0.child.row(of: $0.plan, at: $0.offset) }),
    ]
    let plans = plansInForce.map { PostgresStatement(RowSQL.plannedOrder, $0.plan.orderRow(at: $0.offset)) }
    let progress = [
      PostgresStatement(RowSQL.children, rows: children.map(\.row)),
      PostgresStatement(RowSQL.orders, rows: orders.map(\.row)),
      PostgresStatement(RowSQL.fills, rows: changes.compactMap(\.fillRow)),
    ]
    return tables.filter(\.hasRows) + plans + progress.filter(\.hasRows)
  }
}

/// A row's values, in the order of its statement's parameters.
private typealias Row = [String?]

extension Rejection {
  fileprivate func orderRow(at offset: Int64) -> Row {
    [
      account.text, clientOrderID.text, request?.venue.text, request?.symbol.description, request?.side?.rawValue,
      request?.type.rawValue, request?.quantity?.text(), request?.quoteQuantity?.text(), request?.price?.text(),
      request?.timeInForce.rawValue, flag(request?.postOnly ?? false), flag(request?.reduceOnly ?? false),
      storable(request?.strategy), request?.target?.text, storable(reason), String(code.rawValue), decidedAt.description,
      String(offset),
    ]
  }
}

extension Approval {
  fileprivate func orderRow(at offset: Int64) -> Row {
    [
      request.account.text, clientOrderID.text, request.venue.text, request.symbol.description, request.side?.rawValue,
      request.type.rawValue, (quantity ?? request.quantity)?.text(), request.quoteQuantity?.text(), request.price?.text(),
      limitPrice?.text(), timeInForce.rawValue, flag(request.postOnly), flag(request.reduceOnly), storable(request.strategy),
      request.target?.text, decidedAt.description, String(offset),
    ]
  }
}

extension Plan {
  fileprivate func orderRow(at offset: Int64) -> Row {
    [approval.request.account.text, approval.clientOrderID.text, time.description, String(offset)]
  }
}

extension Plan.Child {
  fileprivate func row(of plan: Plan, at offset: Int64) -> Row {
    let request = plan.approval.request
    return [
      request.account.text, plan.approval.clientOrderID.text, String(number), venue.text, request.symbol.description,
      request.side?.rawValue, storable(venueClientID), quantity.text(), price.text(), plan.time.description, String(offset),
    ]
  }
}

extension RowRun.ChildProgress {
  fileprivate var row: Row {
    let state = newest.childState
    return [
      newest.account.text, newest.clientOrderID.text, String(newest.child), newest.venue.text, newest.symbol.description,
      newest.side.rawValue, storable(venueClientID), storable(venueOrderID), state.status.rawValue, state.quantity.text(),
      limitPrice?.text(), cumulativeQuantity.text(), cumulativeQuote.text(), newest.provenance.rawValue, newest.time.description,
      String(offset),
    ]
  }
}

extension RowRun.OrderProgress {
  fileprivate var row: Row {
    [
      newest.account.text, newest.clientOrderID.text, newest.status.rawValue, newest.venue.text, newest.symbol.description,
      newest.side.rawValue, quantity.text(), limitPrice?.text(), storable(strategy), storable(venueOrderID),
      newest.provenance.rawValue, storable(newest.reason), newest.time.description, String(offset),
    ]
  }
}

extension Batch.Change {
  fileprivate var rejectionRow: Row? {
    guard case .rejected(let rejection) = change else { return nil }
    return [
      place.topic, String(place.partition), String(place.offset), rejection.account.text, rejection.clientOrderID.text,
      rejection.request?.action.rawValue, String(rejection.code.rawValue), storable(rejection.reason),
      flag(rejection.isDuplicate), storableJSON(record), String(rejection.controlVersion), String(rejection.limitsVersion),
      storable(rejection.source.topic), String(rejection.source.partition), String(rejection.source.offset),
      rejection.source.timestamp.description, rejection.decidedAt.description,
    ]
  }

  fileprivate var fillRow: Row? {
    guard case .progressed(let event) = change, let fill = event.fill else { return nil }
    return [
      event.venue.text, event.account.text, event.symbol.description, storable(event.venueOrderID) ?? "", storable(fill.tradeID),
      event.clientOrderID.text, String(event.child), event.side.rawValue, fill.price.text(), fill.quantity.text(),
      (fill.price * fill.quantity).text(), fill.fee.text(), storable(fill.feeAsset), fill.feePrice?.text(),
      fill.liquidity?.rawValue, event.provenance.rawValue, storable(event.strategy), fill.time.description,
      String(place.partition), String(place.offset),
    ]
  }

  /// The same record as it was written, under what it says of its order.
  fileprivate var eventRow: Row {
    switch change {
    case .approved(let approval):
      eventRow(
        approval.isDuplicate ? "approved_duplicate" : "approved", approval.request.account, approval.clientOrderID,
        venue: approval.request.venue.text, status: .received, time: approval.decidedAt)
    case .rejected(let rejection):
      eventRow(
        rejection.isDuplicate ? "rejected_duplicate" : "rejected", rejection.account, rejection.clientOrderID,
        status: .rejected, reason: rejection.reason, time: rejection.decidedAt)
    case .planned(let plan):
      eventRow("plan", plan.approval.request.account, plan.approval.clientOrderID, status: .submitting, time: plan.time)
    case .progressed(let event):
      eventRow(
        event.fill == nil ? "order" : "fill", event.account, event.clientOrderID, child: event.child, venue: event.venue.text,
        venueOrderID: event.venueOrderID, status: event.status, provenance: event.provenance, reason: event.reason,
        time: event.time)
    }
  }

  private func eventRow(
    _ kind: String, _ account: Account, _ order: ClientOrderID, child: Int? = nil, venue: String? = nil,
    venueOrderID: String? = nil, status: OrderStatus, provenance: Provenance? = nil, reason: String? = nil, time: Timestamp
  ) -> Row {
    [
      place.topic, String(place.partition), String(place.offset), kind, account.text, order.text, child.map { String($0) }, venue,
      storable(venueOrderID), status.rawValue, provenance?.rawValue, storable(reason), time.description,
      place.appendedAt.description, storableJSON(record),
    ]
  }
}

private func flag(_ value: Bool) -> String { value ? "true" : "false" }

/// PostgreSQL's text has no NUL; words from outside may.
func storable(_ text: String?) -> String? {
  guard let text, text.utf8.contains(0) else { return text }
  return text.replacing("\0", with: "\u{FFFD}")
}

/// Bytes that were read as JSON, with escaped NULs, which jsonb refuses, replaced.
private func storableJSON(_ bytes: [UInt8]) -> String {
  String(decoding: bytes, as: UTF8.self).replacing("\\u0000", with: "\\ufffd")
}
