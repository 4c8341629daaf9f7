// Reading at the sender of files that the receiver has in another version: what is read goes through the matcher, and
// comes out as copies and literal bytes.
//
// Where finer signatures may be asked for, what has been found is held back by windows: a window is judged as a whole,
// and matched again where an answer brings smaller blocks. One window waits for an answer while the next one is read.

import LifterCodec
import LifterDelta
import LifterProtocol
import LifterSystem
import Synchronization

/// A file between `openMatch` and `closeSource`.
///
/// Unchecked, because the machine asks one thing of a file at a time.
final class MatchingSource: @unchecked Sendable {
    let file: WatchedSource
    private let key: ContentKey
    private let hasher: ContentHasher
    private let matcher: DeltaMatcher
    private let shape: SignatureShape
    private let policy: RefinePolicy
    /// Bytes read so far.
    private var position: UInt64 = 0
    private var buffer: [UInt8]
    /// What may be told, and how far that has been done.
    private var found = DeltaOutput()
    private var nextOperation = 0
    private var nextLiteral = 0
    /// Literal bytes of the next operation that have been told.
    private var toldOfLiteral = 0
    /// The window that is being read, one that waits for an answer, and one that waits for its turn.
    private var window: MatchWindow
    private var asking: (window: MatchWindow, refinement: Refinement)?
    private var queued: MatchWindow?
    /// Bytes of the basis that finer signatures were asked for.
    private var asked: UInt64 = 0

    /// Bytes of the file that one effect reads at most; where nearly all of it is known that takes some milliseconds.
    private static let longestStep: UInt64 = 16 << 20
    private static let mostCopies = 4096
    /// What the question is taken to cost in time, in seconds.
    private static let roundTrip = 0.02

    init(file: WatchedSource, index: BlockIndex, shape: SignatureShape, key: ContentKey, policy: RefinePolicy) {
        self.file = file
        self.key = key
        self.shape = shape
        self.policy = policy
        hasher = ContentHasher(key: key)
        matcher = DeltaMatcher(index: index)
        window = MatchWindow(shape: shape)
        buffer = [UInt8](repeating: 0, count: Int(min(UInt64(SourceReader.piece), max(1, file.status.size))))
    }

    private var isRead: Bool { position == file.status.size }
    private var isEmpty: Bool { nextOperation == found.operations.count }
    private var untoldLiterals: Int { found.literals.count - nextLiteral }
    private var untoldOperations: Int { found.operations.count - nextOperation }

    // MARK: Reading

    /// Reads on until there is enough for a message, and gives that; with the last the file was checked.
    func next(literals: Int, _ reader: SourceReader) throws(FileProblem) -> MatchedChunk {
        let start = position
        var chunk = MatchedChunk()
        while !isRead, queued == nil, untoldLiterals < literals, untoldOperations < Self.mostCopies,
            position - start < Self.longestStep
        {
            try readOn(reader)
            if policy == .never || window.isFull || isRead { close(into: &chunk) }
        }
        return try finish(&chunk, literals)
    }

    /// The answer to an earlier question has come; without runs there is nothing new.
    func refined(_ runs: [BlockRun]) throws(FileProblem) -> MatchedChunk {
        var chunk = MatchedChunk()
        if let (waiting, refinement) = asking {
            asking = nil
            var window = waiting
            if let index = Self.index(runs, refinement, key.seed) { window.match(again: index, refinement.shape) }
            judge(window, canImprove: !runs.isEmpty, into: &chunk)
        }
        if asking == nil, let next = queued {
            queued = nil
            judge(next, canImprove: true, into: &chunk)
        }
        return try finish(&chunk, SourceReader.piece)
    }

    private func finish(_ chunk: inout MatchedChunk, _ literals: Int) throws(FileProblem) -> MatchedChunk {
        take(literals, into: &chunk)
        let isAllTold = isRead && isEmpty && queued == nil
        if isAllTold && asking == nil {
            if let problem = file.verify() { throw problem }
            chunk.end = SourceEnd(digest: ContentDigest(hasher.digest()))
        }
        chunk.isBlocked = asking != nil && isEmpty && (queued != nil || isRead)
        return chunk
    }

