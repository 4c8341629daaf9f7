// What a search costs, counted: rolled bytes, look-ups, chain steps, bytes hashed. Time itself is not measured here.

import LifterCodec
import LifterDelta
import Testing

@Suite struct EffortTests {
    private static let size = 64 << 20
    private static let blockLength = 8192
    private static let widths = HashWidths(rolling: 32, strong: 48)

    /// About the time of rolling by one byte. From the benchmark: a strong hash takes a sixteenth of that for a byte, a
    /// look-up and a step some bytes' time each.
    private static func effort(_ work: MatchWork) -> Double {
        let hashed = work.hashedBytes + work.probes * UInt64(blockLength)
        let units = work.rolledBytes + hashed / 16 + 8 * work.lookUps + 4 * work.chainSteps
        return Double(units)
    }

    /// A signature of many equal pieces without the pieces being in memory.
    private static func index(
        _ basis: [UInt8], _ widths: HashWidths = widths, change: (inout BlockHashes) -> Void = { _ in }
    ) throws -> BlockIndex {
        let shape = try #require(
            SignatureShape.validated(
                basisSize: UInt64(basis.count), blockLength: UInt64(blockLength), widths: widths))
        var hashes = basis.withUnsafeBytes {
            BlockSigner.hashes(of: $0, blockLength: shape.blockLength, widths: shape.widths, key: 77)
        }
        change(&hashes)
        return try #require(
            BlockIndex(shape: shape, key: 77, runs: [SignatureRun(offset: 0, hashes: hashes)]))
    }

    private static func match(_ new: [UInt8], _ index: BlockIndex, givesUp: Bool = true) -> (MatchWork, DeltaScript) {
        let matcher = DeltaMatcher(index: index, collectsLiterals: false, givesUp: givesUp)
        var script = DeltaScript()
        var output = DeltaOutput()
        feed(new) {
            256 << 10
        } body: { piece, isLast in
            matcher.update(piece, isLast: isLast, into: &output)
            script.append(output.operations)
            output.removeAll()
        }
        return (matcher.work, script)
    }

    private static func random(_ seed: UInt64, _ count: Int = size) -> [UInt8] {
        var generator = Generator(seed: seed)
        return Matter.random.bytes(count, using: &generator)
    }

    @Test func nothingIsRolledWithoutNeed() throws {
        let basis = Self.random(1)
        let index = try Self.index(basis)
        let (same, script) = Self.match(basis, index)
        #expect(same.rolledBytes == 0 && same.lookUps == 0)
        #expect(script.operations == [.copy(basisOffset: 0, length: UInt64(Self.size))])

        var longer = Self.random(2, 10)
        longer.append(contentsOf: basis)
        let (inserted, shifted) = Self.match(longer, index)
        #expect(inserted.rolledBytes < 2 * UInt64(Self.blockLength))
        #expect(shifted.literalBytes == 10)

        longer = Array(basis.dropLast(5))
        longer.append(contentsOf: Self.random(3, 1000))
        let (grown, appended) = Self.match(longer, index)
        #expect(grown.rolledBytes < 2 * UInt64(Self.blockLength))
        #expect(appended.literalBytes < UInt64(Self.blockLength) + 1000)
    }

    /// Data that is made to take long takes at most three times as long as data that has nothing in common.
    @Test func hostileDataTakesNoLonger() throws {
        let basis = Self.random(1)
        let zeros = [UInt8](repeating: 0, count: Self.size)
        let plain = Self.effort(Self.match(Self.random(2), try Self.index(basis)).0)
        #expect(plain < Double(Self.size) / 2, "rolling is given up")
        func expectQuick(_ name: String, _ new: [UInt8], _ index: BlockIndex) {
            let (work, _) = Self.match(new, index)
            #expect(Self.effort(work) < 3 * plain, "\(name): \(work)")
        }
        expectQuick("one repeated byte", zeros, try Self.index(basis))
        expectQuick("equal blocks, equal bytes", zeros, try Self.index(zeros))
        expectQuick("equal blocks, other bytes", basis, try Self.index(zeros))
        var shifted = zeros
        shifted[0] = 1
        expectQuick("equal blocks, one other byte", shifted, try Self.index(zeros))

        // Each window agrees with every block, but for the strong hash.
        let forged = try Self.index(basis) { hashes in hashes.rolling = hashes.rolling.map { _ in 0 } }
        expectQuick("equal rolling hashes everywhere", zeros, forged)
        // Each window agrees with some block: the period is 251, and all its windows' rolling hashes are there.
        let periodic: [UInt8] = (0..<Self.size).map { UInt8($0 % 251) }
        let mixer = RollingMixer(key: 77, width: Self.widths.rolling)
        let windows: [UInt32] = (0..<251).map { (start: Int) -> UInt32 in
            periodic[start..<start + Self.blockLength].withUnsafeBytes { mixer.told(RollingSum(of: $0).value) }
        }
        let everywhere = try Self.index(basis) { hashes in
            for block in 0..<hashes.count { hashes.rolling[block] = windows[block % 251] }
        }
        expectQuick("a period whose hashes are all there", periodic, everywhere)
        // So little is told of the rolling hashes that every window passes.
        let narrow = HashWidths(rolling: 12, strong: 64)
        expectQuick("hashes of few bits", Self.random(9), try Self.index(basis, narrow))
        // A block of zeros is there, and each run of zeros is one byte too short for it.
        var almost = zeros
        for block in 0..<almost.count / Self.blockLength { almost[block * Self.blockLength] = UInt8(1 + block % 127) }
        expectQuick("almost the block", almost, try Self.index(zeros))
    }

    /// Small files have no time to give up in; a short one must not take long either.
    @Test func hostileSmallFiles() throws {
        let count = 1 << 20
        let basis = Self.random(1, count)
        let zeros = [UInt8](repeating: 0, count: count)
        let plain = Self.effort(Self.match(Self.random(2, count), try Self.index(basis)).0)
        let forged = try Self.index(basis) { hashes in hashes.rolling = hashes.rolling.map { _ in 0 } }
        #expect(Self.effort(Self.match(zeros, forged).0) < 3 * plain)
    }

    /// What lies behind much that is new is found, whether it is shifted or not; and giving up costs few bytes.
    @Test func givingUpLosesLittle() throws {
        let basis = Self.random(1)
        let index = try Self.index(basis)
        for shift in [0, 5, 4099] {
            let replaced = 24 << 20
            var new = Self.random(4, replaced + shift)
            new.append(contentsOf: basis[replaced...])
            let (work, script) = Self.match(new, index)
            let (patient, most) = Self.match(new, index, givesUp: false)
            #expect(script.literalBytes * 10 <= most.literalBytes * 11, "shifted by \(shift)")
            #expect(work.rolledBytes < patient.rolledBytes / 2, "shifted by \(shift)")
        }
        // A third of all blocks changed, all that follow shifted, without an end.
        var mixed: [UInt8] = []
        var generator = Generator(seed: 6)
        for start in stride(from: 0, to: basis.count, by: Self.blockLength) {
            mixed += basis[start..<start + Self.blockLength]
            if generator.oneIn(3) { mixed.insert(1, at: mixed.count - generator.below(Self.blockLength)) }
        }
        let (_, script) = Self.match(mixed, index)
        let (_, most) = Self.match(mixed, index, givesUp: false)
        #expect(script.literalBytes * 10 <= most.literalBytes * 11)
    }

    /// A peer's blocks may say anything: the steps stay inside of the basis and make a file of the right size.
    @Test func forgedSignaturesDoNoHarm() throws {
        for seed in firstSeed..<firstSeed + 200 {
            var generator = Generator(seed: seed)
            let blockLength = 64 + generator.below(200)
            let basisSize = 1 + generator.below(20_000)
            let shape = try #require(
                SignatureShape.validated(
                    basisSize: UInt64(basisSize), blockLength: UInt64(blockLength),
                    widths: HashWidths(rolling: 12 + generator.below(21), strong: 16 + generator.below(49))))
            let mixer = RollingMixer(key: 3, width: shape.widths.rolling)
            let new = Matter.allCases[generator.below(5)].bytes(generator.below(20_000), using: &generator)
            var runs: [SignatureRun] = []
            for _ in 0..<generator.below(5) {
                let count = generator.below(80)
                var hashes = BlockHashes()
                for _ in 0..<count {
                    let place = generator.below(max(1, new.count - blockLength))
                    let window = new[place..<min(place + blockLength, new.count)]
                    window.withUnsafeBytes {
                        let told = mixer.told(RollingSum(of: $0).value)
                        hashes.rolling.append(
                            generator.oneIn(3) ? UInt32(generator.below(9)) : generator.oneIn(9) ? .max : told)
                        let strong = StrongHash.of($0, key: 3, width: shape.widths.strong)
                        hashes.strong.append(generator.oneIn(3) ? generator.next() : strong)
                    }
                }
                if generator.oneIn(9) { hashes.strong.append(0) }
                runs.append(
                    SignatureRun(
                        offset: generator.oneIn(20) ? .max : UInt64(generator.below(basisSize + 9)), hashes: hashes))
            }
            if generator.oneIn(2) { runs.sort { $0.offset < $1.offset } }
            guard let index = BlockIndex(shape: shape, key: 3, runs: runs) else { continue }
            let output = Trial(basis: [], new: new, shape: shape).match(DeltaMatcher(index: index))
            let basis = [UInt8](repeating: 0, count: basisSize)
            let made = Reference.patch(basis: basis, operations: output.operations, literals: output.literals)
            #expect(made?.count == new.count, "seed \(seed)")
        }
    }
}
