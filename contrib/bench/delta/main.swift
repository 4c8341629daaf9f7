// How fast signing and matching are, in memory. Figures of one machine at one time: compare those of one run only.
//
//     SUPERLIFTER_BENCH=1 swift build -c release --product BenchDelta --scratch-path .build/bench
//     .build/bench/release/BenchDelta [MIB]        the size of the files; 256 if not given
//     .build/bench/release/BenchDelta OLD NEW      bytes of literals of one pair of files, and what giving up costs

import Glibc
import LifterCodec
import LifterDelta

let mebibytes = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 256 : 256
let size = mebibytes << 20
let key: UInt64 = 0x0123_4567_89ab_cdef
let piece = 256 << 10
let widths = HashWidths(rolling: 30, strong: 48)

func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// The processor's time for it, the best of three.
func seconds(_ body: () -> Void) -> Double {
    (0..<3).map { _ in
        let start = now()
        body()
        return now() - start
    }.min() ?? 0
}

func report(_ name: String, _ seconds: Double, _ remark: String = "") {
    let rate = Double(size) / seconds / 1e9
    let digits = String(Int(rate * 100 + 0.5))
    let padded = String(repeating: "0", count: max(0, 3 - digits.count)) + digits
    let text = "\(padded.dropLast(2)).\(padded.suffix(2))"
    print(
        name + String(repeating: " ", count: max(1, 52 - name.count))
            + String(repeating: " ", count: max(0, 6 - text.count)) + text + " GB/s  " + remark)
}

func random(_ seed: UInt64, count: Int = size) -> [UInt8] {
    var state = seed
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        for place in stride(from: 0, to: count - 7, by: 8) {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let mixed = (state ^ state >> 29) &* 0x9e37_79b9_7f4a_7c15
            UnsafeMutableRawPointer(buffer.baseAddress!).storeBytes(
                of: mixed ^ mixed >> 32, toByteOffset: place, as: UInt64.self)
        }
        for place in count & ~7..<count { buffer[place] = 1 }
        filled = count
    }
}

func signed(_ bytes: [UInt8], _ shape: SignatureShape) -> BlockHashes {
    var signer = BlockSigner(shape: shape, key: key)
    bytes.withUnsafeBytes { buffer in
        for place in stride(from: 0, to: buffer.count, by: piece) {
            signer.update(UnsafeRawBufferPointer(rebasing: buffer[place..<min(place + piece, buffer.count)]))
        }
    }
    return signer.finish()
}

/// As much as the whole file, always the same piece, which is then in the processor's cache as after a read.
@inline(__always)
func eachBlock(_ length: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
    basis.withUnsafeBytes { buffer in
        for _ in 0..<size / piece {
            for place in stride(from: 0, to: piece, by: length) {
                body(UnsafeRawBufferPointer(rebasing: buffer[place..<min(place + length, piece)]))
            }
        }
    }
}

func signCached(_ shape: SignatureShape) {
    var signer = BlockSigner(shape: shape, key: key)
    eachBlock(piece) { signer.update($0) }
    _ = signer.finish()
}

func index(_ hashes: BlockHashes, _ shape: SignatureShape) -> BlockIndex {
    guard let index = BlockIndex(shape: shape, key: key, runs: [SignatureRun(offset: 0, hashes: hashes)]) else {
        fatalError("the index refused a signature")
    }
    return index
}

struct Result {
    var copies = 0
    var literalBytes: UInt64 = 0
    var work = MatchWork()

    var text: String {
        "\(copies) copies, \(literalBytes) literal, \(work.rolledBytes) rolled, \(work.lookUps) look-ups, "
            + "\(work.chainSteps) steps, \(work.hashedBytes) hashed, \(work.probes) probes"
    }
}

func match(_ new: [UInt8], _ index: BlockIndex, givesUp: Bool = true) -> Result {
    let matcher = DeltaMatcher(index: index, givesUp: givesUp)
    var output = DeltaOutput()
    var result = Result()
    new.withUnsafeBytes { buffer in
        for place in stride(from: 0, to: buffer.count, by: piece) {
            let end = min(place + piece, buffer.count)
            matcher.update(
                UnsafeRawBufferPointer(rebasing: buffer[place..<end]), isLast: end == buffer.count, into: &output)
            for case .copy in output.operations { result.copies += 1 }
            result.literalBytes += UInt64(output.literals.count)
            output.removeAll()
        }
    }
    result.work = matcher.work
    return result
}

