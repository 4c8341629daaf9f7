/// What waits for its turn, lowest order first: a binary heap.
struct EarliestFirst<Element> {
    private var heap: [(order: UInt64, element: Element)] = []

    var first: (order: UInt64, element: Element)? { heap.first }
    var isEmpty: Bool { heap.isEmpty }

    /// The first one has changed, and still is.
    mutating func replaceFirst(_ element: Element) { heap[0].element = element }

    mutating func insert(_ element: Element, order: UInt64) {
        heap.append((order, element))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].order < heap[parent].order else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeFirst() {
        guard let last = heap.popLast(), !heap.isEmpty else { return }
        heap[0] = last
        var parent = 0
        while let child = earlierChild(of: parent), heap[child].order < heap[parent].order {
            heap.swapAt(parent, child)
            parent = child
        }
    }

    private func earlierChild(of parent: Int) -> Int? {
        let (left, right) = (2 * parent + 1, 2 * parent + 2)
        guard left < heap.count else { return nil }
        return right < heap.count && heap[right].order < heap[left].order ? right : left
    }
}

extension EarliestFirst: Sendable where Element: Sendable {}
