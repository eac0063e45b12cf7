/// A list that grows page by page: what is in it stays where it is, so that no append waits until all the others are moved.
struct Pages<Element: Sendable>: Sendable {
  private var pages: [[Element]] = []
  private(set) var count = 0

  private static var bits: Int { 8 }
  private static var size: Int { 1 << bits }

  init() {}

  subscript(index: Int) -> Element {
    _read { yield pages[index >> Self.bits][index & (Self.size - 1)] }
    _modify { yield &pages[index >> Self.bits][index & (Self.size - 1)] }
  }

  @inline(__always)
  mutating func append(_ element: consuming Element) {
    if count & (Self.size - 1) == 0 { addPage() }
    pages[count >> Self.bits].append(element)
    count += 1
  }

  /// The first page takes no more than it needs: there may be thousands of short lists.
  private mutating func addPage() {
    var page: [Element] = []
    if count > 0 { page.reserveCapacity(Self.size) }
    pages.append(page)
  }
}