    private func readOn(_ reader: SourceReader) throws(FileProblem) {
        let count = Int(min(UInt64(buffer.count), file.status.size - position))
        guard try reader.read(file.descriptor, into: &buffer, 0..<count, at: position) == count else {
            throw FileProblem(.changed, doing: "reading")
        }
        position += UInt64(count)
        let isLast = isRead
        buffer.withUnsafeBytes { bytes in
            let piece = UnsafeRawBufferPointer(rebasing: bytes[..<count])
            hasher.update(piece)
            matcher.update(piece, isLast: isLast, into: &window.output)
        }
        window.bytes += UInt64(count)
    }

    // MARK: Windows

    /// The window is complete; another begins.
    private func close(into chunk: inout MatchedChunk) {
        var full = window
        full.isLast = isRead
        window = MatchWindow(shape: shape)
        window.follow(full)
        if asking != nil { queued = full } else { judge(full, canImprove: true, into: &chunk) }
    }

    /// Either a finer signature is asked for, or it is to be told as it is.
    private func judge(_ window: MatchWindow, canImprove: Bool, into chunk: inout MatchedChunk) {
        guard canImprove, asking == nil, chunk.ask == nil, let refinement = refinement(for: window) else {
            tell(window.output)
            // Finer blocks may have shown where it is from, and so where the next one may be from.
            if queued != nil { queued?.follow(window) } else { self.window.follow(window) }
            return
        }
        var window = window
        window.round += 1
        asked += refinement.ranges.reduce(0) { $0 + $1.length }
        asking = (window, refinement)
        chunk.ask = RefineAsk(
            blockLength: UInt32(refinement.shape.blockLength), widths: refinement.shape.widths,
            ranges: refinement.ranges.map { BasisRange(offset: $0.offset, length: $0.length) })
    }

    private func refinement(for window: MatchWindow) -> Refinement? {
        let policy: RefinementPolicy
        switch self.policy {
        case .never: return nil
        case .always: policy = .always
        case .measured(let rate):
            policy = .measured(bytesPerSecond: Double(rate), roundTripSeconds: Self.roundTrip)
        }
        guard
            let refinement = Refinement.next(
                for: window.script, end: window.end, shape: window.shape, newSize: file.status.size,
                round: window.round, policy: policy),
            refinement.ranges.count <= ProtocolConstants.mostCopies, !refinement.ranges.isEmpty
        else { return nil }
        let bytes = refinement.ranges.reduce(asked) { $0 + $1.length }
        return bytes / 4 <= shape.basisSize ? refinement : nil
    }

    private static func index(_ runs: [BlockRun], _ refinement: Refinement, _ key: UInt64) -> BlockIndex? {
        guard !runs.isEmpty else { return nil }
        return BlockIndex(shape: refinement.shape, key: key, runs: runs.map(SignatureRun.init))
    }

    // MARK: Telling

    private func tell(_ output: DeltaOutput) {
        if isEmpty {
            found = output
            (nextOperation, nextLiteral, toldOfLiteral) = (0, 0, 0)
        } else {
            found.operations.removeFirst(nextOperation)
            found.literals.removeFirst(nextLiteral)
            (nextOperation, nextLiteral) = (0, 0)
            found.operations += output.operations
            found.literals += output.literals
        }
    }

    /// Moves what has been found into a message, as far as there is room for literal bytes.
    private func take(_ literals: Int, into chunk: inout MatchedChunk) {
        let firstLiteral = nextLiteral
        var room = max(1, literals)
        var literal = 0
        while nextOperation < found.operations.count, chunk.copies.count < Self.mostCopies {
            switch found.operations[nextOperation] {
            case .copy(let from, let length):
                if literal == 0, let last = chunk.copies.last, last.from &+ last.length == from {
                    chunk.copies[chunk.copies.count - 1].length &+= length
                } else {
                    chunk.copies.append(DeltaCopy(literal: UInt64(literal), from: from, length: length))
                    literal = 0
                }
                nextOperation += 1
            case .literal(_, let length):
                let count = min(room, length - toldOfLiteral)
                literal += count
                nextLiteral += count
                room -= count
                toldOfLiteral += count
                if toldOfLiteral == length {
                    nextOperation += 1
                    toldOfLiteral = 0
                }
            }
            if room == 0 { break }
        }
        chunk.rest = UInt64(literal)
        chunk.bytes = Array(found.literals[firstLiteral..<nextLiteral])
    }
}

