// Any edits of any bytes: what comes out makes the new file again, and costs what the plain way costs.

import Glibc
import LifterCodec
import LifterDelta
import Testing

/// How many cases; SUPERLIFTER_DELTA_CASES says otherwise.
let cases = getenv("SUPERLIFTER_DELTA_CASES").flatMap { Int(String(cString: $0)) } ?? 1000
/// The first case's seed; SUPERLIFTER_DELTA_SEED says otherwise.
let firstSeed = getenv("SUPERLIFTER_DELTA_SEED").flatMap { UInt64(String(cString: $0)) } ?? 1

/// Drawn from a seed: a basis, what became of it, and a shape.
struct Case: CustomStringConvertible {
    let seed: UInt64
    let trial: Trial
    let matter: Matter
    let edits: [Edit]

    init(seed: UInt64) {
        var generator = Generator(seed: seed)
        let matter = Matter.allCases[generator.below(Matter.allCases.count)]
        let blockLength = [64, 64, 65, 96, 100, 128, 200, 512, 700, 1024][generator.below(10)]
        // Around multiples of the block length, and now and then anything.
        let blocks = generator.oneIn(20) ? generator.below(120) : generator.below(24)
        let rest = generator.oneIn(3) ? generator.below(blockLength) : generator.below(5) - 2
        let size = max(0, blockLength * blocks + rest)
        let basis = matter.bytes(size, using: &generator)
        var new = basis
        let edits = (0..<generator.below(5)).map { _ in Edit.allCases[generator.below(Edit.allCases.count)] }
        for edit in edits { edit.apply(to: &new, unit: blockLength, using: &generator) }
        if generator.oneIn(30) { new = matter.bytes(generator.below(2 * size + 1), using: &generator) }
        let widths = HashWidths(
            rolling: 12 + generator.below(21), strong: generator.oneIn(2) ? 64 : 32 + generator.below(33))
        let shape = SignatureShape.validated(
            basisSize: UInt64(basis.count), blockLength: UInt64(blockLength), widths: widths)
        self.seed = seed
        self.matter = matter
        self.edits = edits
        guard let shape else { fatalError("seed \(seed): no shape") }
        trial = Trial(basis: basis, new: new, shape: shape, key: generator.next())
    }

    var description: String {
        "SUPERLIFTER_DELTA_SEED=\(seed) SUPERLIFTER_DELTA_CASES=1: \(matter), \(trial.basis.count) bytes, blocks of "
            + "\(trial.shape.blockLength), hashes of \(trial.shape.widths.rolling) and \(trial.shape.widths.strong) bits, \(edits)"
    }
}

@Suite struct PropertyTests {
    /// The steps make the new file; literals are as many as in the plain way; the pieces' sizes do not matter.
    @Test func anyEdits() throws {
        for seed in firstSeed..<firstSeed + UInt64(cases) {
            let drawn = Case(seed: seed)
            let trial = drawn.trial
            var generator = Generator(seed: seed ^ 0x5eed)
            let sizes = generator.oneIn(2) ? 3 * trial.shape.blockLength : 40
            let index = try #require(trial.index { generator.below(sizes) }, "\(drawn)")
            #expect(index.blockCount == trial.shape.blockCount, "\(drawn)")
            let output = trial.match(DeltaMatcher(index: index)) { generator.below(sizes) }
            let made = Reference.patch(basis: trial.basis, operations: output.operations, literals: output.literals)
            #expect(made == trial.new, "\(drawn)")
            let plain = Reference.literalBytes(
                basis: trial.basis, new: trial.new, blockLength: trial.shape.blockLength)
            // Where blocks of the basis are equal, one or the other choice may turn out better.
            let slack = drawn.matter.repeats ? (2 + drawn.edits.count) * trial.shape.blockLength : 0
            let found = output.literals.count
            #expect(found <= plain + slack, "\(drawn): \(found) literal bytes, plainly \(plain)")

            let other = trial.match(DeltaMatcher(index: index)) { .max }
            var (first, second) = (DeltaScript(), DeltaScript())
            first.append(output.operations)
            second.append(other.operations)
            #expect(first.operations == second.operations && other.literals == output.literals, "\(drawn)")
            let uncollected = trial.match(DeltaMatcher(index: index, collectsLiterals: false))
            #expect(uncollected.literals.isEmpty, "\(drawn)")
        }
    }

    /// Hashes are those of the protocol, whatever the pieces, and also where ranges are signed by themselves.
    @Test func signatures() throws {
        for seed in firstSeed..<firstSeed + UInt64(max(cases / 10, 1)) {
            let drawn = Case(seed: seed)
            let (basis, shape) = (drawn.trial.basis, drawn.trial.shape)
            var generator = Generator(seed: seed ^ 0x5eed)
            var signer = BlockSigner(shape: shape, key: 9)
            var hashes = BlockHashes()
            feed(basis) {
                generator.below(2000)
            } body: { piece, _ in
                signer.update(piece)
                hashes.append(signer.takeWholeBlocks())
            }
            hashes.append(signer.finish())
            let whole = basis.withUnsafeBytes {
                BlockSigner.hashes(of: $0, blockLength: shape.blockLength, widths: shape.widths, key: 9)
            }
            #expect(hashes == whole, "\(drawn)")
            #expect(hashes.count == shape.blockCount, "\(drawn)")
            for (number, start) in stride(from: 0, to: basis.count, by: shape.blockLength).enumerated() {
                let block = Array(basis[start..<min(start + shape.blockLength, basis.count)])
                let rolling = Reference.told(Reference.rollingSum(block), key: 9, shape.widths)
                #expect(hashes.rolling[number] == rolling, "\(drawn)")
                let strong = block.withUnsafeBytes { StrongHash.of($0, key: 9, width: shape.widths.strong) }
                #expect(hashes.strong[number] == strong, "\(drawn)")
            }
        }
    }

    /// A window that moves has the sum of the bytes in it.
    @Test(arguments: [1, 2, 63, 64, 65, 127, 128, 700, 5000])
    func rolling(length: Int) {
        var generator = Generator(seed: UInt64(length))
        let bytes = Matter.random.bytes(length + 300, using: &generator) + [UInt8](repeating: 255, count: length + 100)
        bytes.withUnsafeBytes { buffer in
            var sum = RollingSum(of: UnsafeRawBufferPointer(rebasing: buffer[..<(length - 1)]))
            for place in 0..<bytes.count - length {
                sum.append(bytes[place + length - 1])
                #expect(sum.value == Reference.rollingSum(Array(bytes[place..<place + length])))
                #expect(sum == RollingSum(of: UnsafeRawBufferPointer(rebasing: buffer[place..<place + length])))
                sum.removeFirst(bytes[place], length: length)
            }
        }
    }
}
