// Every message against recorded bytes, both ways, and two recorded sessions, frame by frame.

import LifterProtocol
import Testing

@Suite struct GoldenTests {
    @Test(arguments: Samples.messages.keys.sorted())
    func bytesAndValueAreTheSame(_ name: String) throws {
        let message = try #require(Samples.messages[name])
        let bytes = try Golden.bytes(name)
        #expect(try message.encoded() == bytes)
        #expect(described(try decoded(message.kind, bytes)) == described(message))
    }

    @Test func everyKindHasAGoldenFile() throws {
        let kinds = Set(Samples.messages.values.map(\.kind))
        #expect(kinds == Set(MessageKind.allCases))
        let files = try Golden.names().filter { !$0.hasPrefix("session-") }
        #expect(Set(files) == Set(Samples.messages.keys))
        for (name, message) in Samples.messages {
            #expect(name.split(separator: "-").first.map(String.init) == "\(message.kind)")
        }
    }

    /// A message that ends early, anywhere, is an error and never a trap.
    @Test(arguments: Samples.messages.keys.sorted())
    func everyPrefixIsRefused(_ name: String) throws {
        let message = try #require(Samples.messages[name])
        let bytes = try Golden.bytes(name)
        for count in 0..<bytes.count { #expect(problem(message.kind, Array(bytes[..<count])) != nil) }
        #expect(problem(message.kind, bytes + [0]) != nil)
    }

    /// Whatever one changed byte makes of a message: if it can be read, it can be written and read again.
    @Test(arguments: Samples.messages.keys.sorted())
    func changedBytesAreReadOrRefused(_ name: String) throws {
        let message = try #require(Samples.messages[name])
        let bytes = try Golden.bytes(name)
        for index in bytes.indices {
            for value in [0, 1, 2, 0x7f, 0x80, 0xff, bytes[index] ^ 1, bytes[index] &+ 1] as [UInt8] {
                var changed = bytes
                changed[index] = value
                guard let read = try? decoded(message.kind, changed) else { continue }
                let again = try read.encoded()
                #expect(described(try decoded(message.kind, again)) == described(read))
            }
        }
    }

    @Test(arguments: [("session-client", true), ("session-server", false)])
    func sessionsAreWrittenAndRead(_ name: String, _ isClient: Bool) throws {
        let recorded = try Golden.bytes(name)
        let key = Recording.key(isClient: isClient)
        let names = isClient ? Recording.client : Recording.server
        let openers = isClient ? 2 : 1

        var encoder = try FrameEncoder(content: .none, listings: false)
        var written = ProtocolConstants.preamble
        for (index, name) in names.enumerated() {
            if index == openers { encoder.rekey(key) }
            written += try encoder.frame(try EncodedMessage(try #require(Samples.messages[name]))).bytes
        }
        #expect(written == recorded)

        // Byte by byte, as the slowest stream would deliver it.
        var decoder = FrameDecoder()
        var read: [Message] = []
        for byte in recorded.dropFirst(ProtocolConstants.preamble.count) {
            decoder.push([byte])
            while let received = try decoder.next() {
                read.append(received.message)
                #expect(received.weight == (try received.message.encoded().count))
                if read.count == openers { decoder.rekey(key) }
            }
        }
        #expect(read.map(described) == (try names.map { described(try #require(Samples.messages[$0])) }))
        #expect(decoder.isBetweenFrames)
    }
}

/// What the two recorded sessions hold.
enum Recording {
    static let client = [
        "hello", "job", "owners", "directory-root", "range", "directory", "entries", "entries-outright", "listingEnd",
        "ping", "content", "content-middle", "summary", "goodbye",
    ]
    static let server = [
        "hello", "ready", "credit", "same", "expand", "subtree", "request", "outcomes", "pong", "stop", "deleted",
        "again", "summary", "goodbye",
    ]

    static func key(isClient: Bool) -> UInt64 {
        Agreement.key(
            client: Samples.nonce, server: Samples.nonce,
            seed: isClient ? ProtocolConstants.clientChainSeed : ProtocolConstants.serverChainSeed)
    }
}
