#if APUS_BOUNDARIES
  import Glibc
  import Synchronization
#endif

/// A named place between two effects, where an experiment may want the process to die: what it did before is done, what comes next is
/// not. Costs nothing in an ordinary build; one made with `-Xswiftc -DAPUS_BOUNDARIES` looks whether its file names this place (see
/// `BoundaryFile`), and when `condition` holds, too, the process stops right here.
@inlinable @inline(__always)
public func boundary(_ name: StaticString, if condition: @autoclosure () -> Bool = true) {
  #if APUS_BOUNDARIES
    if BoundaryFile.isArmed(for: name), condition() { BoundaryFile.passArmed() }
  #endif
}

#if APUS_BOUNDARIES
  /// `$APUS_BOUNDARY_DIR/$APUS_INSTANCE`, kept in memory: the experiment writes to it while the process runs. Byte 0 is `K` (SIGKILL) or
  /// `S` (SIGSTOP), or 0 when nothing is wanted; byte 1 says how often the place is passed unharmed; from byte 2 on its name, ended by
  /// a 0. Byte 0 is written last, and erased by the process before it stops, so that its successor lives.
  @usableFromInline enum BoundaryFile {
    private static let byteCount = 128
    nonisolated(unsafe) private static let bytes: UnsafeMutableRawPointer? = map()

    private static func map() -> UnsafeMutableRawPointer? {
      guard let directory = getenv("APUS_BOUNDARY_DIR"), let instance = getenv("APUS_INSTANCE") else { return nil }
      let path = String(cString: directory) + "/" + String(cString: instance)
      let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
      guard file >= 0, ftruncate(file, off_t(byteCount)) == 0 else { preconditionFailure("\(path) cannot be opened") }
      defer { close(file) }
      let memory = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
      guard let memory, memory != MAP_FAILED else { preconditionFailure("\(path) cannot be mapped") }
      return memory
    }

    private static func byte(_ bytes: UnsafeMutableRawPointer, _ index: Int) -> UnsafeMutablePointer<Atomic<UInt8>> {
      (bytes + index).assumingMemoryBound(to: Atomic<UInt8>.self)
    }

    @usableFromInline static func isArmed(for name: StaticString) -> Bool {
      guard let bytes, byte(bytes, 0).pointee.load(ordering: .acquiring) != 0, name.utf8CodeUnitCount < byteCount - 2 else {
        return false
      }
      // The literal ends with a 0, too.
      return memcmp(bytes + 2, name.utf8Start, name.utf8CodeUnitCount + 1) == 0
    }

    @usableFromInline static func passArmed() {
      guard let bytes else { return }
      let left = byte(bytes, 1).pointee.load(ordering: .relaxed)
      guard left == 0 else { return byte(bytes, 1).pointee.store(left - 1, ordering: .relaxed) }
      // To this thread, which therefore does not get beyond this line.
      switch byte(bytes, 0).pointee.exchange(0, ordering: .acquiringAndReleasing) {
      case UInt8(ascii: "K"): raise(SIGKILL)
      case UInt8(ascii: "S"): raise(SIGSTOP)
      default: return
      }
    }
  }
#endif
