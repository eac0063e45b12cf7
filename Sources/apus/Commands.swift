/// The commands, by name.
func runCommand(_ arguments: [String]) -> ExitCode {
  guard let name = arguments.first, !["help", "--help", "-h"].contains(name) else {
    print(usage)
    return arguments.isEmpty ? .usage : .done
  }
  if name == "replay" { return ExitCode(rawValue: runReplay(arguments: Array(arguments.dropFirst()))) ?? .usage }
  do {
    return try run(name, CommandArguments(Array(arguments.dropFirst())), raw: Array(arguments.dropFirst()))
  } catch let failure as CommandFailure {
    printError("apus: \(failure.message)")
    return failure.code
  } catch {
    printError("apus: \(error)")
    return .unreachable
  }
}

private func run(_ name: String, _ arguments: CommandArguments, raw: [String]) throws -> ExitCode {
  switch name {
  case "order": try orderCommand(arguments)
  case "cancel": try cancelCommand(arguments)
  case "orders": try ordersCommand(arguments)
  case "positions": try positionsCommand(arguments)
  case "risk": try riskCommand(arguments)
  case "book": try arguments.has("consolidated") ? consolidatedBookCommand(arguments) : bookCommand(arguments)
  case "impact": try impactCommand(arguments)
  case "funding": try fundingCommand(arguments)
  case "trades": try tradesCommand(arguments)
  case "halt": try controlCommand(arguments, state: .halted)
  case "reduce-only": try controlCommand(arguments, state: .reduceOnly)
  case "resume": try controlCommand(arguments, state: .active)
  case "limits": try limitsCommand(arguments)
  case "replay": ExitCode(rawValue: runReplay(arguments: raw)) ?? .usage
  default: throw CommandFailure(.usage, "unknown command \(name)\n\n\(usage)")
  }
}

private let usage = """
  usage: apus COMMAND …

    order buy|sell QUANTITY [SYMBOL] [--price P] [--quote AMOUNT] [--venue V] [--time-in-force gtc|ioc|fok]
          [--post-only] [--reduce-only] [--id ID] [--timeout SECONDS]      send an order and wait for its outcome
    cancel ID [SYMBOL] [--timeout SECONDS]                                 cancel an order and wait for its end
    orders | positions | risk [--account A] [--json]                       live state, from Redis
    book [SYMBOL] [--venue V] [--depth N] [--json]                         live book, from Redis
    book [SYMBOL] --consolidated [--depth N] [--dust QUANTITY] [--json]    all venues' live books as one, from the log
    impact NOTIONAL [SYMBOL] [--side buy|sell] [--dust QUANTITY] [--json]  what an order of so much would pay, per venue and over all
    funding [--venue V] [--symbol S] [--history N] [--json]                what perpetuals pay, with annual rates, from the log
    trades --csv [--account A]                                             every fill, from PostgreSQL
    halt | reduce-only | resume [--account A] [--reason TEXT]              change what an account may do
    limits show | limits set NAME=VALUE… [--account A]                     read or change an account's risk limits
    replay --venue V --symbol S [--market M --depth N] FILE…               rebuild a book from recorded frames

  Where: KAFKA_BOOTSTRAP, REDIS_URL, DATABASE_URL; `deploy/local.sh env` prints them.
  Exit codes: 0 done, 2 usage, 3 refused by risk, 4 refused or ended by the venue, 5 outcome unknown, 6 unreachable.
  """
