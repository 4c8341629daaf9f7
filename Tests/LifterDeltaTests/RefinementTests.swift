// Finer signatures where they are worth it: what they find, what they cost, and what is refused.

import LifterCodec
import LifterDelta
import Testing

/// A file made from another with signatures that become finer, as both ends do it together.
struct Refined {
    var script = DeltaScript()
    var rounds = 0
    /// Bytes of all signatures, and of what asks for them.
    var signatureBytes = 0
    var firstSignatureBytes = 0

    init(trial: Trial, policy: RefinementPolicy) throws {
        var shape = trial.shape
        script.append(trial.match(DeltaMatcher(index: try #require(trial.index()), collectsLiterals: false)).operations)
        signatureBytes = shape.signatureSize
        firstSignatureBytes = signatureBytes
        while let next = Refinement.next(
            for: script, shape: shape, newSize: UInt64(trial.new.count), round: rounds, policy: policy)
        {
            let asked = next.shape
            #expect(
                Refinement.validated(
                    basisSize: asked.basisSize, blockLength: UInt64(asked.blockLength),
                    widths: asked.widths, ranges: next.ranges) == next)
            #expect(asked.blockLength < shape.blockLength)
            let index = try #require(Self.index(of: trial, next))
            shape = asked
            signatureBytes += asked.widths.bytes(ofBlocks: index.blockCount) + 6 * next.ranges.count
            script = search(trial, index)
            rounds += 1
        }
        #expect(rounds <= Refinement.maximumRounds)
    }

    private static func index(of trial: Trial, _ refinement: Refinement) -> BlockIndex? {
        let shape = refinement.shape
        return BlockIndex(
            shape: shape, key: trial.key,
            runs: refinement.ranges.map { range in
                trial.basis.withUnsafeBytes { basis in
                    let bytes = basis[Int(range.offset)..<Int(range.offset + range.length)]
                    return SignatureRun(
                        offset: range.offset,
                        hashes: BlockSigner.hashes(
                            of: UnsafeRawBufferPointer(rebasing: bytes), blockLength: shape.blockLength,
                            widths: shape.widths, key: trial.key))
                }
            })
    }

    /// Goes over the literals again.
    private func search(_ trial: Trial, _ index: BlockIndex) -> DeltaScript {
        var finer = DeltaScript()
        let matcher = DeltaMatcher(index: index, collectsLiterals: false)
        var after: UInt64 = 0
        for operation in script.operations {
            switch operation {
            case .copy(let offset, let length):
                finer.append(operation)
                after = offset + length
            case .literal(let offset, let length):
                var output = DeltaOutput()
                matcher.restart(newOffset: offset, expecting: after)
                trial.new.withUnsafeBytes {
                    let bytes = $0[Int(offset)..<Int(offset) + length]
                    matcher.update(UnsafeRawBufferPointer(rebasing: bytes), isLast: true, into: &output)
                }
                finer.append(output.operations)
            }
        }
        return finer
    }

    /// The file that the script makes.
    func made(_ trial: Trial) -> [UInt8]? {
        var literals: [UInt8] = []
        for case .literal(let offset, let length) in script.operations {
            literals += trial.new[Int(offset)..<Int(offset) + length]
        }
        return Reference.patch(basis: trial.basis, operations: script.operations, literals: literals)
    }
}

@Suite struct RefinementTests {
    /// The file comes out right whatever was edited, and literals never become more.
    @Test func anyEdits() throws {
        for seed in firstSeed..<firstSeed + UInt64(max(cases / 4, 1)) {
            let drawn = Case(seed: seed)
            let refined = try Refined(trial: drawn.trial, policy: .always)
            #expect(refined.made(drawn.trial) == drawn.trial.new, "\(drawn)")
            let whole = try Refined(trial: drawn.trial, policy: .never)
            #expect(refined.script.literalBytes <= whole.script.literalBytes, "\(drawn)")
        }
    }

    /// Scattered small edits, some of which shift what follows, cost some hundred bytes each.
    @Test func scatteredEditsCostLittle() throws {
        var generator = Generator(seed: 11)
        let basis = Matter.random.bytes(16 << 20, using: &generator)
        var new = basis
        let edits = 40
        for number in 0..<edits {
            let place = generator.below(new.count)
            switch number % 3 {
            case 0: new[place] &+= 1
            case 1: new.insert(7, at: place)
            default: new.remove(at: place)
            }
        }
        let shape = try #require(
            SignatureShape.chosen(basisSize: UInt64(basis.count), newSize: UInt64(new.count), refines: true))
        let trial = Trial(basis: basis, new: new, shape: shape)
        let refined = try Refined(trial: trial, policy: .always)
        #expect(refined.made(trial) == new)
        let bytes = refined.signatureBytes - refined.firstSignatureBytes + Int(refined.script.literalBytes)
        #expect(bytes < 500 * edits, "\(bytes / edits) bytes for each edit, in \(refined.rounds) rounds")
        let once = try Refined(trial: trial, policy: .never)
        #expect(once.script.literalBytes > 10_000 * UInt64(edits))
    }

    /// A fast stream has the bytes sent sooner than they are found.
    @Test func theStreamDecides() throws {
        var generator = Generator(seed: 12)
        let basis = Matter.random.bytes(4 << 20, using: &generator)
        var new = basis
        for place in [100_000, 1_500_000, 3_000_000] { new[place] ^= 1 }
        let shape = try #require(
            SignatureShape.chosen(basisSize: UInt64(basis.count), newSize: UInt64(new.count), refines: true))
        let trial = Trial(basis: basis, new: new, shape: shape)
        let fast = try Refined(trial: trial, policy: .measured(bytesPerSecond: 1e9, roundTripSeconds: 0.001))
        #expect(fast.rounds == 0)
        let slow = try Refined(trial: trial, policy: .measured(bytesPerSecond: 100_000, roundTripSeconds: 0.01))
        #expect(slow.rounds > 0)
        #expect(slow.script.literalBytes < fast.script.literalBytes / 10)
        #expect(slow.made(trial) == new)
    }

