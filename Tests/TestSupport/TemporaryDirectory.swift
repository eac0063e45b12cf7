import Glibc
import Runtime

/// A new directory under `/tmp` that everyone may enter, removed with all it holds when this object goes away.
public final class TemporaryDirectory: Sendable {
  /// The absolute path.
  public let path: String

  /// Makes the directory.
  public init() throws {
    var template = Array("/tmp/apus-test-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw SystemError("mkdtemp") }
    path = String(cString: made)
    // Servers that run as another user have their data below.
    chmod(path, 0o711)
    Leftovers.shared.add(directory: path)
  }

  deinit {
    TemporaryDirectory.removeAll(path)
    Leftovers.shared.remove(directory: path)
  }

  /// Depth first, never following links. What another user owns may stay behind when the tests do not run as root.
  static func removeAll(_ path: String) {
    if unlink(path) == 0 { return }
    for name in (try? listDirectory(path)) ?? [] { removeAll("\(path)/\(name)") }
    rmdir(path)
  }

  /// Makes a directory below, owned by `user` when the tests run as root.
  public func makeDirectory(_ name: String, ownedBy user: String? = nil) throws -> String {
    let full = "\(path)/\(name)"
    guard mkdir(full, 0o700) == 0 else { throw SystemError("mkdir \(full)") }
    if let user, getuid() == 0, let entry = getpwnam(user) {
      guard chown(full, entry.pointee.pw_uid, entry.pointee.pw_gid) == 0 else { throw SystemError("chown \(full)") }
    }
    return full
  }

  /// Writes a file below and gives its path.
  @discardableResult
  public func write(_ name: String, _ text: String) throws -> String {
    let full = "\(path)/\(name)"
    let file = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw SystemError("open \(full)") }
    defer { close(file) }
    try writeAll(Array(text.utf8), to: file)
    return full
  }
}
