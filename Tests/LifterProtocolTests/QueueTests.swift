import LifterProtocol
import Testing

@Suite struct QueueTests {
    @Test func firstInFirstOut() {
        var queue = Queue<Int>()
        #expect(queue.isEmpty && queue.first == nil && queue[0] == nil)
        let nothing = queue.popFirst()
        #expect(nothing == nil)
        for number in 0..<10 { queue.append(number) }
        #expect(queue.count == 10 && queue.first == 0 && queue[9] == 9 && queue[10] == nil && queue[-1] == nil)
        queue[3] = 33
        queue[10] = 99
        queue[-1] = 99
        var popped: [Int] = []
        while let number = queue.popFirst() { popped.append(number) }
        #expect(popped == [0, 1, 2, 33, 4, 5, 6, 7, 8, 9])
        #expect(queue.isEmpty)
        queue.append(1)
        queue.removeAll()
        #expect(queue.isEmpty && queue.count == 0)
    }

    /// Against an array, by a seeded sequence of calls.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func behavesLikeAnArray(_ seed: UInt64) {
        var random = SeededNumbers(seed: seed)
        var queue = Queue<UInt64>()
        var model: [UInt64] = []
        var front = 0
        for step in 0..<30_000 {
            if random.next(below: 100) < (step < 15_000 ? 60 : 40) {
                queue.append(UInt64(step))
                model.append(UInt64(step))
            } else {
                let expected = front < model.count ? model[front] : nil
                if front < model.count { front += 1 }
                guard queue.popFirst() == expected else {
                    Issue.record("step \(step), seed \(seed)")
                    return
                }
            }
            let index = Int(random.next(below: 50))
            let expected = front + index < model.count ? model[front + index] : nil
            guard queue[index] == expected, queue.count == model.count - front else {
                Issue.record("step \(step), seed \(seed)")
                return
            }
        }
    }
}
