// What a machine should never be told. Messages come twice, not at all, later than those behind them, once more long
// after, or with one byte changed; results of effects are other ones, or answers to other questions.

import LifterProtocol

final class Mischief {
    /// One in so many is touched.
    private let oneIn: Int
    /// Results may be such as no file layer gives.
    private let isStrange: Bool
    private var random: SeededRandom
    private var past: [Delivery] = []
    private var held: [Delivery] = []

    typealias Delivery = (message: Message, weight: Int)

    init(seed: UInt64, oneIn: Int, isStrange: Bool = false) {
        random = SeededRandom(seed: seed)
        self.oneIn = oneIn
        self.isStrange = isStrange
    }

    private var strikes: Bool { random.below(oneIn) == 0 }

    // MARK: Messages

    /// What comes instead of a message.
    func distort(_ message: Message, _ weight: Int) -> [Delivery] {
        var deliveries: [Delivery] = [(message, weight)]
        if strikes {
            switch random.below(6) {
            case 0: deliveries.append((message, weight))
            case 1: deliveries = []
            case 2:
                held.append((message, weight))
                return []
            case 3: if !past.isEmpty { deliveries.append(random.pick(past)) }
            default: deliveries = [(changed(message), weight)]
            }
        }
        if past.count < 300 { past.append((message, weight)) }
        if !held.isEmpty && random.chance(25) {
            deliveries += held
            held = []
        }
        return deliveries
    }

    /// One byte is another one, mostly near the front, where the numbers are; as it was where nothing else decodes.
    private func changed(_ message: Message) -> Message {
        guard let bytes = try? message.encoded(), !bytes.isEmpty else { return message }
        for _ in 0..<20 {
            var other = bytes
            let place = random.below(min(random.pick([3, 12, 40, bytes.count]), bytes.count))
            other[place] = random.pick([0, 1, 0x7f, 0xff, bytes[place] &+ 1, bytes[place] &- 1, bytes[place] ^ 0x10])
            if other != bytes, let result = try? Message(kind: message.kind, payload: other) { return result }
        }
        return message
    }

    // MARK: Results

    /// What is reported instead of a result.
    func exchange(_ result: FileResult) -> FileResult {
        guard strikes else { return result }
        if isStrange && random.chance(30) {
            return random.pick([.forgotten, .closedBasis, .digested([]), .swept(count: 9)])
        }
        return otherEnd(result) ?? otherAnswer(result)
    }

    private func problem() -> FileProblem {
        let code = random.pick([
            FileProblem.Code.system, .system, .vanished, .changed, .mismatch, .inTheWay, .refused, .unsupported,
        ])
        return FileProblem(code, errno: code == .system ? random.pick([5, 13, 28]) : 0, doing: "misleading")
    }

    private func place(_ result: PlaceResult) -> PlaceResult {
        random.pick([.done, .kept, .failed(problem()), .failed(problem())])
    }

    /// One for each, or (strange) for all but the last.
    private func each<Answer>(_ answers: [Answer], _ other: (Answer) -> Answer) -> [Answer] {
        var result = answers
        for index in result.indices where random.chance(50) { result[index] = other(result[index]) }
        if isStrange && random.chance(30) { result = Array(result.dropLast()) }
        return result
    }

