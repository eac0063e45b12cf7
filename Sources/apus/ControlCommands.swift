import Domain
import Kafka
import Runtime
import Wire

/// `apus halt`, `apus reduce-only`, `apus resume`: changes what an account may do and waits until OrderManager and RiskGate obey.
func controlCommand(_ arguments: CommandArguments, state: TradingState) throws -> ExitCode {
  let account = try arguments.account()
  let log = try LogClient()
  let current = try log.latest(topic: Topic.control)[account.text].map { try Control($0) } ?? .initial(account)
  let control = Control(
    account: account, version: next(current.version), state: state, reason: arguments.option("reason") ?? "command line",
    time: wallClock())
  let watch = try log.watch([Topic.executions, Topic.riskState], account: account)
  try log.send(topic: Topic.control, key: account.text, value: control.encoded())
  return try awaitAcknowledgements(watch, of: control, timeoutMilliseconds: try arguments.timeoutMilliseconds())
}

/// Of two records of one version the later counts, so that even after the last number a change is possible.
private func next(_ version: Int64) -> Int64 { version == .max ? .max : version + 1 }

/// A change is complete when both programs that could let an order through have acknowledged it.
private func awaitAcknowledgements(_ watch: KafkaConsumer, of control: Control, timeoutMilliseconds: Int) throws -> ExitCode {
  var missing: Set<String> = ["RiskGate", "OrderManager"]
  try follow(watch, timeoutMilliseconds: timeoutMilliseconds) { topic, value in
    if topic == Topic.executions {
      guard case .controlAcknowledged(let acknowledgement)? = try? ExecutionRecord(value),
        acknowledgement.account == control.account,
        acknowledgement.version >= control.version
      else { return false }
      missing.remove("OrderManager")
    } else if version("control_version", of: control.account, in: value) ?? -1 >= control.version {
      missing.remove("RiskGate")
    }
    return missing.isEmpty
  }
  guard missing.isEmpty else {
    let names = missing.sorted().joined(separator: ", ")
    print("\(control.account): version \(control.version) was written; not acknowledged by \(names)")
    return .unknown
  }
  print("\(control.account) is \(control.state.rawValue) (version \(control.version)): RiskGate and OrderManager obey")
  return .done
}

/// Gives the records of `watch` to `isDone` until it says so or the time is over.
private func follow(
  _ watch: KafkaConsumer, timeoutMilliseconds: Int, isDone: (_ topic: String, _ value: [UInt8]) -> Bool
) throws {
  defer { watch.close() }
  let deadline = Deadline(afterMilliseconds: timeoutMilliseconds)
  while !deadline.isPast {
    guard case .message(let message)? = watch.poll(timeoutMilliseconds: Int(min(200, deadline.remainingMilliseconds))),
      let value = message.value
    else { continue }
    if isDone(message.topic, value) { return }
  }
}

/// The version that RiskGate's snapshot of the account names.
private func version(_ name: StaticString, of account: Account, in snapshot: [UInt8]) -> Int64? {
  guard let reader = try? RecordReader(snapshot), reader.value("account")?.string == account.text else { return nil }
  return reader.value(name)?.integer
}

/// `apus limits show|set`.
func limitsCommand(_ arguments: CommandArguments) throws -> ExitCode {
  let account = try arguments.account()
  let log = try LogClient()
  let limits = try log.latest(topic: Topic.limits)[account.text].map { try Limits($0) } ?? Limits(account: account)
  switch arguments.words.first {
  case "show":
    print(String(decoding: limits.encoded(), as: UTF8.self))
    return .done
  case "set":
    let changed = try changedLimits(limits, Array(arguments.words.dropFirst()))
    let watch = try log.watch([Topic.riskState], account: account)
    try log.send(topic: Topic.limits, key: account.text, value: changed.encoded())
    var isInForce = false
    try follow(watch, timeoutMilliseconds: try arguments.timeoutMilliseconds()) { _, value in
      isInForce = version("limits_version", of: account, in: value) ?? -1 >= changed.version
      return isInForce
    }
    print(String(decoding: changed.encoded(), as: UTF8.self))
    guard isInForce else {
      printError("apus: version \(changed.version) was written; RiskGate has not acknowledged it")
      return .unknown
    }
    return .done
  default: throw CommandFailure(.usage, "apus limits show | apus limits set NAME=VALUE…")
  }
}

/// `max_position.ETH=50` changes one asset; any other name is a field of the record. The codec checks the result as it checks any record.
private func changedLimits(_ limits: Limits, _ changes: [String]) throws -> Limits {
  guard !changes.isEmpty else { throw CommandFailure(.usage, "apus limits set NAME=VALUE…") }
  var members = try RecordReader(limits.encoded()).members
  for change in changes {
    let parts = change.split(separator: "=", maxSplits: 1).map(String.init)
    guard parts.count == 2 else { throw CommandFailure(.usage, "\(change) is not NAME=VALUE") }
    let path = parts[0].split(separator: ".", maxSplits: 1).map(String.init)
    guard let index = members.firstIndex(where: { $0.name == path[0] }), !["v", "account", "version"].contains(path[0]),
      (path.count == 2) == (path[0] == "max_position")
    else { throw CommandFailure(.usage, "there is no limit \(parts[0])") }
    if path.count == 2 {
      var positions = (members[index].value.members ?? []).filter { $0.name != path[1] }
      if parts[1] != "none" { positions.append(JSONMember(name: path[1], value: .string(parts[1]))) }
      members[index].value = .object(positions)
    } else {
      members[index].value = .string(parts[1])
    }
  }
  if let index = members.firstIndex(where: { $0.name == "version" }) {
    members[index].value = .number(String(next(limits.version)))
  }
  var writer = JSONWriter()
  writer.value(.object(members))
  do { return try Limits(writer.bytes) } catch { throw CommandFailure(.usage, error.reason) }
}
