import Domain

/// What the venue has accepted and not yet done, in the order in which it came.
struct BybitQueue: Sendable {
  /// One accepted request.
  enum Work: Sendable {
    case place(NewOrder, id: Int64)
    case amend(Int64, price: Price?, quantity: Quantity?)
    case cancel(Int64)
  }

  private let delayNanoseconds: ClosedRange<Int64>
  private var waiting: [(due: Timestamp, work: Work)] = []

  init(delayNanoseconds: ClosedRange<Int64>) { self.delayNanoseconds = delayNanoseconds }

  mutating func add(_ work: Work, _ world: inout World) {
    let due = world.now + Int64.random(in: delayNanoseconds, using: &world.generator)
    waiting.append((max(due, waiting.last?.due ?? due), work))
  }

  /// An accepted order that does not exist yet, by what it is asked for.
  func order(where isWanted: (Int64, NewOrder) -> Bool) -> (id: Int64, request: NewOrder)? {
    for case (_, .place(let request, let id)) in waiting where isWanted(id, request) { return (id, request) }
    return nil
  }

  /// Accepted orders of an account.
  func count(of account: Int) -> Int {
    waiting.filter { if case .place(let request, _) = $0.work { request.account == account } else { false } }.count
  }

  /// Does what is due. What can no longer be done comes to nothing: the streams tell how the order stands.
  mutating func carryOut(_ world: inout World) {
    let due = waiting.prefix { $0.due <= world.now }
    waiting.removeFirst(due.count)
    for (_, work) in due {
      switch work {
      case .place(let request, let id):
        // A refusal is told as an order event like any other end.
        _ = try? world.place(request, numbered: id)
      case .cancel(let id): world.exchange.cancelIfKnown(id, at: world.now)
      case .amend(let id, let price, let quantity):
        world.exchange.amendIfPossible(id, price: price, quantity: quantity, at: world.now)
      }
    }
  }
}

extension Exchange {
  fileprivate mutating func cancelIfKnown(_ id: Int64, at now: Timestamp) {
    if knows(id) { cancel(id, at: now) }
  }

  fileprivate mutating func amendIfPossible(_ id: Int64, price: Price?, quantity: Quantity?, at now: Timestamp) {
    guard knows(id), order(id).status.isOpen, quantity ?? order(id).quantity > order(id).executed else { return }
    // A refused amendment leaves the order as it was, and nothing is told.
    _ = try? amend(id, price: price, quantity: quantity, at: now)
  }
}
