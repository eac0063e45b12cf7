import Domain
import Kafka
import Net
import Runtime
import Wire

/// Everything that this program can be told.
struct ReconcilerSettings: Sendable {
  var kafka: KafkaSettings
  var databaseURL: Secret
  var migrations: String
  var instance: String
  var accountPartitions: Int32
  var health: HealthSettings
  var venue: VenueSettings

  init(_ configuration: inout Configuration, logger: Logger) {
    kafka = KafkaSettings(clientID: "reconciler", configuration: &configuration, logger: logger)
    databaseURL =
      configuration.secret("DATABASE_URL", help: "postgresql://user:password@host:port/database")
      ?? Secret("postgresql://apus@127.0.0.1:5432/apus")
    migrations = configuration.string("APUS_MIGRATIONS", default: "deploy/migrations", help: "directory of the database's schema")
    instance = configuration.string(
      "APUS_INSTANCE", default: "reconciler-0", help: "name of this replica, the same after a restart")
    accountPartitions = Int32(
      configuration.int(
        "APUS_ACCOUNT_PARTITIONS", default: Int(Topic.defaultAccountPartitions), in: 1...1_000,
        help: "partitions of the order topics"))
    health = HealthSettings(configuration: &configuration)
    venue = VenueSettings(&configuration)
  }
  /// The topics that this program reads and writes.
  var topics: [KafkaTopicSpecification] {
    Topic.layouts(accountPartitions: accountPartitions).map { layout in
      KafkaTopicSpecification(
        layout.name, partitionCount: layout.partitions,
        settings: Dictionary(layout.settings.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last }))
    }
  }
}
