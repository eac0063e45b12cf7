/// What a floor could not do.
struct FloorFailure: Error, CustomStringConvertible {
  let description: String
}

/// Throws what a floor has to say, if anything.
func check(_ failure: UnsafePointer<CChar>?) throws(FloorFailure) {
  if let failure { throw FloorFailure(description: String(cString: failure)) }
}
