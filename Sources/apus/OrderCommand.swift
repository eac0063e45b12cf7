import Domain
import Kafka
import Runtime
import Wire

/// `apus order`: sends an order and waits for its outcome.
func orderCommand(_ arguments: CommandArguments) throws -> ExitCode {
  let request = try orderRequest(arguments)
  guard let id = request.clientOrderID else { preconditionFailure("the command names every order that it sends") }
  let log = try LogClient()
  let watch = try log.watch([Topic.approved, Topic.rejected, Topic.executions], account: request.account)
  try log.send(topic: Topic.orders, key: request.account.text, value: request.encoded())
  print("Order sent: \(id)")
  let rests = request.timeInForce == .gtc
  return try awaitOutcome(watch, of: id, account: request.account, timeoutMilliseconds: try arguments.timeoutMilliseconds()) {
    event in
    orderOutcome(event, rests: rests)
  }
}

/// `apus cancel`: asks for a cancel and waits for the order's end.
func cancelCommand(_ arguments: CommandArguments) throws -> ExitCode {
  guard let word = arguments.words.first, let target = ClientOrderID(word) else {
    throw CommandFailure(.usage, "apus cancel ID [SYMBOL]")
  }
  let account = try arguments.account()
  let symbol = try arguments.symbol(arguments.words.dropFirst().first)
  let request = OrderRequest(
    action: .cancel, account: account, clientOrderID: newOrderID(), symbol: symbol, target: target)
  let log = try LogClient()
  let watch = try log.watch([Topic.rejected, Topic.executions, Topic.alerts], account: account)
  try log.send(topic: Topic.orders, key: account.text, value: request.encoded())
  return try awaitOutcome(watch, of: target, account: account, timeoutMilliseconds: try arguments.timeoutMilliseconds()) {
    event in
    guard event.status.isTerminal else { return nil }
    print(
      "Order \(event.status.rawValue): \(target)\(event.cumulativeQuantity.isZero ? "" : ", \(event.cumulativeQuantity) filled")")
    return event.status == .cancelled ? .done : .venue
  }
}

private func orderRequest(_ arguments: CommandArguments) throws -> OrderRequest {
  let words = arguments.words
  let quote = try arguments.option("quote") { try Money($0) }
  guard let side = words.first.flatMap({ Side(rawValue: $0) }), words.count >= (quote == nil ? 2 : 1) else {
    throw CommandFailure(.usage, "apus order buy|sell QUANTITY [SYMBOL] [--price P] …")
  }
  var quantity: Quantity?
  if quote == nil {
    do { quantity = try Quantity(words[1]) } catch { throw CommandFailure(.usage, "\(words[1]) is not a quantity") }
  }
  let symbolWord = words.dropFirst(quote == nil ? 2 : 1).first
  let price = try arguments.option("price") { try Price($0) }
  return OrderRequest(
    account: try arguments.account(), clientOrderID: try arguments.option("id") { ClientOrderID($0) } ?? newOrderID(),
    venue: try arguments.option("venue") { Venue($0) } ?? .best, symbol: try arguments.symbol(symbolWord), side: side,
    type: price == nil ? .market : .limit, quantity: quantity, quoteQuantity: quote, price: price,
    timeInForce: try arguments.option("time-in-force") { TimeInForce(rawValue: $0) }, postOnly: arguments.has("post-only"),
    reduceOnly: arguments.has("reduce-only"))
}

/// The exit code once an order of ours is where it will stay, or nil while it moves.
private func orderOutcome(_ event: OrderEvent, rests: Bool) -> ExitCode? {
  let filled = "\(event.cumulativeQuantity) \(event.symbol.base)"
  let average = event.averagePrice.map { " @ \($0)" } ?? ""
  switch event.status {
  case .filled:
    print("Order filled: \(event.side.rawValue.uppercased()) \(filled)\(average)")
    return .done
  case .open, .partiallyFilled:
    guard rests else { return nil }
    print("Order \(event.status.rawValue): \(filled) of \(event.quantity) filled\(average)")
    return .done
  case .cancelled, .expired:
    print("Order \(event.status.rawValue): \(filled) of \(event.quantity) filled\(average)")
    return event.cumulativeQuantity.isZero ? .venue : .done
  case .rejected, .halted:
    print("Order \(event.status.rawValue): \(event.reason ?? "no reason was given")")
    return .venue
  case .received, .submitting, .unknown, .pendingCancel, .pendingReplace:
    return nil
  }
}

