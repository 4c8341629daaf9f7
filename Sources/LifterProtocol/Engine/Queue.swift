/// First in, first out, without moving what waits: an array and the index of its front.
package struct Queue<Element> {
    private var items: [Element?] = []
    private var front = 0

    package init() {}

    package var isEmpty: Bool { front == items.count }
    package var count: Int { items.count - front }
    package var first: Element? { isEmpty ? nil : items[front] }

    package mutating func append(_ element: Element) { items.append(element) }

    package mutating func popFirst() -> Element? {
        guard !isEmpty else { return nil }
        let element = items[front].take()
        front += 1
        if front == items.count {
            items.removeAll(keepingCapacity: items.capacity <= 4096)
            front = 0
        } else if front >= 1024 && front * 2 >= items.count {
            items.removeFirst(front)
            front = 0
        }
        return element
    }

    /// The element `index` places behind the front; nil beyond the end.
    package subscript(index: Int) -> Element? {
        get { index >= 0 && index < count ? items[front + index] : nil }
        set {
            guard index >= 0, index < count else { return }
            items[front + index] = newValue
        }
    }

    package mutating func removeAll() {
        items.removeAll()
        front = 0
    }
}

extension Queue: Sendable where Element: Sendable {}
