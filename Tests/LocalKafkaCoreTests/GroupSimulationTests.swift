import Domain
import Testing

@testable import LocalKafkaCore

/// A client that keeps to the group protocol as librdkafka does, and now and then does not.
private struct Client {
  enum State: Equatable {
    case idle
    case joining
    case syncing
    case member
  }

  let connection: UInt64
  let instance: String?
  var state = State.idle
  var memberID = ""
  var generation: Int32 = -1
  var isFenced = false
  var isAlive = true
  /// Partitions it believes are its own.
  var assignment: [UInt8] = []
}

/// Random clients, deaths, take-overs and pauses on a clock of the test's own.
@Suite struct GroupSimulationTests {
  private struct World {
    var random: SeededGenerator
    let bench = GroupBench { $0.initialRebalanceDelayMs = 50 }
    var clients: [Client] = []
    var nextConnection: UInt64 = 1
    var trace: [String] = []

    mutating func start(instance: String?) {
      clients.append(Client(connection: nextConnection, instance: instance))
      nextConnection += 1
    }

    /// One action of one client.
    mutating func act(_ index: Int) {
      let client = clients[index]
      guard client.isAlive, !client.isFenced else { return }
      switch client.state {
      case .idle:
        bench.join(client.connection, member: client.memberID, instance: client.instance, mustKnow: client.instance == nil)
        clients[index].state = .joining
      case .joining, .syncing: break
      case .member:
        react(index, bench.heartbeat(member: client.memberID, instance: client.instance, generation: client.generation))
      }
      deliver()
    }

    mutating func deliver() {
      for index in clients.indices {
        let connection = clients[index].connection
        if let answer = bench.answer(connection), clients[index].isAlive { joined(index, answer) }
        if let answer = bench.synced.removeValue(forKey: connection), clients[index].isAlive {
          if answer.error == .none {
            clients[index].state = .member
            clients[index].assignment = answer.assignment
          } else {
            react(index, answer.error)
          }
        }
      }
    }

    private mutating func joined(_ index: Int, _ answer: JoinGroupResponse) {
      trace.append("\(clients[index].connection) \(answer.error) \(answer.generation) \(answer.memberID)")
      guard answer.error == .none else {
        if answer.error == .memberIDRequired { clients[index].memberID = answer.memberID }
        return react(index, answer.error)
      }
      clients[index].memberID = answer.memberID
      clients[index].generation = answer.generation
      clients[index].state = .syncing
      // The leader deals twelve partitions out.
      let assignments = answer.members.enumerated().map { offset, member in
        (member.memberID, (UInt8(0)..<12).filter { Int($0) % answer.members.count == offset })
      }
      bench.sync(
        clients[index].connection, member: answer.memberID, instance: clients[index].instance, generation: answer.generation,
        assignments)
      deliver()
    }

    private mutating func react(_ index: Int, _ error: ErrorCode) {
      guard error != .none else { return }
      clients[index].state = .idle
      clients[index].assignment = []
      switch error {
      case .fencedInstanceID: clients[index].isFenced = true
      case .unknownMemberID: clients[index].memberID = ""
      default: break
      }
    }

    mutating func step() {
      bench.pass(Int64(random.int(1...700)))
      deliver()
      for index in clients.indices where random.chance(70) { act(index) }
      if random.chance(6), clients.count < 60 {
        start(instance: random.chance(50) ? "static-\(random.int(0...3))" : nil)
      }
      if random.chance(3), let index = clients.indices.randomElement(using: &random) {
        if random.chance(50), clients[index].instance == nil, clients[index].state == .member {
          _ = bench.leave(member: clients[index].memberID)
          deliver()
        }
        clients[index].isAlive = false
      }
    }

    /// Members that the group would let commit now hold partitions that nobody else of them holds.
    mutating func checkExclusiveness() {
      var owners: [UInt8: UInt64] = [:]
      for client in clients where client.isAlive && client.state == .member {
        guard bench.commit(member: client.memberID, instance: client.instance, generation: client.generation) == .none else {
          continue
        }
        for partition in client.assignment {
          #expect(owners[partition] == nil, "partition \(partition) has two owners")
          owners[partition] = client.connection
        }
      }
    }
  }

  @Test(arguments: seeds) func partitionsHaveOneOwnerAndPeaceReturns(seed: UInt64) {
    var world = World(random: SeededGenerator(seed: seed))
    world.start(instance: nil)
    for _ in 0..<300 {
      world.step()
      world.checkExclusiveness()
    }
    // Left alone, those that live settle: dead members' sessions end, every partition finds an owner.
    for _ in 0..<120 {
      world.bench.pass(500)
      world.deliver()
      for index in world.clients.indices { world.act(index) }
    }
    let living = world.clients.filter { $0.isAlive && !$0.isFenced }
    #expect(living.allSatisfy { $0.state == .member }, "\(living.map(\.state))")
    if !living.isEmpty { #expect(living.flatMap(\.assignment).sorted() == Array(0..<12)) }
    #expect(Set(living.map(\.generation)).count <= 1)
    #expect(world.bench.generations == world.bench.generations.sorted())
    #expect(Set(world.bench.generations).count == world.bench.generations.count)
  }

  @Test func sameSeedSameHistory() {
    func trace() -> [String] {
      var world = World(random: SeededGenerator(seed: 7))
      world.start(instance: nil)
      for _ in 0..<300 { world.step() }
      return world.trace
    }
    #expect(trace() == trace())
  }
}
