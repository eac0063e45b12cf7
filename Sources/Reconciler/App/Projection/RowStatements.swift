import Domain
import Postgres
import ReconcilerCore
import Wire

/// The statements that carry out a change of rows. Approvals, refusals and executions of one order come from three topics and may
/// be read in any order, so every statement says which source wins: executions over approvals over refusals; of executions the newest.
extension Batch.Change {
  /// In the order in which they must run.
  var statements: [PostgresStatement] {
    switch change {
    case .approved(let approval): [event(of: approval)] + rows(of: approval)
    case .rejected(let rejection): [event(of: rejection), row(of: rejection)] + orderRow(of: rejection)
    case .planned(let plan): [event(of: plan)] + rows(of: plan)
    case .progressed(let event): [self.event(of: event), childRow(of: event), orderRow(of: event)] + fillRow(of: event)
    }
  }

  private func rows(of approval: Approval) -> [PostgresStatement] {
    // A repeated request changes nothing; a cancel is a request about an order, not an order.
    guard !approval.isDuplicate, approval.request.action == .new || approval.request.action == .replace else { return [] }
    let request = approval.request
    return [
      PostgresStatement(
        RowSQL.approvedOrder,
        [
          request.account.text, approval.clientOrderID.text, request.venue.text, request.symbol.description,
          request.side?.rawValue,
          request.type.rawValue, (approval.quantity ?? request.quantity)?.text(), request.quoteQuantity?.text(),
          request.price?.text(), approval.limitPrice?.text(), approval.timeInForce.rawValue, flag(request.postOnly),
          flag(request.reduceOnly), storable(request.strategy), request.target?.text, approval.decidedAt.description,
          String(place.offset),
        ])
    ]
  }

  private func row(of rejection: Rejection) -> PostgresStatement {
    PostgresStatement(
      RowSQL.rejection,
      [
        place.topic, String(place.partition), String(place.offset), rejection.account.text, rejection.clientOrderID.text,
        rejection.request?.action.rawValue, String(rejection.code.rawValue), storable(rejection.reason),
        flag(rejection.isDuplicate),
        storableJSON(record), String(rejection.controlVersion), String(rejection.limitsVersion), storable(rejection.source.topic),
        String(rejection.source.partition), String(rejection.source.offset), rejection.source.timestamp.description,
        rejection.decidedAt.description,
      ])
  }

  private func orderRow(of rejection: Rejection) -> [PostgresStatement] {
    let request = rejection.request
    let action = request?.action ?? .new
    guard action == .new || action == .replace else { return [] }
    return [
      PostgresStatement(
        RowSQL.rejectedOrder,
        [
          rejection.account.text, rejection.clientOrderID.text, request?.venue.text, request?.symbol.description,
          request?.side?.rawValue, request?.type.rawValue, request?.quantity?.text(), request?.quoteQuantity?.text(),
          request?.price?.text(), request?.timeInForce.rawValue, flag(request?.postOnly ?? false),
          flag(request?.reduceOnly ?? false), storable(request?.strategy), request?.target?.text, storable(rejection.reason),
          String(rejection.code.rawValue), rejection.decidedAt.description, String(place.offset),
        ])
    ]
  }

  private func rows(of plan: Plan) -> [PostgresStatement] {
    let approval = plan.approval
    let request = approval.request
    var statements = rows(of: approval)
    for child in plan.children {
      statements.append(
        PostgresStatement(
          RowSQL.plannedChild,
          [
            request.account.text, approval.clientOrderID.text, String(child.number), child.venue.text, request.symbol.description,
            request.side?.rawValue, storable(child.venueClientID), child.quantity.text(), child.price.text(),
            plan.time.description,
            String(place.offset),
          ]))
    }
    statements.append(
      PostgresStatement(
        RowSQL.plannedOrder,
        [request.account.text, approval.clientOrderID.text, plan.time.description, String(place.offset)]))
    return statements
  }

  private func childRow(of event: OrderEvent) -> PostgresStatement {
    let state = event.childState
    return PostgresStatement(
      RowSQL.child,
      [
        event.account.text, event.clientOrderID.text, String(event.child), event.venue.text, event.symbol.description,
        event.side.rawValue, storable(event.venueClientID), storable(event.venueOrderID), state.status.rawValue,
        state.quantity.text(), event.limitPrice?.text(), state.cumulativeQuantity.text(), state.cumulativeQuote.text(),
        event.provenance.rawValue, event.time.description, String(place.offset),
      ])
  }

  private func orderRow(of event: OrderEvent) -> PostgresStatement {
    PostgresStatement(
      RowSQL.order,
      [
        event.account.text, event.clientOrderID.text, event.status.rawValue, event.venue.text, event.symbol.description,
        event.side.rawValue, event.quantity.text(), event.limitPrice?.text(), storable(event.strategy),
        storable(event.venueOrderID),
        event.cumulativeQuantity.text(), event.cumulativeQuote.text(), event.provenance.rawValue, storable(event.reason),
        event.time.description, String(place.offset),
      ])
  }

  private func fillRow(of event: OrderEvent) -> [PostgresStatement] {
    guard let fill = event.fill else { return [] }
    return [
      PostgresStatement(
        RowSQL.fill,
        [
          event.venue.text, event.account.text, event.symbol.description, storable(event.venueOrderID) ?? "",
          storable(fill.tradeID),
          event.clientOrderID.text, String(event.child), event.side.rawValue, fill.price.text(), fill.quantity.text(),
          (fill.price * fill.quantity).text(), fill.fee.text(), storable(fill.feeAsset), fill.feePrice?.text(),
          fill.liquidity?.rawValue, event.provenance.rawValue, storable(event.strategy), fill.time.description,
          String(place.partition), String(place.offset),
        ])
    ]
  }
}

/// The same record as it was written, under what it says of its order.
extension Batch.Change {
  private func event(of approval: Approval) -> PostgresStatement {
    event(
      approval.isDuplicate ? "approved_duplicate" : "approved", approval.request.account, approval.clientOrderID,
      venue: approval.request.venue.text, status: "received", time: approval.decidedAt)
  }

  private func event(of rejection: Rejection) -> PostgresStatement {
    event(
      rejection.isDuplicate ? "rejected_duplicate" : "rejected", rejection.account, rejection.clientOrderID,
      status: OrderStatus.rejected.rawValue, reason: rejection.reason, time: rejection.decidedAt)
  }

  private func event(of plan: Plan) -> PostgresStatement {
    event(
      "plan", plan.approval.request.account, plan.approval.clientOrderID, status: OrderStatus.submitting.rawValue, time: plan.time
    )
  }

  private func event(of event: OrderEvent) -> PostgresStatement {
    self.event(
      event.fill == nil ? "order" : "fill", event.account, event.clientOrderID, child: event.child, venue: event.venue.text,
      venueOrderID: event.venueOrderID, status: event.status.rawValue, provenance: event.provenance.rawValue,
      reason: event.reason,
      time: event.time)
  }

  private func event(
    _ kind: String, _ account: Account, _ order: ClientOrderID, child: Int? = nil, venue: String? = nil,
    venueOrderID: String? = nil, status: String, provenance: String? = nil, reason: String? = nil, time: Timestamp
  ) -> PostgresStatement {
    PostgresStatement(
      RowSQL.event,
      [
        place.topic, String(place.partition), String(place.offset), kind, account.text, order.text, child.map { String($0) },
        venue,
        storable(venueOrderID), status, provenance, storable(reason), time.description, place.appendedAt.description,
        storableJSON(record),
      ])
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