    /// Of effects that end well or in a failure; nil for others.
    private func otherEnd(_ result: FileResult) -> FileResult? {
        switch result {
        case .scanned: .scanned(.failure(problem()))
        case .openedSource: .openedSource(.failure(problem()))
        case .readChunk: .readChunk(.failure(problem()))
        case .matchedChunk: .matchedChunk(.failure(problem()))
        case .openedBasis: .openedBasis(.failure(problem()))
        case .signedRanges: .signedRanges(.failure(problem()))
        case .madeDirectory(let placed): .madeDirectory(place(placed))
        case .publishedDirectory(let placed, let finished):
            .publishedDirectory(place(placed), finished: finished.map(place))
        case .finishedDirectory(let placed): .finishedDirectory(place(placed))
        case .madeObject(let placed): .madeObject(place(placed))
        case .setAttributes(let placed): .setAttributes(place(placed))
        case .openedStage(let placed): .openedStage(place(placed))
        case .wroteChunk(let placed): .wroteChunk(place(placed))
        case .committed(let placed): random.chance(20) ? .committing : .committed(place(placed))
        case .committing: .committed(.failed(problem()))
        case .wroteSmall(let all): .wroteSmall(each(all, place))
        case .forgotten, .closedSource, .closedBasis, .abandoned, .digested, .readSmall, .checkedPrefix, .matchedSmall,
            .resolvedOwners, .claimedLinks, .linked, .recordedLinks, .digestedPartial, .signedSmall, .indexedTree,
            .searched, .swept, .plannedDeletion, .deleted:
            nil
        }
    }

    private func otherAnswer(_ result: FileResult) -> FileResult {
        switch result {
        case .digested(let all):
            return .digested(
                each(all) { _ in
                    random.chance(50) ? .failure(problem()) : .success(.strange)
                })
        case .readSmall(let buffer, let all):
            return .readSmall(buffer: buffer, each(all) { _ in .failed(problem()) })
        case .matchedSmall(let buffer, let all):
            return .matchedSmall(buffer: buffer, each(all) { _ in .failed(problem()) })
        case .checkedPrefix:
            return .checkedPrefix(
                random.pick([.failure(problem()), .success(.more), .success(.same), .success(.different)]))
        case .resolvedOwners(let all):
            return .resolvedOwners(each(all) { _ in random.pick([nil, 0, 4711]) })
        case .claimedLinks(let all): return .claimedLinks(each(all) { !$0 })
        case .linked(let all): return .linked(each(all, link))
        case .recordedLinks(let all):
            return .recordedLinks(
                each(all) { _ in random.pick([.done, .gone, .failed(problem())]) })
        case .digestedPartial: return .digestedPartial(partial())
        case .signedSmall(let all):
            return .signedSmall(each(all) { _ in .failure(problem()) })
        case .indexedTree(let more): return .indexedTree(more: !more)
        case .searched(let all): return .searched(each(all, search))
        case .swept: return .swept(count: random.below(3))
        case .plannedDeletion: return .plannedDeletion(count: UInt64(random.below(3)), problem())
        case .deleted(let paths, let failures, let more):
            return .deleted(paths: paths, failures: failures + [(path: Array("misled".utf8), problem())], more: more)
        case .forgotten, .closedSource, .closedBasis, .abandoned, .scanned, .openedSource, .readChunk, .matchedChunk,
            .openedBasis, .signedRanges, .madeDirectory, .publishedDirectory, .finishedDirectory, .madeObject,
            .setAttributes, .openedStage, .wroteChunk, .committed, .committing, .wroteSmall:
            return result
        }
    }

    private func link(_ answer: LinkAnswer) -> LinkAnswer {
        switch random.below(5) {
        case 0: .kept
        case 1: .failed(problem())
        case 2: .first(mayKeepOwn: random.chance(50))
        case 3: .unchanged
        default: .linked(to: Array("misled".utf8))
        }
    }

    private func search(_ answer: SearchResult) -> SearchResult {
        switch random.below(4) {
        case 0: .more
        case 1: .absent
        default: .found(FoundFile(directory: random.next() >> 40, name: random.next() >> 40), .strange)
        }
    }

    private func partial() -> PartialDigest {
        switch random.below(4) {
        case 0: .more
        case 1: .whole(Resume(length: UInt64(random.below(3000)), digest: .strange))
        case 2: .longer
        default: .unusable
        }
    }
}

extension ContentDigest {
    fileprivate static let strange = ContentDigest(low: 1, high: 2)
}
