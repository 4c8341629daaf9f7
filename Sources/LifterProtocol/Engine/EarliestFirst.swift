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
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].order < heap[least].order { least = child }
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}

extension EarliestFirst: Sendable where Element: Sendable {}
