// Signatures, deltas and questions for finer ones that nobody may say: each is refused under the name of its field, before
// any memory is taken for what it announces.

import LifterProtocol
import Testing

@Suite struct DeltaValueTests {
    private func refuse(_ kind: MessageKind, _ bytes: String, _ field: String) {
        let payload = bytes.split(separator: " ").compactMap { UInt8($0, radix: 16) }
        #expect(problem(kind, payload) == .value(field), "\(bytes)")
    }

    /// Segments; then for each: id, flags, size and block length with the first, widths, offset, count.
    @Test(
        "Signatures",
        arguments: [
            ("81 20 01 00 0c 10 00 00", "signature.segments"),
            ("ff ff ff ff ff ff ff ff ff 01", "signature.segments"),
            ("01 80 80 80 80 80 80 80 80 80 01 02 0c 10 00 00", "signature.id"),
            ("01 01 08 0c 10 00 00", "signature.flags"),
            ("01 01 ff 0c 10 00 00", "signature.flags"),
            ("01 01 04 0c 10 00 00", "signature.flags"),
            ("01 01 03 80 80 80 80 80 80 80 80 80 01 40 0c 10 00 00", "signature.size"),
            ("01 01 03 40 00 0c 10 00 00", "signature.blockLength"),
            ("01 01 03 40 3f 0c 10 00 00", "signature.blockLength"),
            ("01 01 03 40 81 80 80 08 0c 10 00 00", "signature.blockLength"),
            ("01 01 03 40 40 0b 10 00 00", "signature.widths"),
            ("01 01 03 40 40 21 10 00 00", "signature.widths"),
            ("01 01 03 40 40 0c 0f 00 00", "signature.widths"),
            ("01 01 03 40 40 0c 41 00 00", "signature.widths"),
            ("01 01 02 0c 10 80 80 80 80 80 80 80 80 80 01 00", "signature.offset"),
            ("01 01 03 40 40 0c 10 00 01", "signature.count"),
            ("01 01 03 40 40 0c 10 00 ff ff ff ff ff ff ff ff ff 01", "signature.count"),
            ("01 01 03 40 40 0c 10 00 01 00 00", "signature.count"),
            ("01 01 03 40 40 0c 10 00 00 00", "signature.count"),
            ("02 01 03 40 40 0c 10 00 01 02 03 40 40 0c 10 00 01 00 00 00 00 00", "signature.count"),
            ("01 01 03 40 40 0c 11 00 01 ff ff ff 20", "signature.hashes"),
        ])
    func signatures(_ bytes: String, _ field: String) { refuse(.signature, bytes, field) }

    /// Segments; then for each: id, offset, copies, each of literal, from and length; rest, end.
    @Test(
        "Deltas",
        arguments: [
            ("81 20 01 00 00 00 00", "delta.segments"),
            ("01 80 80 80 80 80 80 80 80 80 01 00 00 00 00", "delta.id"),
            ("01 01 80 80 80 80 80 80 80 80 80 01 00 00 00", "delta.offset"),
            ("01 01 00 ff ff ff ff ff ff ff ff ff 01 00", "delta.copies"),
            ("01 01 00 02 00 00 01 00 00", "delta.copies"),
            ("01 01 00 01 00 00 00 00 00", "delta.length"),
            ("01 01 00 01 00 00 80 80 80 80 80 80 80 80 80 01 00 00", "delta.length"),
            ("01 01 00 02 00 00 ff ff ff ff ff ff ff ff 7f 00 00 01 00 00", "delta.length"),
            ("01 01 00 01 00 80 80 80 80 80 80 80 80 80 01 01 00 00", "delta.from"),
            ("01 01 00 01 81 80 40 00 01 00 00", "delta.literal"),
            ("01 01 00 02 80 80 40 00 01 01 00 01 00 00", "delta.literal"),
            ("02 01 00 00 80 80 40 00 02 00 00 80 80 40 00", "delta.literal"),
            ("01 01 00 00 81 80 40 00", "delta.rest"),
            ("01 01 00 01 80 80 40 00 01 01 00", "delta.rest"),
            ("01 01 00 00 05 00", "delta.literal"),
            ("01 01 00 00 00 00 61", "delta.literal"),
            ("01 01 00 00 00 03", "delta.end"),
        ])
    func deltas(_ bytes: String, _ field: String) { refuse(.delta, bytes, field) }

    /// Id, block length, widths, ranges of offset and length.
    @Test(
        "Questions for finer signatures",
        arguments: [
            ("80 80 80 80 80 80 80 80 80 01 40 0c 10 01 00 01", "refine.id"),
            ("01 3f 0c 10 01 00 01", "refine.blockLength"),
            ("01 81 80 80 08 0c 10 01 00 01", "refine.blockLength"),
            ("01 40 0b 10 01 00 01", "refine.widths"),
            ("01 40 0c 41 01 00 01", "refine.widths"),
            ("01 40 0c 10 00", "refine.ranges"),
            ("01 40 0c 10 81 80 01 00 01", "refine.ranges"),
            ("01 40 0c 10 02 00 01", "refine.ranges"),
            ("01 40 0c 10 01 00 00", "refine.length"),
            ("01 40 0c 10 01 ff ff ff ff ff ff ff ff 7f 01", "refine.length"),
            ("01 40 0c 10 02 00 40 20 40", "refine.offset"),
            ("01 40 0c 10 02 80 01 40 00 40", "refine.offset"),
        ])
    func refines(_ bytes: String, _ field: String) { refuse(.refine, bytes, field) }

    /// Honest messages with some bytes changed are refused or understood, and what is understood is written and read
    /// again without a difference.
    @Test(
        "Changed by chance", arguments: ["delta", "signature", "signature-refined", "refine"],
        1...5 as ClosedRange<UInt64>)
    func changed(_ name: String, seed: UInt64) throws {
        let message = try #require(Samples.messages[name])
        let honest = try message.encoded()
        var random = SeededNumbers(seed: seed)
        for _ in 0..<4_000 {
            var bytes = honest
            for _ in 0...Int.random(in: 0..<3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if Bool.random(using: &random) {
                bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random)))
            }
            guard let read = try? decoded(message.kind, bytes) else { continue }
            let once = try read.encoded()
            #expect(try decoded(message.kind, once).encoded() == once, "seed \(seed): \(bytes)")
        }
    }
}
