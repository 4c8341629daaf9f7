// In which order the parts of a file may be overwritten by what is made of them. The file is cut into areas; an area is
// written when no other area takes anything from it any more.
//
//     note       area by area: which bytes of the old contents the new ones take
//     begin      all was noted
//     next       the next area to write; where areas take from each other in a circle, one to be saved first
//     wrote      it is done
//     release    and so is what it took
//
// That is a topological order, found by counting readers: memory is a few bytes for each area, however many pieces the
// contents are made of. One saved area opens a circle, and is needed only until the last that takes from it is written.

package struct MoveOrder: Sendable {
    package enum Step: Hashable, Sendable {
        /// Nothing that is still needed is lost.
        case write(Int)
        /// Its bytes must be set aside: `saved` says that they are.
        case save(Int)
    }

    private enum State: UInt8 {
        /// It stays as it is.
        case still
        case waiting
        /// Its old bytes are set aside, and it is to be written next.
        case saved
        case written
        /// Written, while its old bytes are set aside.
        case replaced
    }

    package let areaLength: UInt64
    private var states: [State]
    /// Pieces of other areas that are taken from this one; never less than there are.
    private var readers: [UInt32]
    private var ready: [Int] = []
    /// No area before this one waits.
    private var cursor = 0

    /// `length`: bytes that are rearranged. The last area may be shorter.
    package init(length: UInt64, areaLength: UInt64) {
        self.areaLength = max(1, areaLength)
        let whole = length / self.areaLength
        let count = Int(clamping: length % self.areaLength == 0 ? whole : whole + 1)
        states = Array(repeating: .still, count: count)
        readers = Array(repeating: 0, count: count)
    }

    package var count: Int { states.count }

    // MARK: Noting

    /// Something in this area changes.
    package mutating func note(_ area: Int) { states[area] = .waiting }

    /// Something in this area is taken from the old contents.
    package mutating func note(_ area: Int, takes range: Range<UInt64>) {
        states[area] = .waiting
        each(range) { other, order in
            // What no longer can be counted is never written before it is saved.
            if other != area, order.readers[other] < .max { order.readers[other] += 1 }
        }
    }

    package mutating func begin() {
        for area in stride(from: count - 1, through: 0, by: -1) where states[area] == .waiting && readers[area] == 0 {
            ready.append(area)
        }
    }

    private mutating func each(_ range: Range<UInt64>, _ body: (Int, inout MoveOrder) -> Void) {
        guard !range.isEmpty, count > 0 else { return }
        let first = range.lowerBound / areaLength
        let last = min((range.upperBound - 1) / areaLength, UInt64(count - 1))
        guard first <= last else { return }
        for area in Int(first)...Int(last) { body(area, &self) }
    }

    // MARK: Writing

    /// nil when all is written.
    package mutating func next() -> Step? {
        if let area = ready.popLast() { return .write(area) }
        while cursor < count {
            if states[cursor] == .waiting { return .save(cursor) }
            cursor += 1
        }
        return nil
    }

    package mutating func saved(_ area: Int) {
        states[area] = .saved
        ready.append(area)
    }

    /// The old bytes of this area are to be had from where they were set aside (true), or in the file (false); nil:
    /// they are gone.
    package func isAside(_ area: Int) -> Bool? {
        switch states[area] {
        case .still, .waiting, .saved: false
        case .replaced: true
        case .written: nil
        }
    }

    /// An area is written. `unneeded` gets areas whose old bytes are set aside for nobody any more.
    package mutating func wrote(_ area: Int, unneeded: (Int) -> Void) {
        let wasSaved = states[area] == .saved
        states[area] = wasSaved ? .replaced : .written
        if wasSaved, readers[area] == 0 { drop(area, unneeded) }
    }

    /// What a written area had taken, range by range as it was noted.
    package mutating func release(_ range: Range<UInt64>, by area: Int, unneeded: (Int) -> Void) {
        each(range) { other, order in
            let left = order.readers[other]
            guard other != area, left > 0, left < .max else { return }
            order.readers[other] = left - 1
            if left > 1 { return }
            switch order.states[other] {
            case .waiting: order.ready.append(other)
            case .replaced: order.drop(other, unneeded)
            case .still, .saved, .written: break
            }
        }
    }

    private mutating func drop(_ area: Int, _ unneeded: (Int) -> Void) {
        states[area] = .written
        unneeded(area)
    }
}