/// Begins anew before rolling is given up.
func rollOnly(_ new: [UInt8], _ index: BlockIndex) {
    let matcher = DeltaMatcher(index: index, collectsLiterals: false)
    var output = DeltaOutput()
    new.withUnsafeBytes { buffer in
        for place in stride(from: 0, to: buffer.count, by: 2 << 20) {
            matcher.restart(newOffset: 1)
            let end = min(place + (2 << 20), buffer.count)
            matcher.update(UnsafeRawBufferPointer(rebasing: buffer[place..<end]), isLast: true, into: &output)
            output.removeAll()
        }
    }
}

func measure(_ name: String, _ new: [UInt8], _ index: BlockIndex) {
    var result = Result()
    let time = seconds { result = match(new, index) }
    report(name, time, result.text)
}

if CommandLine.arguments.count == 3 {
    comparePatience(CommandLine.arguments[1], CommandLine.arguments[2])
    exit(0)
}

let basis = random(1)
let unrelated = random(2)
for blockLength in [128, 512, 2048, 16_384, 131_072] {
    guard
        let shape = SignatureShape.validated(
            basisSize: UInt64(size), blockLength: UInt64(blockLength), widths: widths)
    else { continue }
    print("blocks of \(blockLength)")
    var hashes = BlockHashes()
    report(
        "  the strong hash alone",
        seconds {
            var sum: UInt64 = 0
            eachBlock(blockLength) { sum ^= XXH3.hash64($0, seed: key) }
            if sum == 1 { print("chance") }
        })
    report(
        "  the rolling hash alone",
        seconds {
            var sum: UInt32 = 0
            eachBlock(blockLength) { sum ^= RollingSum(of: $0).value }
            if sum == 1 { print("chance") }
        })
    report("  signing, in the cache", seconds { signCached(shape) })
    report("  signing, from memory", seconds { hashes = signed(basis, shape) }, "\(hashes.count) blocks")
    var table = index(hashes, shape)
    report("  making the index", seconds { table = index(hashes, shape) })
    measure("  the same bytes", basis, table)
    measure("  ten bytes inserted in front", random(3, count: 10) + basis.dropLast(10), table)
    measure("  other bytes", unrelated, table)
    report("  other bytes, rolling only", seconds { rollOnly(unrelated, table) })
    measure("  one repeated byte", [UInt8](repeating: 7, count: size), table)
}

// What was made to take long.
guard let shape = SignatureShape.validated(basisSize: UInt64(size), blockLength: 16_384, widths: widths) else {
    exit(1)
}
print("blocks of 16384, made to take long")
let zeros = [UInt8](repeating: 0, count: size)
let allEqual = index(signed(zeros, shape), shape)
measure("  equal blocks, the same bytes", zeros, allEqual)
measure("  equal blocks, other bytes", random(2), allEqual)
measure("  equal blocks, another repeated byte", [UInt8](repeating: 7, count: size), allEqual)
let other = random(5)
var forged = signed(other, shape)
let target = signed(Array(zeros.prefix(16_384)), shape).rolling[0]
forged.rolling = forged.rolling.map { _ in target }
measure("  one rolling hash for all, met everywhere", zeros, index(forged, shape))

// MARK: One pair of files

/// How many more bytes travel because the matcher gives up where rolling does not pay.
func comparePatience(_ old: String, _ new: String) {
    let (basis, made) = (contents(old), contents(new))
    guard let shape = SignatureShape.chosen(basisSize: UInt64(basis.count), newSize: UInt64(made.count)) else {
        return print("\(old): too small for a signature")
    }
    let table = index(signed(basis, shape), shape)
    let (usual, patient) = (match(made, table), match(made, table, givesUp: false))
    let bytes = { (result: Result) in UInt64(shape.signatureSize + 7 * result.copies) + result.literalBytes }
    let ratio = Int(Double(bytes(usual)) / Double(max(1, bytes(patient))) * 1000 + 0.5)
    print("blocks of \(shape.blockLength), a signature of \(shape.signatureSize) bytes")
    print("  as it is          \(usual.text)")
    print("  never giving up   \(patient.text)")
    print("  bytes: \(ratio / 1000).\(String(String(ratio % 1000 + 1000).dropFirst())) times as many")
}

func contents(_ path: String) -> [UInt8] {
    guard let file = fopen(path, "rb") else { fatalError("cannot open \(path)") }
    defer { fclose(file) }
    fseek(file, 0, SEEK_END)
    let count = ftell(file)
    rewind(file)
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        filled = fread(buffer.baseAddress, 1, count, file)
    }
}
