/// First in, first out, without moving the elements at every removal.
struct Queue<Element: Equatable & Sendable>: Sendable, Sequence {
  private var elements: [Element] = []
  private var head = 0
  /// How many elements have left at the front: the number of the first.
  private(set) var firstNumber = 0

  init() {}

  init(_ elements: [Element]) { self.elements = elements }

  var count: Int { elements.count - head }
  var first: Element? { head < elements.count ? elements[head] : nil }

  /// An element by its number: the first that ever came is 0.
  subscript(number number: Int) -> Element { elements[head + number - firstNumber] }

  /// The elements from a number on.
  func elements(from number: Int) -> ArraySlice<Element> { elements[(head + number - firstNumber)...] }

  mutating func append(_ element: Element) { elements.append(element) }

  mutating func popFirst() -> Element? {
    guard head < elements.count else { return nil }
    let element = elements[head]
    head += 1
    firstNumber += 1
    if head > 64, head > elements.count / 2 {
      elements.removeFirst(head)
      head = 0
    }
    return element
  }

  /// Takes an element out of the middle, after which those behind it have other numbers; linear, for what happens seldom.
  mutating func remove(_ element: Element) {
    guard let index = elements[head...].firstIndex(of: element) else { return }
    elements.remove(at: index)
  }

  func makeIterator() -> ArraySlice<Element>.Iterator { elements[head...].makeIterator() }
}
