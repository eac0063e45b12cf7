// swift-tools-version: 6.3
import PackageDescription

/// Every warning is an error; an undeclared import is an error too, so the arrows of the dependency graph below are the truth.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
]

/// Release-only flags that were measured: exclusivity checks dominate small class methods, and generics across modules are
/// slow without cross-module optimisation. `-O` stays: unchecked arithmetic would remove the traps that we rely on.
let tuned: [SwiftSetting] =
  strict + [
    .unsafeFlags(["-enforce-exclusivity=unchecked", "-cross-module-optimization"], .when(configuration: .release))
  ]

/// The floors are as fast as a C++ compiler makes them, with the instructions that simdjson wants.
#if arch(x86_64)
  let floorFlags = ["-O2", "-march=haswell"]
#else
  let floorFlags = ["-O2"]
#endif

/// A C library of the system, imported through a module map.
func system(_ name: String, pkgConfig: String, apt: String) -> Target {
  .systemLibrary(name: name, path: "Sources/Shared/C/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

/// A library of the shared layer: `Sources/Shared/<name>`.
func shared(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, path: "Sources/Shared/\(name)", swiftSettings: tuned)
}

/// A service: a pure core (`Sources/<name>/Core`, module `<name>Core`) and the thin shell around it (`Sources/<name>/App`).
func service(_ name: String, core: [Target.Dependency], app: [Target.Dependency]) -> [Target] {
  [
    .target(name: "\(name)Core", dependencies: core, path: "Sources/\(name)/Core", swiftSettings: tuned),
    .executableTarget(
      name: name, dependencies: [.target(name: "\(name)Core")] + core + app, path: "Sources/\(name)/App", swiftSettings: tuned),
  ]
}

/// The tests of one module: `Tests/<name>Tests`.
func tests(_ name: String, _ more: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.target(name: name)] + more, path: "Tests/\(name)Tests", swiftSettings: strict)
}

