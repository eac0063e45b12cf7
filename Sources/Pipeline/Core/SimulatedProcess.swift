import Domain
import Wire

/// A process of a service: one partition, one thread, its clients of the broker. It may die or stall before every single effect; what
/// it has handed to the broker's client may or may not arrive then.
class SimulatedProcess: CustomStringConvertible {
  unowned let world: World
  let service: World.Service
  let partition: Int32
  let number: Int
  let generation: Int
  private(set) var isAlive = true
  /// True once the group has told it that the partition is gone.
  private(set) var isLost = false
  /// Its wall clock less the true one.
  var clockOffset: Int64 = 0
  private(set) var stalledUntil = Timestamp.zero
  /// What it is in the middle of.
  private var steps: [() -> Void] = []
  /// What the step under way adds: it comes before everything that waits.
  private var added: [() -> Void] = []
  private var isStepping = false
  /// The group has given its partition away already.
  private var isReplaced = false
  /// The partition has been taken.
  var isReady = false
  private var subscriptions: [Place: Int64] = [:]
  private var polls: Set<Place> = []
  private var inFlight: [Place: [Sending]] = [:]
  private var lastAcknowledgement = Timestamp.zero
  private(set) var outstanding = 0

  private final class Sending {
    let arrival: Timestamp
    var isDropped = false
    init(arrival: Timestamp) { self.arrival = arrival }
  }

  init(_ world: World, _ service: World.Service, _ partition: Int32, number: Int, generation: Int) {
    self.world = world
    self.service = service
    self.partition = partition
    self.number = number
    self.generation = generation
  }

  var description: String { "\(service.rawValue)[\(partition)]#\(number)" }
  var wallClock: Timestamp { world.now + clockOffset }
  /// It may act: it lives and believes that the partition is its own.
  var isActing: Bool { isAlive && !isLost }

  // MARK: What each service does

  func start() {}
  func receive(_ record: LoggedRecord, at place: Place) {}
  /// Everything in good order before the partition goes to another.
  func release(_ done: @escaping () -> Void) { done() }
  func redisLost() {}

  // MARK: Steps

  /// Takes a step: at once, or as a part of the one under way.
  func perform(_ step: @escaping () -> Void) {
    if isStepping { return added.append(step) }
    steps.append(step)
    proceed()
  }

  /// The steps are kept last first.
  private func proceed() {
    guard !isStepping else { return }
    isStepping = true
    defer {
      isStepping = false
      if !isActing { steps.removeAll() }
    }
    while isActing, !steps.isEmpty {
      if world.now < stalledUntil {
        world.schedule(at: stalledUntil) { self.proceed() }
        return
      }
      if world.chance(world.faults.crash) { return crash() }
      if world.chance(world.faults.stall) {
        stall()
      } else if let step = steps.popLast() {
        step()
        if !added.isEmpty {
          steps.append(contentsOf: added.reversed())
          added.removeAll(keepingCapacity: true)
        }
      }
    }
  }

  /// Something comes to the process; when it stalls, afterwards.
  func deliver(after delay: Int64, _ action: @escaping () -> Void) {
    world.schedule(after: delay) { self.take(action) }
  }

  private func take(_ action: @escaping () -> Void) {
    guard isActing else { return }
    if world.now < stalledUntil { return world.schedule(at: stalledUntil) { self.take(action) } }
    perform(action)
  }

  // MARK: Ends

  private func crash() {
    world.history.crashes += 1
    restart("dies")
  }

  /// Ends the process; its supervisor starts another one.
  func restart(_ reason: String) {
    world.trace("\(self) \(reason)")
    vanish()
    guard !isReplaced else { return }
    world.succeed(self, after: 50 * Interval.millisecond + world.upTo(3 * Interval.second))
  }

  private func vanish() {
    isAlive = false
    for place in inFlight.keys.sorted(by: { ($0.topic, $0.partition) < ($1.topic, $1.partition) }) {
      let waiting = (inFlight[place] ?? []).filter { $0.arrival > world.now }
      let kept = Int(world.upTo(Int64(waiting.count)))
      for sending in waiting.dropFirst(kept) { sending.isDropped = true }
    }
    ended()
    world.forget(self)
  }

  /// Connections close when a process is gone or gives up.
  func ended() {}

