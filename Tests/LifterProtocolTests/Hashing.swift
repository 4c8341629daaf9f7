import LifterCodec
import LifterProtocol

/// The two hashes of the protocol, over bytes that a test wrote out.
enum Hashing {
    static func hash(_ bytes: [UInt8], _ key: UInt64) -> UInt64 { XXH3.hash64(bytes, seed: key) }

    static func digest(_ bytes: [UInt8], _ key: UInt64) -> ContentDigest {
        let digest = XXH3.hash128(bytes, seed: key)
        return ContentDigest(low: digest.low, high: digest.high)
    }
}
