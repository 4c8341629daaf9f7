// Payloads written field by field as Docs/protocol.md says, without the checks that our own encoder makes.

import LifterProtocol
import LifterSystem

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// An entry as the wire has it; any name, any kind, any numbers.
struct RawEntry: Sendable {
    var name: [UInt8]
    var kind: UInt8 = EntryKind.regular.rawValue
    var mode: UInt64 = 0o644
    var user: UInt64 = 0
    var group: UInt64 = 0
    /// Of regular files the size, of devices the number.
    var size: UInt64 = 0
    var seconds: Int64 = 1_600_000_000
    var nanoseconds: UInt64 = 0
    var target: [UInt8] = []

    static func file(_ name: [UInt8], size: UInt64 = 0) -> RawEntry { RawEntry(name: name, size: size) }

    static func directory(_ name: [UInt8]) -> RawEntry {
        RawEntry(name: name, kind: EntryKind.directory.rawValue, mode: 0o755)
    }

    static func link(_ name: [UInt8], to target: [UInt8]) -> RawEntry {
        RawEntry(name: name, kind: EntryKind.symlink.rawValue, mode: 0o777, target: target)
    }

    static func device(_ name: [UInt8], _ kind: EntryKind, number: UInt64) -> RawEntry {
        RawEntry(name: name, kind: kind.rawValue, mode: 0o666, size: number)
    }

    func write(into writer: inout ByteWriter) {
        writer.string(name)
        writer.u8(kind)
        writer.varint(mode)
        writer.varint(user)
        writer.varint(group)
        let hasSize = [EntryKind.regular, .characterDevice, .blockDevice].contains { $0.rawValue == kind }
        if hasSize { writer.varint(size) }
        writer.signed(seconds)
        writer.varint(nanoseconds)
        if kind == EntryKind.symlink.rawValue { writer.string(target) }
    }
}

/// A segment of contents; what it says and what follows need not agree.
struct RawSegment: Sendable {
    var id: UInt64
    var offset: UInt64 = 0
    var bytes: [UInt8] = []
    /// Said instead of the true length.
    var length: UInt64?
    /// 0: more follows; 1: whole, with `digest`; 2: failed.
    var end: UInt8 = 1
    var digest: (UInt64, UInt64) = (0, 0)
}

extension HostileFrame {
    static func rootsOfContents(mode: UInt64 = 0o755) -> [UInt8] {
        var writer = ByteWriter()
        writer.u8(1)
        writer.u8(EntryKind.directory.rawValue)
        for value in [mode, 0, 0] { writer.varint(value) }
        writer.signed(1_600_000_000)
        writer.varint(0)
        return writer.bytes
    }

    static func rootsOfItems(_ items: [(name: [UInt8], kind: UInt8)]) -> [UInt8] {
        var writer = ByteWriter()
        writer.u8(2)
        writer.varint(UInt64(items.count))
        for item in items {
            writer.u8(item.kind)
            writer.string(item.name)
        }
        return writer.bytes
    }

    static func opened(
        _ id: UInt64, in parent: UInt64 = 0, named name: [UInt8] = [], streams: UInt8 = 1
    ) -> HostileFrame {
        var writer = ByteWriter()
        writer.varint(id)
        writer.u8(streams)
        if id != 0 {
            writer.varint(parent)
            writer.string(name)
        }
        return HostileFrame(.directory, writer.bytes)
    }

    enum EntryFlags {
        static let answers: UInt8 = 1
        static let more: UInt8 = 2
        static let last: UInt8 = 4
        static let incomplete: UInt8 = 8
        static let promised: UInt8 = 16
    }

    static func entries(
        _ entries: [RawEntry], in directory: UInt64 = 0, from base: UInt64 = 1, flags: UInt8 = EntryFlags.last,
        answers: UInt64 = 0, matched: [UInt8] = [], count: UInt64? = nil
    ) -> HostileFrame {
        var writer = ByteWriter()
        writer.varint(directory)
        writer.u8(flags)
        if flags & EntryFlags.answers != 0 {
            writer.varint(answers)
            writer.string(matched)
        }
        writer.varint(base)
        writer.varint(count ?? UInt64(entries.count))
        for entry in entries { entry.write(into: &writer) }
        return HostileFrame(.entries, writer.bytes)
    }