  private func stall() {
    world.history.stalls += 1
    // Those that wake while their successor takes the partition meet most.
    let isClose = Int.random(in: 0..<4, using: &world.generator) == 0
    let length =
      isClose ? World.sessionTimeout + world.upTo(100 * Interval.millisecond) : world.upTo(10 * Interval.second)
    stalledUntil = world.now + length
    world.trace("\(self) stalls for \(length / Interval.millisecond) ms")
    guard length > World.sessionTimeout, !isReplaced else { return }
    isReplaced = true
    world.succeed(self, after: World.sessionTimeout)
    let wake = stalledUntil + world.upTo(100 * Interval.millisecond)
    world.schedule(at: wake) {
      guard self.isAlive else { return }
      self.isLost = true
      self.world.trace("\(self) learns that it has lost the partition")
      self.ended()
      self.world.schedule(after: 10 * Interval.second) { self.world.forget(self) }
    }
  }

  /// The group moves the partition to another member, in good order.
  func handOver() {
    guard isReady, !isReplaced else { return }
    world.history.handOvers += 1
    deliver(after: 0) {
      self.world.trace("\(self) hands over")
      self.release {
        guard self.isActing, !self.isReplaced else { return }
        self.isReplaced = true
        self.isLost = true
        self.ended()
        self.world.forget(self)
        self.world.succeed(self, after: self.world.upTo(200 * Interval.millisecond))
      }
    }
  }

  // MARK: The broker

  /// Hands a record to the broker's client: each partition gets its records in order, and none waits for another's.
  func produce(
    _ place: Place, key: [UInt8]?, value: [UInt8]?, headers: RecordHeaders, _ acknowledged: @escaping (Int64) -> Void
  ) {
    let sentAt = world.now
    let last = inFlight[place]?.last?.arrival ?? .zero
    let isSlow = world.chance(0.05)
    let delay = Interval.millisecond / 5 + world.upTo((isSlow ? 100 : 2) * Interval.millisecond)
    let sending = Sending(arrival: max(last, max(world.now, world.brokerDownUntil) + delay))
    inFlight[place, default: []].append(sending)
    outstanding += 1
    world.schedule(at: sending.arrival) {
      self.inFlight[place]?.removeAll { $0 === sending }
      guard !sending.isDropped else { return }
      var headers = headers
      if self.world.mutation?.forgesEpochs == true { headers.epoch = headers.epoch.map { self.world.broker.epoch(place) ?? $0 } }
      let offset = self.world.append(place, key: key, value: value, headers: headers, sentAt: sentAt)
      let at = max(self.lastAcknowledgement, self.world.now + self.world.upTo(2 * Interval.millisecond))
      self.lastAcknowledgement = at
      self.deliver(after: at - self.world.now) {
        self.outstanding -= 1
        acknowledged(offset)
      }
    }
  }

  /// Commits an offset of the input; `taken` when the broker accepts it for this generation.
  func commit(_ offset: Int64, _ taken: @escaping () -> Void) {
    let place = Place(service.input, partition)
    let begun = max(world.now, world.brokerDownUntil) + Interval.millisecond / 5 + world.upTo(2 * Interval.millisecond)
    world.schedule(at: begun) {
      guard self.world.broker.commit(place, offset, generation: self.generation) else { return }
      self.deliver(after: self.world.upTo(2 * Interval.millisecond), taken)
    }
  }

  func follow(_ place: Place, from offset: Int64) {
    subscriptions[place] = offset
    noteAppend(place)
  }

  func position(_ place: Place) -> Int64? { subscriptions[place] }

  func noteAppend(_ place: Place) {
    guard let position = subscriptions[place], position < world.broker.end(place), polls.insert(place).inserted else { return }
    let delay = max(0, world.brokerDownUntil - world.now) + world.upTo(3 * Interval.millisecond)
    deliver(after: delay) { self.poll(place) }
  }

  private func poll(_ place: Place) {
    polls.remove(place)
    guard let position = subscriptions[place] else { return }
    for record in world.broker.records(place, from: position) {
      subscriptions[place] = record.offset + 1
      perform { self.receive(record, at: place) }
    }
  }
}

extension LoggedRecord {
  var epoch: Int64? { headers.epoch }
}
