/// Text that must never be printed: it shows as `***` in descriptions, interpolations, dumps and logs.
public struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  private let text: String

  /// Wraps the text.
  public init(_ text: String) {
    self.text = text
  }

  /// The text itself; ask only where it is used (signing, connecting), never to print it.
  public func reveal() -> String { text }

  /// True when there is nothing to hide.
  public var isEmpty: Bool { text.isEmpty }

  /// Always `***`.
  public var description: String { "***" }

  /// Always `***`.
  public var debugDescription: String { "***" }

  /// No children, so that `dump` shows nothing.
  public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
