import Glibc

/// A system call on the data directory that failed.
struct FileError: Error, CustomStringConvertible {
  var operation: String
  var path: String
  var code: Int32

  init(_ operation: String, _ path: String, code: Int32 = errno) {
    self.operation = operation
    self.path = path
    self.code = code
  }

  var description: String { "\(operation) \(path): \(String(cString: strerror(code)))" }
}

/// An open file, read and written at explicit positions.
final class File: Sendable {
  let path: String
  let descriptor: Int32

  init(path: String, create: Bool = false) throws {
    self.path = path
    descriptor = open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0o644)
    guard descriptor >= 0 else { throw FileError("open", path) }
  }

  deinit { close(descriptor) }

  func size() throws -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError("stat", path) }
    return Int(status.st_size)
  }

  /// Takes the file for this process alone, until it ends.
  func lock() throws {
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw FileError("lock (is another broker using it?)", path) }
  }

  /// When the file was last written to, wall clock.
  func modifiedMs() throws -> Int64 {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError("stat", path) }
    return Int64(status.st_mtim.tv_sec) * 1000 + Int64(status.st_mtim.tv_nsec) / 1_000_000
  }

  /// Up to `count` bytes from `position` on; fewer only at the end of the file.
  func read(at position: Int, count: Int) throws -> [UInt8] {
    var failure: FileError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        let got = pread(descriptor, buffer.baseAddress! + filled, count - filled, off_t(position + filled))
        if got == 0 { return }
        if got > 0 {
          filled += got
        } else if errno != EINTR {
          failure = FileError("read", path)
          return
        }
      }
    }
    if let failure { throw failure }
    return bytes
  }

  func write(_ bytes: UnsafeRawBufferPointer, at position: Int) throws {
    var done = 0
    while done < bytes.count {
      let wrote = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(position + done))
      if wrote >= 0 {
        done += wrote
      } else if errno != EINTR {
        throw FileError("write", path)
      }
    }
  }

  func truncate(to size: Int) throws {
    guard ftruncate(descriptor, off_t(size)) == 0 else { throw FileError("truncate", path) }
  }

  func synchronize() throws {
    guard fdatasync(descriptor) == 0 else { throw FileError("fdatasync", path) }
  }

  /// The whole file, nil when there is none.
  static func contents(of path: String) throws -> [UInt8]? {
    guard access(path, F_OK) == 0 else { return nil }
    let file = try File(path: path)
    return try file.read(at: 0, count: try file.size())
  }

  /// Replaces the file as a whole: after a crash there is the old content or the new one.
  static func replace(_ path: String, with bytes: [UInt8]) throws {
    let temporary = path + ".new"
    unlink(temporary)
    let file = try File(path: temporary, create: true)
    try bytes.withUnsafeBytes { try file.write($0, at: 0) }
    try file.synchronize()
    try rename(temporary, to: path)
  }

  /// Moves a file or directory over another name.
  static func rename(_ old: String, to new: String) throws {
    guard Glibc.rename(old, new) == 0 else { throw FileError("rename", old) }
  }

  /// Removes the file if it is there.
  static func remove(_ path: String) throws {
    guard unlink(path) == 0 || errno == ENOENT else { throw FileError("remove", path) }
  }
}

/// Directories of the data directory.
enum Directory {
  static func create(_ path: String) throws {
    guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw FileError("create directory", path) }
  }

  /// Names inside, sorted, without "." and "..".
  static func names(in path: String) throws -> [String] {
    guard let handle = opendir(path) else { throw FileError("open directory", path) }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Removes the directory and everything in it; symbolic links are removed, not followed.
  static func removeTree(_ path: String) throws {
    for name in try names(in: path) {
      let child = path + "/" + name
      if unlink(child) != 0 {
        guard errno == EISDIR || errno == EPERM else { throw FileError("remove", child) }
        try removeTree(child)
      }
    }
    guard rmdir(path) == 0 else { throw FileError("remove directory", path) }
  }

  /// Makes renames and new files in it survive a power cut.
  static func synchronize(_ path: String) throws {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError("open directory", path) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw FileError("fsync", path) }
  }
}

/// A small file with a checksum in front: either whole or as good as absent.
enum SealedFile {
  static func write(_ content: [UInt8], to path: String) throws {
    var writer = WireWriter()
    writer.uint32(CRC32C.of(content))
    writer.raw(content)
    try File.replace(path, with: writer.bytes)
  }

  static func read(_ path: String) throws -> [UInt8]? {
    guard let bytes = try File.contents(of: path), bytes.count >= 4 else { return nil }
    let content = Array(bytes[4...])
    var reader = WireReader(bytes)
    return UInt32(bitPattern: try reader.int32()) == CRC32C.of(content) ? content : nil
  }
}
