import Glibc
import Runtime
import TestSupport
import Testing

@testable import Wire

@Suite struct SchemaSampleTests {
  /// `deploy/checks/schemas.py` checks these files against the JSON Schemas: what is documented is what the codecs really write.
  @Test func everySampleIsWrittenForTheSchemaCheck() throws {
    let directory = Places.packageRoot + "/.build/record-samples"
    mkdir(directory, 0o755)
    for (number, sample) in Samples.encoded.enumerated() {
      let path = "\(directory)/\(sample.schema).\(number).json"
      let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
      try #require(descriptor >= 0)
      defer { close(descriptor) }
      try writeAll(sample.bytes, to: descriptor)
    }
    #expect(try listDirectory(directory).count >= Samples.encoded.count)
  }
}
