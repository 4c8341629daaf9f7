// SHA-256 against published values, in pieces, and under a session's key.

import LifterCodec
import Testing

@Suite(.enabled(if: SHA256.isHere, "there is no libcrypto here")) struct SHA256Tests {
    private func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// FIPS 180-4, and the first of NIST's long messages.
    @Test(arguments: [
        ("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        ("a", 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ])
    func published(text: String, times: Int, expected: String) {
        let digest = SHA256()
        for _ in 0..<times { digest.update(Array(text.utf8)[...]) }
        #expect(hexadecimal(digest.digest()) == expected)
    }

    @Test(arguments: [0, 1, 55, 56, 63, 64, 65, 1023, 70_000])
    func inPieces(size: Int) {
        var generator = Generator(seed: UInt64(size) + 1)
        let bytes = generator.bytes(size)
        let key = ContentKey(0x0102_0304_0506_0708, .sha256)
        let running = key.sha256()
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...700, using: &generator))
            running.update(piece)
            // Looking on the way changes nothing.
            _ = running.digest()
            rest = rest.dropFirst(piece.count)
        }
        #expect(Digest128(firstOf: running) == key.digest(of: bytes[...]))
    }

    /// The seed's bytes, lowest first, then the contents; the first half of what comes of it.
    @Test func underAKey() {
        let whole = SHA256()
        whole.update([8, 7, 6, 5, 4, 3, 2, 1] + Array("contents".utf8)[...])
        let digest = ContentKey(0x0102_0304_0506_0708, .sha256).digest(of: Array("contents".utf8)[...])
        #expect(digest.bytes == Array(whole.digest()[..<16]))
        #expect(digest != ContentKey(0x0102_0304_0506_0709, .sha256).digest(of: Array("contents".utf8)[...]))
    }

    /// What an error of the library leaves agrees with nothing, itself included.
    @Test func failed() {
        let digest = SHA256()
        digest.update(Array("contents".utf8)[...])
        let right = digest.digest()
        digest.fail()
        digest.update(Array("contents".utf8)[...])
        #expect(digest.digest() != right)
        #expect(digest.digest() != digest.digest())
    }
}
