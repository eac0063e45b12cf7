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
      try write(sample.bytes, to: "\(directory)/\(sample.schema).\(number).json")
    }
    #expect(try listDirectory(directory).count >= Samples.encoded.count)
    let feeds = [Topic.bookLayout, Topic.tradesLayout, Topic.fundingLayout].map { $0(.binance, Samples.symbol) }
    try write((Topic.layouts() + feeds).flatMap { line($0) }, to: "\(directory)/topics.jsonl")
  }

  /// A topic as the programs create it.
  private func line(_ layout: Topic.Layout) -> [UInt8] {
    JSONWriter.object { writer in
      writer.member("name", layout.name)
      writer.member("partitions", Int(layout.partitions))
      writer.name("settings")
      writer.beginObject()
      for setting in layout.settings {
        writer.name(dynamic: setting.name)
        writer.value(setting.value)
      }
      writer.endObject()
    } + [UInt8(ascii: "\n")]
  }

  private func write(_ bytes: [UInt8], to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    try writeAll(bytes, to: descriptor)
  }
}
