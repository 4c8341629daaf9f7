/// First in, first out, without moving what waits: an array and the index of its front.
///
/// The driver asks it several times for each frame, from another module. There it is made for its element only if the
/// type is public and its functions are inlinable.
public struct Queue<Element> {
    @usableFromInline var items: [Element?] = []
    @usableFromInline var front = 0

    @inlinable package init() {}

    @inlinable package var isEmpty: Bool { front == items.count }
    @inlinable package var count: Int { items.count - front }
    @inlinable package var first: Element? { isEmpty ? nil : items[front] }

    @inlinable package mutating func append(_ element: Element) { items.append(element) }

    @inlinable package mutating func popFirst() -> Element? {
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
    @inlinable package subscript(index: Int) -> Element? {
        get { index >= 0 && index < count ? items[front + index] : nil }
        set {
            guard index >= 0, index < count else { return }
            items[front + index] = newValue
        }
    }

    @inlinable package mutating func removeAll() {
        items.removeAll()
        front = 0
    }
}

extension Queue: Sendable where Element: Sendable {}
