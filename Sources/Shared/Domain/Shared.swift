/// A value that lies in one place, however many hold it: a copy counts one reference, where a copy of the value would count one for each
/// text and list in it. It is changed like any other value: whoever changes it has a place of his own from then on.
@propertyWrapper
@dynamicMemberLookup
public struct Shared<Value: Sendable>: Sendable {
  @usableFromInline
  final class Place: Sendable {
    @usableFromInline let value: Value

    @inlinable init(_ value: consuming Value) { self.value = value }
  }

  @usableFromInline var place: Place

  /// Puts the value in a place.
  @inlinable public init(wrappedValue: consuming Value) { place = Place(wrappedValue) }

  /// Puts the value in a place.
  @inlinable public init(_ value: consuming Value) { place = Place(value) }

  /// The value.
  @inlinable public var wrappedValue: Value {
    _read { yield place.value }
    set { place = Place(newValue) }
  }

  /// The place itself, to be handed on without a copy.
  @inlinable public var projectedValue: Shared { self }

  /// A member of the value.
  @inlinable public subscript<Member>(dynamicMember member: KeyPath<Value, Member>) -> Member { place.value[keyPath: member] }
}

extension Shared: Equatable where Value: Equatable {
  /// Equal when the values are.
  @inlinable public static func == (left: Shared, right: Shared) -> Bool {
    left.place === right.place || left.place.value == right.place.value
  }
}

extension Shared: Hashable where Value: Hashable {
  /// As the value's.
  @inlinable public func hash(into hasher: inout Hasher) { place.value.hash(into: &hasher) }
}