    /// A file that has nothing of the basis is not refined again and again.
    @Test func nothingInCommon() throws {
        var generator = Generator(seed: 13)
        let basis = Matter.random.bytes(8 << 20, using: &generator)
        let new = Matter.random.bytes(8 << 20, using: &generator)
        let shape = try #require(
            SignatureShape.chosen(basisSize: UInt64(basis.count), newSize: UInt64(new.count), refines: true))
        let refined = try Refined(trial: Trial(basis: basis, new: new, shape: shape), policy: .always)
        #expect(refined.rounds <= 1)
        #expect(refined.signatureBytes < new.count / 100)
    }

    @Test func peersWordsAreJudged() {
        typealias BasisRange = Refinement.BasisRange
        func judged(_ ranges: [(UInt64, UInt64)], size: UInt64 = 100_000, blockLength: UInt64 = 128) -> Bool {
            Refinement.validated(
                basisSize: size, blockLength: blockLength, widths: HashWidths(rolling: 12, strong: 8),
                ranges: ranges.map { BasisRange(offset: $0.0, length: $0.1) }) != nil
        }
        #expect(judged([(0, 128), (256, 1280)]))
        #expect(judged([(99_999, 1)]))
        #expect(judged([(99_000, 1000)]))
        #expect(judged([]))
        #expect(!judged([(0, 0)]))
        #expect(!judged([(0, 100)]))
        #expect(!judged([(0, 128), (128, 128)]))
        #expect(!judged([(256, 128), (0, 128)]))
        #expect(!judged([(99_968, 128)]))
        #expect(!judged([(.max, 128)]))
        #expect(!judged([(128, .max)]))
        #expect(!judged([(0, 128)], blockLength: 0))
        #expect(!judged([(0, 128)], blockLength: .max))
        #expect(!judged([(0, 128)], size: .max))
        #expect(!judged([(0, 1 << 40)], size: 1 << 40))
        #expect(judged([(1 << 39, 1 << 20)], size: 1 << 40))
    }
}
