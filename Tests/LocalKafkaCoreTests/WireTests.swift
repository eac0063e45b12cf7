import Domain
import Testing

@testable import LocalKafkaCore

@Suite struct WireTests {
  @Test(arguments: seeds) func primitivesComeBack(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for isFlexible in [false, true] {
      let numbers = (0..<50).map { _ in Int64(bitPattern: random.next()) >> Int64(random.int(0...63)) }
      let text = String(repeating: "ж", count: random.int(0...300))
      let bytes = random.bytes(random.int(0...300))
      var writer = WireWriter()
      writer.isFlexible = isFlexible
      for number in numbers {
        writer.varint(number)
        writer.int64(number)
        writer.int32(Int32(truncatingIfNeeded: number))
        writer.int16(Int16(truncatingIfNeeded: number))
        writer.int8(Int8(truncatingIfNeeded: number))
      }
      writer.string(text)
      writer.string(nil)
      writer.byteArray(bytes)
      writer.array(numbers) { $0.int64($1) }
      writer.nullArray()
      writer.tags()

      var reader = WireReader(writer.bytes)
      reader.isFlexible = isFlexible
      for number in numbers {
        #expect(try reader.varint() == number)
        #expect(try reader.int64() == number)
        #expect(try reader.int32() == Int32(truncatingIfNeeded: number))
        #expect(try reader.int16() == Int16(truncatingIfNeeded: number))
        #expect(try reader.int8() == Int8(truncatingIfNeeded: number))
      }
      #expect(try reader.string() == text)
      #expect(try reader.nullableString() == nil)
      #expect(try reader.byteArray() == bytes)
      #expect(try reader.array { try $0.int64() } == numbers)
      #expect(try reader.nullableArray { try $0.int64() } == nil)
      try reader.tags()
      #expect(reader.remaining == 0)
    }
  }

  @Test func checksumIsCastagnolis() {
    #expect(CRC32C.of(Array("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.of([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.of([UInt8]()) == 0)
  }

  @Test(arguments: seeds) func checksumEqualsItsDefinition(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let bytes = random.bytes(random.int(0...200))
    var naive: UInt32 = ~0
    for byte in bytes {
      naive ^= UInt32(byte)
      for _ in 0..<8 { naive = naive & 1 == 1 ? naive >> 1 ^ 0x82F6_3B78 : naive >> 1 }
    }
    #expect(CRC32C.of(bytes) == ~naive)
    let cut = random.int(0...bytes.count)
    let inParts = bytes.withUnsafeBytes {
      CRC32C.extend(CRC32C.extend(0, .init(rebasing: $0[..<cut])), .init(rebasing: $0[cut...]))
    }
    #expect(inParts == ~naive)
  }

  @Test func lengthsFromOutsideAreBounded() {
    for hostile: [UInt8] in [
      [0x7F, 0xFF, 0xFF, 0xFF], [0x00, 0x00, 0x27, 0x11, 1], [0xFF, 0xFF, 0xFF, 0xFE], [0x00, 0x00, 0x00, 0x05, 1, 2],
    ] {
      #expect(throws: WireError.self) {
        var reader = WireReader(hostile)
        _ = try reader.array { try $0.int8() }
      }
    }
    #expect(throws: WireError.self) {
      var reader = WireReader([UInt8](repeating: 0xFF, count: 20))
      _ = try reader.unsignedVarint()
    }
    #expect(throws: WireError.self) {
      var reader = WireReader([0, 2, 0xC3, 0x28])
      _ = try reader.string()
    }
  }

  /// Only the data directory is touched by the core, and only in one file.
  @Test func coreImportsNothingThatTalks() throws {
    let imports = try coreSources().filter { _, text in text.contains("import Glibc") || text.contains("import Foundation") }
    #expect(imports.map(\.name) == ["Log/File.swift"])
  }
}