let package = Package(
  name: "apus",
  products: [
    "Ingestor", "RiskGate", "OrderManager", "Reconciler", "Strategy", "Simulator", "LocalKafka", "Pipeline", "Benchmarks", "apus",
  ]
  .map { .executable(name: $0, targets: [$0]) },
  targets: [
    system("CRdKafka", pkgConfig: "rdkafka", apt: "librdkafka-dev"),
    system("CHiredis", pkgConfig: "hiredis", apt: "libhiredis-dev"),
    system("CPostgres", pkgConfig: "libpq", apt: "libpq-dev"),
    system("COpenSSL", pkgConfig: "openssl", apt: "libssl-dev"),
    system("CCurl", pkgConfig: "libcurl", apt: "libcurl4-openssl-dev"),
    system("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
    .target(name: "CShim", path: "Sources/Shared/C/CShim"),

    // Pure: no clock, no I/O, no Foundation.
    shared("Domain"),
    shared("Wire", ["Domain"]),
    shared("Crypto", ["Domain", "COpenSSL"]),
    shared("Venues", ["Domain", "Wire", "Crypto"]),
    shared("Books", ["Domain", "Wire"]),

    // Shells over the C libraries.
    shared("Runtime", ["Domain", "Wire", "CShim"]),
    shared("Kafka", ["Domain", "Runtime", "CRdKafka"]),
    shared("Redis", ["Domain", "Runtime", "CHiredis"]),
    shared("Postgres", ["Runtime", "CPostgres"]),
    shared("Net", ["Domain", "Runtime", "Crypto", "CCurl", "COpenSSL", "CShim"]),
    shared("Traffic", ["Domain", "Venues", "Runtime", "Net"]),
  ]
    + service(
      "Ingestor", core: ["Domain", "Wire", "Venues"], app: ["Runtime", "Kafka", "Redis", "Net", "Traffic"])
    + service(
      "RiskGate", core: ["Domain", "Wire", "Crypto"], app: ["Runtime", "Kafka", "Redis", "Net"])
    + service(
      "OrderManager", core: ["Domain", "Wire", "Venues", "Crypto", "Books"],
      app: ["Runtime", "Kafka", "Redis", "Net", "Traffic"])
    + service(
      "Reconciler", core: ["Domain", "Wire", "Venues"], app: ["Runtime", "Kafka", "Postgres", "Net", "Traffic"])
    + service(
      "Strategy", core: ["Domain", "Wire", "Books"], app: ["Runtime", "Kafka", "Net"])
    + service(
      "Simulator", core: ["Domain", "Wire", "Crypto"], app: ["Runtime", "Net"])
    + service(
      "LocalKafka", core: ["Domain"], app: ["Runtime", "Net"])
    + [
      .executableTarget(
        name: "apus",
        dependencies: ["Domain", "Wire", "Venues", "Books", "Runtime", "Kafka", "Redis", "Postgres", "CZlib"],
        path: "Sources/apus", swiftSettings: tuned),

      // The services' cores together, in virtual time, over a simulated log, venue and stores.
      .target(
        name: "PipelineSimulation",
        dependencies: [
          "Domain", "Wire", "Venues", "Books", "RiskGateCore", "OrderManagerCore", "ReconcilerCore", "SimulatorCore",
        ],
        path: "Sources/Pipeline/Core", swiftSettings: tuned),
      .executableTarget(
        name: "Pipeline", dependencies: ["PipelineSimulation"], path: "Sources/Pipeline/App", swiftSettings: tuned),

      // What the hot paths cost, beside what the least program costs that does the same: in C and C++, on the same libraries.
      .target(
        name: "Floors", path: "Sources/Benchmarks/Floors", cSettings: [.unsafeFlags(floorFlags)],
        cxxSettings: [.unsafeFlags(floorFlags)],
        linkerSettings: ["simdjson", "rdkafka", "crypto"].map { .linkedLibrary($0) }),
      .target(name: "Measuring", path: "Sources/Benchmarks/Measuring", swiftSettings: tuned),
      .executableTarget(
        name: "Benchmarks",
        dependencies: [
          "Measuring", "Floors", "Domain", "Wire", "Crypto", "Venues", "Books", "Runtime", "Kafka", "Net", "Traffic",
          "IngestorCore",
          "RiskGateCore", "OrderManagerCore", "TestSupport", "CZlib",
        ],
        path: "Sources/Benchmarks", exclude: ["Floors", "Measuring"], swiftSettings: tuned),

      // Servers, child processes and places for the tests of every module.
      .target(
        name: "TestSupport", dependencies: ["Domain", "Runtime", "CShim"], path: "Tests/TestSupport", swiftSettings: strict),
      // A program for the tests of the life of programs.
      .executableTarget(name: "ServiceProbe", dependencies: ["Runtime"], path: "Tests/ServiceProbe", swiftSettings: strict),

      tests("Domain"),
      tests("Wire", ["Domain", "Runtime", "TestSupport"]),
      tests("Crypto", ["Domain", "TestSupport"]),
      tests("Venues", ["Domain", "Wire", "CZlib"]),
      tests("Books", ["Domain", "Wire"]),
      tests("Runtime", ["Domain", "TestSupport"]),
      tests("Kafka", ["Domain", "Runtime", "TestSupport"]),
      tests("Redis", ["Runtime", "TestSupport"]),
      tests("Postgres", ["Runtime", "TestSupport"]),
      tests("Net", ["Domain", "Runtime", "Crypto", "TestSupport"]),
      tests("Traffic", ["Domain", "Venues", "Runtime", "Net"]),
      tests("IngestorCore", ["Domain", "Wire", "Venues", "Runtime", "Ingestor"]),
      tests("RiskGateCore", ["Domain", "Wire", "Crypto", "Runtime", "TestSupport"]),
      tests("OrderManagerCore", ["Domain", "Wire", "Venues", "Books"]),
      tests(
        "ReconcilerCore",
        ["Domain", "Wire", "Venues", "Runtime", "Kafka", "Postgres", "Net", "Traffic", "Reconciler", "TestSupport"]),
      tests("StrategyCore", ["Domain", "Wire", "Books"]),
      tests("SimulatorCore", ["Domain", "Wire", "Crypto", "Venues"]),
      tests("PipelineSimulation"),
      tests("LocalKafkaCore", ["Domain", "TestSupport"]),
      tests("Measuring"),
    ],
  cxxLanguageStandard: .cxx17
)
