/// Values found by key in constant time and walked in the order in which they came: the order of a dictionary differs from run to
/// run, so a core never walks one.
struct KeyedArray<Key: StableKey, Value: Sendable>: Sendable {
  private(set) var keys: [Key] = []
  private var values: [Value] = []
  private var positions = HashIndex()

  var indices: Range<Int> { keys.indices }
  var count: Int { keys.count }

  func position(of key: Key) -> Int? {
    // A few keys are compared sooner than one is hashed.
    guard keys.count <= 3 else { return positions.find(key.stableHash) { keys[$0] == key } }
    for position in keys.indices where keys[position] == key { return position }
    return nil
  }

  /// The position of `key`, which gets the value that `make` gives when it is new.
  mutating func position(of key: Key, adding make: @autoclosure () -> Value) -> Int {
    if let position = position(of: key) { return position }
    positions.insert(key.stableHash, keys.count)
    keys.append(key)
    values.append(make())
    return keys.count - 1
  }

  subscript(position: Int) -> Value {
    _read { yield values[position] }
    _modify { yield &values[position] }
  }
}
