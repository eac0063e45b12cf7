import Synchronization
import Wire

/// What `/healthz` answers: one state for each part of the process. Healthy when every part is.
public final class Health: Sendable {
  /// The state of one part.
  public enum State: Sendable, Equatable {
    /// Does its work.
    case healthy
    /// Does not, and why: `restoring partition 3`, `no route to Redis`.
    case unhealthy(String)
  }

  private let parts = Mutex<[String: State]>([:])

  /// No parts yet; that counts as unhealthy, since nothing has reported.
  public init() {}

  /// Reports the state of a part. Parts are few and named by the program, not by anything from outside.
  public func set(_ part: String, _ state: State) {
    parts.withLock { $0[part] = state }
  }

  /// True when there are parts and all are healthy.
  public var isHealthy: Bool { parts.withLock { !$0.isEmpty && $0.values.allSatisfy { $0 == .healthy } } }

  /// `{"status":"ok","parts":{"kafka":"ok","redis":"no route"}}`, parts in lexical order.
  public func render() -> [UInt8] {
    let parts = parts.withLock { $0 }
    let healthy = !parts.isEmpty && parts.values.allSatisfy { $0 == .healthy }
    return JSONWriter.object { writer in
      writer.name("status")
      writer.value(healthy ? "ok" : "unhealthy")
      writer.name("parts")
      writer.beginObject()
      for (name, state) in parts.sorted(by: { $0.key < $1.key }) {
        writer.name(dynamic: name)
        switch state {
        case .healthy: writer.value("ok")
        case .unhealthy(let reason): writer.value(reason)
        }
      }
      writer.endObject()
    }
  }
}