/// Reads records until one of them is the outcome, or the time is over.
private func awaitOutcome(
  _ watch: KafkaConsumer, of id: ClientOrderID, account: Account, timeoutMilliseconds: Int,
  decide: @escaping (OrderEvent) -> ExitCode?
) throws -> ExitCode {
  defer { watch.close() }
  let deadline = Deadline(afterMilliseconds: timeoutMilliseconds)
  var wanted = AwaitedOutcome(account: account, id: id, decide: decide)
  while !deadline.isPast {
    guard case .message(let message)? = watch.poll(timeoutMilliseconds: Int(min(200, deadline.remainingMilliseconds))) else {
      continue
    }
    if let value = message.value, let code = wanted.take(value, on: message.topic) { return code }
  }
  print("Outcome unknown after \(timeoutMilliseconds / 1000) s; last state: \(wanted.last?.rawValue ?? "none seen")")
  return .unknown
}

/// What somebody at a terminal waits to hear of one order.
private struct AwaitedOutcome {
  let account: Account
  let id: ClientOrderID
  let decide: (OrderEvent) -> ExitCode?
  /// The order's last state that was seen.
  var last: OrderStatus?
  /// The id's first approval came while we waited: repetitions behind it are somebody else's.
  private var isApproved = false

  init(account: Account, id: ClientOrderID, decide: @escaping (OrderEvent) -> ExitCode?) {
    self.account = account
    self.id = id
    self.decide = decide
  }

  /// Says what a record means for the order; the exit code when it is the end of the matter.
  mutating func take(_ value: [UInt8], on topic: String) -> ExitCode? {
    switch topic {
    case Topic.rejected:
      guard let rejection = try? Rejection(value), isMeant(rejection.account, rejection.clientOrderID) else { return nil }
      print("\(rejection.reason) (code \(rejection.code.rawValue))")
      return .risk
    case Topic.approved: return takeApproval(value)
    case Topic.alerts:
      guard let alert = try? Alert(value), isMeant(alert.account, alert.clientOrderID), alert.code == "cancel_unknown_target"
      else { return nil }
      print(alert.message)
      return .venue
    default: return takeExecution(value)
    }
  }

  private mutating func takeApproval(_ value: [UInt8]) -> ExitCode? {
    guard let approval = try? Approval(value), isMeant(approval.request.account, approval.clientOrderID) else { return nil }
    guard approval.isDuplicate else {
      isApproved = true
      return nil
    }
    guard !isApproved else { return nil }
    print("Order repeated: \(id) was approved before and is not sent again")
    return .done
  }

  private mutating func takeExecution(_ value: [UInt8]) -> ExitCode? {
    switch try? ExecutionRecord(value) {
    case .order(let event)? where isMeant(event.account, event.clientOrderID):
      last = event.status
      return decide(event)
    case .ignored(let ignored)? where isMeant(ignored.account, ignored.clientOrderID):
      print("Order ignored: \(id) names an earlier order; nothing of this one is sent")
      return .risk
    default: return nil
    }
  }

  private func isMeant(_ account: Account?, _ id: ClientOrderID?) -> Bool { account == self.account && id == self.id }
}

/// A fresh id: 64 random bits, so that two shells never collide.
private func newOrderID() -> ClientOrderID {
  let digits = String(UInt64.random(in: .min ... .max), radix: 36)
  guard let id = ClientOrderID("cli-\(digits)") else { preconditionFailure("digits and letters are a legal id") }
  return id
}
