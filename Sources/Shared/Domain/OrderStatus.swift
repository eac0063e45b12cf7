/// Where an order is in its life. The raw values are the tokens of the topics and of PostgreSQL.
public enum OrderStatus: String, CaseIterable, Sendable {
  /// Known to us, nothing sent.
  case received
  /// The plan is in the log; bytes may be on their way to the venue.
  case submitting
  /// The venue's answer never came or says nothing: the order may live or not. Its exposure stays reserved.
  case unknown
  /// Resting at the venue without a fill.
  case open
  /// Resting at the venue, part of it filled.
  case partiallyFilled = "partially_filled"
  /// A cancel is on its way.
  case pendingCancel = "pending_cancel"
  /// A replace is on its way.
  case pendingReplace = "pending_replace"
  /// Complete.
  case filled
  /// Ended by a cancel; the filled part stands.
  case cancelled
  /// Ended by time: at the venue (IOC, FOK), or here because the approval grew too old before anything was sent.
  case expired
  /// Refused by risk or by the venue.
  case rejected
  /// Ended by a halt before anything was sent.
  case halted

  /// True when the venue will add nothing by itself. Late fills are still counted.
  public var isTerminal: Bool {
    switch self {
    case .filled, .cancelled, .expired, .rejected, .halted: true
    case .received, .submitting, .unknown, .open, .partiallyFilled, .pendingCancel, .pendingReplace: false
    }
  }
}

/// What can happen to an order.
public enum OrderTransition: String, CaseIterable, Sendable {
  /// The plan was acknowledged and the wire call begins (again, after absence was proven).
  case submit
  /// The venue has it.
  case acknowledge
  /// The venue's answer is missing or says nothing.
  case loseTrack = "lose_track"
  /// Some of it traded, not all.
  case fillPart = "fill_part"
  /// All of it traded.
  case fillAll = "fill_all"
  /// We are about to ask for a cancel.
  case requestCancel = "request_cancel"
  /// We are about to ask for a replace.
  case requestReplace = "request_replace"
  /// The venue refused the cancel or the replace and the order lives.
  case keep
  /// The venue ended it after a cancel.
  case cancel
  /// The venue ended it by time in force, or we let it lapse unsent.
  case expire
  /// The venue refused it.
  case reject
  /// A halt stopped it before it was sent.
  case halt
}

extension OrderStatus {
  /// The one table of an order's life: the state after `transition`, or nil when that cannot be (the caller reports it and keeps the
  /// state). `hasFills` says whether any quantity has traded, which decides between `open` and `partially_filled`.
  public func after(_ transition: OrderTransition, hasFills: Bool) -> OrderStatus? {
    switch transition {
    case .fillPart: afterPartialFill
    case .fillAll: .filled  // Whatever we believed: a complete fill ends the order.
    default: isTerminal ? afterEnd(transition) : whileLive(transition, resting: hasFills ? .partiallyFilled : .open)
    }
  }

  private var afterPartialFill: OrderStatus {
    switch self {
    // A fill may come before its acknowledgement.
    case .received, .submitting, .unknown, .open, .partiallyFilled: .partiallyFilled
    case .pendingCancel, .pendingReplace: self  // The request is still on its way.
    case .filled, .cancelled, .expired: self  // A late fill: the quantity counts, the end stands.
    case .rejected, .halted: .partiallyFilled  // The real world: declared dead, yet alive.
    }
  }

  private func whileLive(_ transition: OrderTransition, resting: OrderStatus) -> OrderStatus? {
    switch (self, transition) {
    case (.received, .submit), (.submitting, .submit), (.unknown, .submit): .submitting
    case (_, .submit): nil
    // An old acknowledgement does not undo a request.
    case (.pendingCancel, .acknowledge), (.pendingReplace, .acknowledge): self
    case (_, .acknowledge): resting
    case (.received, .loseTrack): nil
    case (_, .loseTrack): .unknown
    case (.open, .requestCancel), (.partiallyFilled, .requestCancel), (.pendingReplace, .requestCancel): .pendingCancel
    case (.pendingCancel, .requestCancel): .pendingCancel
    case (_, .requestCancel): nil  // Behind `submitting` and `unknown` a cancel waits.
    case (.open, .requestReplace), (.partiallyFilled, .requestReplace): .pendingReplace
    case (_, .requestReplace): nil
    case (.pendingCancel, .keep), (.pendingReplace, .keep), (.open, .keep), (.partiallyFilled, .keep): resting
    case (_, .keep): nil
    case (.received, .halt), (.submitting, .halt), (.unknown, .halt): .halted  // Only with proof that nothing was sent.
    case (_, .halt): nil
    case (_, .cancel): .cancelled
    case (_, .expire): .expired
    case (_, .reject): .rejected
    case (_, .fillPart), (_, .fillAll): nil  // Decided above.
    }
  }

  /// The first end stands; a venue that says the same again, or another end, changes nothing. An order found alive is alive.
  private func afterEnd(_ transition: OrderTransition) -> OrderStatus? {
    switch (self, transition) {
    case (.rejected, .acknowledge), (.halted, .acknowledge): .open  // Declared dead, yet alive: a person is told.
    case (_, .acknowledge), (_, .cancel), (_, .expire), (_, .reject), (_, .halt), (_, .keep): self
    default: nil
    }
  }
}