extension SourceReader {
    // MARK: Small files

    func matchSmall(_ files: [ListedFile], _ signatures: [FileSignature], key: ContentKey) -> FileResult {
        var literals: [UInt8] = []
        var patience = Patience()
        var matches: [SmallMatch] = []
        for (position, file) in files.enumerated() {
            guard position < signatures.count, file.entry.attributes.size <= UInt64(Self.piece) else {
                matches.append(.failed(FileProblem(.refused, doing: "matching more than was agreed upon")))
                continue
            }
            do throws(FileProblem) {
                var bytes = [UInt8](repeating: 0, count: Int(file.entry.attributes.size))
                try readWhole(file, into: &bytes, 0..<bytes.count, &patience)
                matches.append(match(bytes, signatures[position], key, &literals))
            } catch {
                matches.append(.failed(error))
            }
        }
        return .matchedSmall(buffer: literals, matches)
    }

    private func match(
        _ bytes: [UInt8], _ signature: FileSignature, _ key: ContentKey, _ literals: inout [UInt8]
    ) -> SmallMatch {
        let start = literals.count
        let digest = ContentDigest(ContentHasher.digest(of: bytes[...], key: key))
        guard let index = Self.index(signature, key: key.seed) else {
            literals += bytes
            return .delta([], rest: UInt64(bytes.count), range: start..<literals.count, digest: digest)
        }
        let matcher = DeltaMatcher(index: index)
        var found = DeltaOutput()
        bytes.withUnsafeBytes { matcher.update($0, isLast: true, into: &found) }
        literals += found.literals
        var copies: [DeltaCopy] = []
        var literal: UInt64 = 0
        for operation in found.operations {
            switch operation {
            case .copy(let from, let length):
                copies.append(DeltaCopy(literal: literal, from: from, length: length))
                literal = 0
            case .literal(_, let length): literal += UInt64(length)
            }
        }
        return .delta(copies, rest: literal, range: start..<literals.count, digest: digest)
    }

    // MARK: Large files

    func openMatch(
        _ id: FileID, _ entry: Entry, _ signature: FileSignature, _ refine: RefinePolicy, in directory: DirectoryID,
        key: ContentKey
    ) -> Result<(any SourceFile)?, FileProblem> {
        do throws(FileProblem) {
            guard let shape = Self.shape(signature), let index = Self.index(signature, key: key.seed) else {
                throw FileProblem(.refused, doing: "reading the receiver's signature")
            }
            var patience = Patience()
            let file = try openWatched(entry.name, in: directory, &patience)
            try checkListed(file.status, entry.attributes)
            let source = MatchingSource(file: file, index: index, shape: shape, key: key, policy: refine)
            matching.withLock { $0[id] = source }
            return .success(nil)
        } catch {
            return .failure(error)
        }
    }

    func matchChunk(_ id: FileID, literals: Int) -> Result<MatchedChunk, FileProblem> {
        guard let source = matching.withLock({ $0[id] }) else {
            return .failure(FileProblem(.stopped, doing: "reading a file that is not open"))
        }
        do throws(FileProblem) {
            return .success(try source.next(literals: literals, self))
        } catch {
            return .failure(error)
        }
    }

    func refineMatch(_ id: FileID, _ runs: [BlockRun]) -> Result<MatchedChunk, FileProblem> {
        guard let source = matching.withLock({ $0[id] }) else {
            return .failure(FileProblem(.stopped, doing: "reading a file that is not open"))
        }
        do throws(FileProblem) {
            return .success(try source.refined(runs))
        } catch {
            return .failure(error)
        }
    }

    /// What the receiver told, judged and ready to be searched.
    private static func index(_ signature: FileSignature, key: UInt64) -> BlockIndex? {
        shape(signature).flatMap { BlockIndex(shape: $0, key: key, runs: signature.runs.map(SignatureRun.init)) }
    }

    private static func shape(_ signature: FileSignature) -> SignatureShape? {
        SignatureShape.validated(
            basisSize: signature.shape.basisSize, blockLength: UInt64(signature.shape.blockLength),
            widths: signature.shape.widths)
    }
}

extension SignatureRun {
    init(_ run: BlockRun) {
        self.init(
            offset: run.offset, hashes: BlockHashes(rolling: run.blocks.rolling, strong: run.blocks.strong))
    }
}
