import Glibc

/// A system call failed: what was tried, on what, and the system's words.
public struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What was tried, such as `open /etc/passwd`.
  public let operation: String
  /// The `errno` of the call.
  public let code: Int32

  /// Takes the current `errno` unless another code is given.
  public init(_ operation: String, code: Int32 = errno) {
    self.operation = operation
    self.code = code
  }

  /// `open /x: No such file or directory`.
  public var description: String { "\(operation): \(String(cString: strerror(code)))" }
}

/// The bytes of a file. A file over `limitBytes` is an error (`EFBIG`), never a surprise in memory.
public func readFile(_ path: String, limitBytes: Int = 64 << 20) throws(SystemError) -> [UInt8] {
  let file = open(path, O_RDONLY | O_CLOEXEC)
  guard file >= 0 else { throw SystemError("open \(path)") }
  defer { close(file) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 64 << 10)
  while true {
    let count = read(file, &chunk, chunk.count)
    if count == 0 { return bytes }
    if count < 0 {
      if errno == EINTR { continue }
      throw SystemError("read \(path)")
    }
    guard bytes.count + count <= limitBytes else { throw SystemError("read \(path)", code: EFBIG) }
    bytes.append(contentsOf: chunk[..<count])
  }
}

/// The names in a directory in lexical (byte) order, without `.` and `..`.
public func listDirectory(_ path: String) throws(SystemError) -> [String] {
  guard let directory = opendir(path) else { throw SystemError("open \(path)") }
  defer { closedir(directory) }
  var names: [String] = []
  while let entry = readdir(directory) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) { field in
      field.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if name != "." && name != ".." { names.append(name) }
  }
  return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

/// Replaces a small file as a whole: a reader sees the old bytes or the new ones, never half of them.
public func replaceFile(_ path: String, with bytes: [UInt8]) throws(SystemError) {
  let temporary = path + ".new"
  let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
  guard descriptor >= 0 else { throw SystemError("open \(temporary)") }
  defer { close(descriptor) }
  try writeAll(bytes, to: descriptor)
  guard rename(temporary, path) == 0 else { throw SystemError("rename \(temporary)") }
}

/// Writes all bytes to a descriptor, going on after signals and short writes.
public func writeAll(_ bytes: [UInt8], to descriptor: Int32) throws(SystemError) {
  var written = 0
  while written < bytes.count {
    let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress?.advanced(by: written), $0.count - written) }
    if count < 0 {
      if errno == EINTR { continue }
      throw SystemError("write")
    }
    written += count
  }
}
