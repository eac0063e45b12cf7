import Glibc
import Runtime

/// Where the tests find what they do not make themselves.
public enum Places {
  /// The root of the package.
  public static var packageRoot: String {
    #filePath.split(separator: "/").dropLast(3).reduce(into: "") { $0 += "/\($1)" }
  }

  /// A file of the fixtures: below `APUS_FIXTURES`, else below `../shared/fixtures` beside the package. Throws when it is not there.
  public static func fixture(_ path: String) throws -> String {
    let root = processEnvironment()["APUS_FIXTURES"] ?? "\(packageRoot)/../shared/fixtures"
    let full = "\(root)/\(path)"
    guard access(full, R_OK) == 0 else {
      throw TestSupportError("no fixture \(full): set APUS_FIXTURES to the directory of the fixtures")
    }
    return full
  }

  /// An executable of this package, from the build directory that the tests run in.
  public static func executable(_ name: String) throws -> String {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    guard count > 0 else { throw SystemError("readlink /proc/self/exe") }
    let own = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let full = own.split(separator: "/").dropLast().reduce(into: "") { $0 += "/\($1)" } + "/\(name)"
    guard access(full, X_OK) == 0 else { throw TestSupportError("no executable \(full): build the product \(name)") }
    return full
  }
}
