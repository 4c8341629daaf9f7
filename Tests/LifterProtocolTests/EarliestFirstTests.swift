import Testing

@testable import LifterProtocol

@Suite("What waits for its turn")
struct EarliestFirstTests {
    @Test("comes out in order, however it went in", arguments: [1, 2, 3, 17, 200])
    func order(count: Int) {
        var random = SystemRandomNumberGenerator()
        let orders = (0..<UInt64(count)).map { _ in UInt64.random(in: 0..<50, using: &random) }
        var waiting = EarliestFirst<Int>()
        for (index, order) in orders.enumerated() { waiting.insert(index, order: order) }
        var seen: [UInt64] = []
        var elements: Set<Int> = []
        while let first = waiting.first {
            waiting.removeFirst()
            seen.append(first.order)
            #expect(orders[first.element] == first.order)
            elements.insert(first.element)
        }
        #expect(seen == orders.sorted())
        #expect(elements.count == count)
    }
}
