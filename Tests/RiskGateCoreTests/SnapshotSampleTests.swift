import Domain
import Glibc
import RiskGateCore
import Runtime
import TestSupport
import Testing

@Suite struct SnapshotSampleTests {
  /// `deploy/checks/schemas.py` checks these files against the schema of `risk.state`.
  @Test func everySampleIsWrittenForTheSchemaCheck() throws {
    var gate = Harness()
    gate.send(#"{"side":"buy","price":26000,"quantity":1,"client_order_id":"a"}"#)
    gate.send(#"{"side":"buy","quote_quantity":100}"#)
    gate.send(#"{"side":"buy","quantity":100,"client_order_id":"b"}"#)
    gate.event("a", .partiallyFilled, quantity: "1", cumulative: "0.2", fill: Harness.fill("1", price: "26000", quantity: "0.2"))
    gate.hold("0.5", at: "26000", id: "adjustment-1")
    gate.control(.reduceOnly)
    gate.acknowledge()
    gate.apply(.flush)
    let directory = Places.packageRoot + "/.build/record-samples"
    mkdir(directory, 0o755)
    for (number, record) in gate.state.enumerated() {
      let descriptor = open("\(directory)/risk.state.\(number).json", O_WRONLY | O_CREAT | O_TRUNC, 0o644)
      try #require(descriptor >= 0)
      defer { close(descriptor) }
      try writeAll(record.value, to: descriptor)
    }
    #expect(gate.state.contains { $0.key == "main" } && gate.state.contains { $0.key == "@checkpoint" })
  }
}