    static func range(
        _ sequence: UInt64, in directory: UInt64, count: UInt64, upTo name: [UInt8], flags: UInt8 = 1,
        digest: (UInt64, UInt64) = (1, 2)
    ) -> HostileFrame {
        var writer = ByteWriter()
        writer.varint(sequence)
        writer.varint(directory)
        writer.u8(flags)
        writer.varint(count)
        writer.string(name)
        writer.u64(digest.0)
        writer.u64(digest.1)
        return HostileFrame(.range, writer.bytes)
    }

    static func contents(_ segments: [RawSegment]) -> HostileFrame {
        var writer = ByteWriter()
        writer.varint(UInt64(segments.count))
        for segment in segments {
            writer.varint(segment.id)
            writer.varint(segment.offset)
            writer.varint(segment.length ?? UInt64(segment.bytes.count))
            writer.u8(segment.end)
            if segment.end == 1 {
                writer.u64(segment.digest.0)
                writer.u64(segment.digest.1)
            } else if segment.end == 2 {
                writer.u8(1)
                writer.varint(5)
                writer.string(Array("reading\u{1b}[2J".utf8))
            }
        }
        for segment in segments { writer.raw(segment.bytes) }
        return HostileFrame(.content, writer.bytes)
    }

    static func number(_ kind: MessageKind, _ values: UInt64...) -> HostileFrame {
        var writer = ByteWriter()
        for value in values { writer.varint(value) }
        return HostileFrame(kind, writer.bytes)
    }

    static let listingEnd = HostileFrame(.listingEnd)
    static let summary = HostileFrame(.summary, [0])
    static let goodbye = HostileFrame(.goodbye)

    /// Every number as large as it goes.
    static var largestSummary: HostileFrame {
        var writer = ByteWriter()
        writer.varint(10)
        for tag in 1...10 as ClosedRange<UInt64> {
            writer.varint(tag * 2)
            var value = ByteWriter()
            value.varint(.max)
            writer.string(value.bytes)
        }
        return HostileFrame(.summary, writer.bytes)
    }
}

/// Jobs as a client sends them.
enum RawJob {
    /// A push into `path`; `shape` is a payload of Roots.
    static func push(
        to path: [UInt8], shape: [UInt8] = HostileFrame.rootsOfContents(), options: JobOptions = JobOptions(),
        rules: [[UInt8]] = []
    ) -> [UInt8] {
        var writer = head(.push, [path], options, rules)
        writer.u8(1)
        writer.raw(shape)
        writer.u8(0)
        return writer.bytes
    }

    static func pull(
        _ paths: [[UInt8]], options: JobOptions = JobOptions(), rules: [[UInt8]] = [], isEmpty: Bool = false,
        granularity: UInt32 = 1
    ) -> [UInt8] {
        var writer = head(.pull, paths, options, rules)
        writer.u8(0)
        writer.u8(1)
        writer.u8(isEmpty ? 1 : 0)
        writer.u32(granularity)
        return writer.bytes
    }

    private static func head(
        _ direction: Direction, _ paths: [[UInt8]], _ options: JobOptions, _ rules: [[UInt8]]
    ) -> ByteWriter {
        var writer = ByteWriter()
        writer.u8(direction.rawValue)
        writer.u8(Purpose.transfer.rawValue)
        writer.varint(UInt64(paths.count))
        for path in paths { writer.string(path) }
        options.write(into: &writer)
        writer.varint(UInt64(rules.count))
        for rule in rules { writer.string(rule) }
        return writer
    }
}

extension JobOptions {
    /// As a whole Job has them: encoded by our own encoder and cut out of it.
    func write(into writer: inout ByteWriter) {
        let job = Job(
            direction: .pull, purpose: .transfer, paths: [[46]], options: self, rules: [], shape: nil,
            destination: Ready(isEmpty: false, timeGranularity: 1))
        guard let all = try? Message.job(job).encoded() else { return }
        // Direction, purpose, one path of one byte in front; no rules, no shape, a Ready of five bytes behind.
        writer.raw(all[5..<all.count - 8])
    }
}
