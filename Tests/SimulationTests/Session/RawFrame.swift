// A frame made by hand, for kinds that no message has.

import LifterCodec
import LifterProtocol

enum RawFrame {
    static func make(kind: UInt8, isCritical: Bool, payload: [UInt8], chain: UInt64) -> [UInt8] {
        var frame: [UInt8] = [kind, isCritical ? 1 : 0, 0, 0]
        frame += little(UInt64(payload.count), 4)
        frame += little(XXH3.hash64(frame, seed: chain), 4)
        frame += payload
        frame += little(XXH3.hash64(frame, seed: chain), 8)
        return frame
    }

    private static func little(_ value: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64($0 * 8)) }
    }
}
