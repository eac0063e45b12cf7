import Kafka
import Runtime
import TestSupport

/// The broker that hops are measured on: the one that `KAFKA_BOOTSTRAP` names, else a LocalKafka of this build with its data in a
/// temporary directory.
struct Broker {
  let bootstrap: String
  /// Ours, with its process; nil for another.
  let own: LocalKafkaServer?

  init() throws {
    if let named = processEnvironment()["KAFKA_BOOTSTRAP"], !named.isEmpty {
      (bootstrap, own) = (named, nil)
    } else {
      let server = try LocalKafkaServer(sync: "interval")
      (bootstrap, own) = (server.bootstrap, server)
    }
  }

  /// How this program names itself to it.
  var settings: KafkaSettings { KafkaSettings(bootstrap: bootstrap, clientID: "benchmarks") }

  /// Makes a topic of one partition that no other run uses.
  func makeTopic(_ name: String) throws -> String {
    let topic = "bench.\(name).\(monotonicNanoseconds())"
    try KafkaAdmin(settings).createTopics([KafkaTopicSpecification(topic, partitionCount: 1)])
    return topic
  }
}
