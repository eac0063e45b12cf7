import Domain
import Kafka
import Runtime
import Wire

/// What this program writes to the log: observations, alerts, dead letters. Safe to use from any thread; one thread of its own serves
/// the delivery reports.
final class Outbox: Sendable {
  static let service = "reconciler"

  private let producer: KafkaProducer
  private let logger: Logger
  private let undelivered: Counter

  init(_ settings: KafkaSettings, logger: Logger, metrics: Metrics) throws {
    producer = try KafkaProducer(settings)
    self.logger = logger
    undelivered = metrics.counter("apus_reconciler_undelivered_total", help: "Records that the broker did not acknowledge")
  }

  /// What Reconciler saw at a venue; it is seen again in the next round should this record be lost.
  func send(_ observation: Observation) {
    let headers = RecordHeaders().adding("reconciler.out", wallClock())
    send(Topic.executions, key: observation.account.text, ExecutionRecord.observation(observation).encoded(), headers)
  }

  /// Tells a person.
  func raise(
    _ severity: Alert.Severity, _ code: String, _ message: String, account: Account? = nil, clientOrderID: ClientOrderID? = nil
  ) {
    logger.log(severity == .info ? .info : .warning, message, ["code": .string(code), "account": .string(account?.text ?? "")])
    let alert = Alert(
      service: Self.service, severity: severity, code: code, message: message, account: account, clientOrderID: clientOrderID,
      time: wallClock())
    send(Topic.alerts, key: Self.service, alert.encoded(), RecordHeaders())
  }

  func send(_ letter: DeadLetter) {
    send(Topic.deadLetters, key: letter.source.topic, letter.encoded(), RecordHeaders())
  }

  /// Waits until everything sent so far is acknowledged; false when it is not in time.
  func flush(timeoutMilliseconds: Int) throws -> Bool {
    try producer.flush(timeoutMilliseconds: timeoutMilliseconds, onReport: note)
  }

  /// Serves delivery reports until told to stop.
  func run(until stop: Latch) throws {
    while !stop.isSet { try producer.poll(timeoutMilliseconds: 100).forEach(note) }
    if try !flush(timeoutMilliseconds: 2_000) { logger.warning("stopped with records that the broker did not acknowledge") }
  }

  private func send(_ topic: String, key: String, _ value: [UInt8], _ headers: RecordHeaders) {
    do {
      let result = try producer.send(
        topic: topic, key: Array(key.utf8), value: value, headers: headers.encoded().map { KafkaHeader($0.name, $0.value) })
      guard result == .queueFull else { return }
      undelivered.add()
      logger.error("the local queue is full; a record is dropped", ["topic": .string(topic)])
    } catch {
      undelivered.add()
      logger.error("a record cannot be sent", ["topic": .string(topic), "error": .init(describing: error)])
    }
  }

  private func note(_ report: DeliveryReport) {
    guard let error = report.error else { return }
    undelivered.add()
    logger.error(
      "a record was not acknowledged", ["topic": .string(report.topicPartition.topic), "error": .init(describing: error)])
  }
}
