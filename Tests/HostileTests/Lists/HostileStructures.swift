// Lists whose names are harmless and whose order, ids, kinds or numbers are not.

import LifterProtocol

enum HostileStructures {
    static var lists: [HostileList] { links + directories + ranges + numbers + contents + deltas + kinds + disorder }

    private static let outside = bytes("../outside/canary")

    // MARK: Deltas

    private static var deltas: [HostileList] {
        let copy: [UInt8] = [1, 1, 0, 1, 0, 0, 1, 0, 0]
        let far: [UInt8] = [1, 1, 0, 1, 0] + [UInt8](repeating: 0xff, count: 8) + [0x7f, 1, 0, 0]
        let empty: [UInt8] = [1, 1, 0, 0, 0, 0]
        let frames: [(String, MessageKind, [UInt8])] = [
            ("a copy for a file that was not asked for", .delta, copy), ("a copy from far beyond", .delta, far),
            ("a delta of nothing", .delta, empty), ("a copy of no bytes", .delta, [1, 1, 0, 1, 0, 0, 0, 0, 0]),
            ("a delta for nobody", .delta, [1, 0x63] + empty[2...]),
            ("more copies than there are bytes", .delta, [1, 1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0]),
            ("more literal bytes than came", .delta, [1, 1, 0, 0, 5, 0]),
            ("a finer question about nobody", .refine, [0x63, 64, 2, 1, 0, 64]),
            ("a finer question without ranges", .refine, [1, 64, 2, 0]),
            ("ranges over each other", .refine, [1, 64, 2, 2, 0, 64, 32, 64]),
            ("blocks of no length", .refine, [1, 0, 2, 1, 0, 64]),
            ("a signature from a sender", .signature, [1, 1, 2, 2, 0, 0]),
        ]
        return frames.map { what, kind, payload in
            HostileList(what, .refusal) { _ in
                [
                    .opened(0), .entries([.file(bytes("file"), size: 3)]), HostileFrame(kind, payload), .listingEnd,
                ]
            }
        }
    }

    // MARK: Links in the way

    private static var links: [HostileList] {
        var lists: [HostileList] = []
        for (title, options) in [
            ("", Variants.plain), (", deleting", Variants.deleting), (", again", Variants.ignoring),
        ] {
            for link in ["out", "relative", "outfile", "itself", "new"] {
                let name = bytes(link)
                lists.append(
                    HostileList("a link \(link), then entries below it\(title)", options: options) { key in
                        [
                            .opened(0), .entries([.link(name, to: outside)]), .opened(1, in: 0, named: name),
                            .entries([.file(bytes("file"), size: 3)], in: 1, from: 2, flags: 20),
                            .contents([.honest(2, "bad", key: key)]), .listingEnd,
                        ]
                    })
                lists.append(
                    HostileList("entries below \(link), which is a link here\(title)", options: options) { key in
                        [
                            .opened(0), .opened(1, in: 0, named: name),
                            .entries([.file(bytes("file"), size: 3)], in: 1, from: 1, flags: 20),
                            .entries([.directory(name)], from: 2), .contents([.honest(1, "bad", key: key)]),
                            .listingEnd,
                        ]
                    })
                lists.append(
                    HostileList("\(link) as a directory, then as a link\(title)", options: options) { key in
                        [
                            .opened(0), .entries([.directory(name)], flags: 0), .opened(1, in: 0, named: name),
                            .entries([.link(name, to: outside)], from: 2),
                            .entries([.file(bytes("file"), size: 3)], in: 1, from: 3, flags: 20),
                            .contents([.honest(3, "bad", key: key)]), .listingEnd,
                        ]
                    })
                lists.append(
                    HostileList("\(link) as a link, then as a directory\(title)", options: options) { key in
                        [
                            .opened(0), .entries([.link(name, to: outside)], flags: 0),
                            .entries([.directory(name)], from: 2), .opened(1, in: 0, named: name),
                            .entries([.file(bytes("file"), size: 3)], in: 1, from: 3, flags: 20),
                            .contents([.honest(3, "bad", key: key)]), .listingEnd,
                        ]
                    })
            }
        }
        for target in [[], [0], bytes("a") + [0], [UInt8](repeating: 0x61, count: 4096)] {
            lists.append(
                HostileList("a link with a target of \(target.count) bytes", .refusal) { _ in
                    [.opened(0), .entries([.link(bytes("x"), to: target)]), .listingEnd]
                })
        }
        return lists
    }

    // MARK: Directories

    private static var directories: [HostileList] {
        let deep = Array("dir".utf8)
        return [
            HostileList("a directory becomes a link while children are under way", options: Variants.deleting) { key in
                [
                    .opened(0), .entries([.directory(deep)], flags: 0), .opened(1, in: 0, named: deep),
                    .entries([.directory(deep)], in: 1, from: 2, flags: 4), .opened(2, in: 1, named: deep),
                    .entries([.link(deep, to: outside)], from: 3),
                    .entries([.file(bytes("file"), size: 3)], in: 2, from: 4, flags: 20),
                    .contents([.honest(4, "bad", key: key)]), .listingEnd,
                ]
            },
            HostileList("a directory of which nobody told") { _ in
                [
                    .opened(0), .entries([]), .opened(1, in: 0, named: bytes("ghost")),
                    .entries([.file(bytes("x"))], in: 1, from: 1), .listingEnd,
                ]
            },
            HostileList("a directory under a file") { _ in
                [
                    .opened(0), .entries([.file(bytes("file"))]), .opened(1, in: 0, named: bytes("file")),
                    .entries([.file(bytes("x"))], in: 1, from: 2), .listingEnd,
                ]
            },
            HostileList("entries of a directory that was never opened") { _ in
                [.opened(0), .entries([.file(bytes("x"))], in: 77, from: 1), .entries([], from: 2), .listingEnd]
            },
            HostileList("a directory that is its own parent") { _ in
                [.opened(0), .entries([]), .opened(1, in: 1, named: bytes("loop")), .entries([], in: 1), .listingEnd]
            },
            HostileList("two directories, each the other's parent") { _ in
                [
                    .opened(0), .opened(1, in: 2, named: bytes("a")), .opened(2, in: 1, named: bytes("b")),
                    .entries([.file(bytes("x"))], in: 2), .listingEnd,
                ]
            },
            HostileList("a directory id used twice at once", .refusal) { _ in
                [
                    .opened(0), .entries([.directory(bytes("a")), .directory(bytes("b"))]),
                    .opened(1, in: 0, named: bytes("a")), .opened(1, in: 0, named: bytes("b")), .listingEnd,
                ]
            },
            HostileList("a directory opened twice", .refusal) { _ in
                [
                    .opened(0), .entries([.directory(bytes("a"))]), .opened(1, in: 0, named: bytes("a")),
                    .opened(2, in: 0, named: bytes("a")), .listingEnd,
                ]
            },
            HostileList("a directory id used again when the first is done") { key in
                [
                    .opened(0), .entries([.directory(bytes("a"))], flags: 0), .opened(1, in: 0, named: bytes("a")),
                    .entries([], in: 1, from: 2), .entries([.directory(bytes("b"))], from: 2),
                    .opened(1, in: 0, named: bytes("b")),
                    .entries([.file(bytes("x"), size: 3)], in: 1, from: 3, flags: 20),
                    .contents([.honest(3, "bad", key: key)]), .listingEnd,
                ]
            },
            HostileList("the root opened again and again") { _ in
                [HostileFrame](repeating: .opened(0), count: 50) + [.entries([]), .listingEnd]
            },
            HostileList("the largest directory id") { _ in
                [
                    .opened(0), .entries([.directory(bytes("a"))]), .opened(UInt64(UInt32.max), named: bytes("a")),
                    .entries([], in: UInt64(UInt32.max), from: 2), .listingEnd,
                ]
            },
            HostileList("a directory id beyond 32 bits", .refusal) { _ in
                [.opened(0), .opened(1 << 32, named: bytes("a")), .listingEnd]
            },
            HostileList("the root as its own child by name") { _ in
                [.opened(0), .entries([.directory(bytes("destination"))]), .listingEnd]
            },
        ]
    }

    // MARK: Ranges

    private static var ranges: [HostileList] {
        [
            HostileList("ranges that go backwards", options: Variants.deleting) { _ in
                [
                    .opened(0, streams: 0), .range(1, in: 0, count: 5, upTo: bytes("z"), flags: 0),
                    .range(2, in: 0, count: 5, upTo: bytes("a"), flags: 0), .range(3, in: 0, count: 0, upTo: []),
                    .range(4, in: 0, count: 3, upTo: bytes("m")), .listingEnd,
                ]
            },
            HostileList("a range out of turn", .refusal) { _ in
                [.opened(0, streams: 0), .range(2, in: 0, count: 1, upTo: bytes("a")), .listingEnd]
            },
            HostileList("a range number at the top", .refusal) { _ in
                [.opened(0, streams: 0), .range(.max, in: 0, count: 1, upTo: bytes("a")), .listingEnd]
            },
            HostileList("a range of too many names", .refusal) { _ in
                [.opened(0, streams: 0), .range(1, in: 0, count: 4097, upTo: bytes("a")), .listingEnd]
            },
            HostileList("a range of a directory that is not open") { _ in
                [.opened(0, streams: 0), .range(1, in: 99, count: 1, upTo: bytes("a")), .listingEnd]
            },
            HostileList("an answer to a question about another directory", options: Variants.deleting) { _ in
                [
                    .opened(0, streams: 0), .opened(1, in: 0, named: bytes("dir"), streams: 0),
                    .range(1, in: 0, count: 9, upTo: bytes("zz")), .range(2, in: 1, count: 9, upTo: bytes("zz")),
                    .entries([.file(bytes("zzz"))], in: 1, from: 1, flags: 1, answers: 1),
                    .entries([.file(bytes("a"))], in: 0, from: 2, flags: 1, answers: 2), .listingEnd,
                ]
            },
            HostileList("an answer to a question about the root, from a smaller directory", options: Variants.deleting)
            { _ in
                [
                    .opened(0, streams: 0), .opened(1, in: 0, named: bytes("empty"), streams: 0),
                    .range(1, in: 0, count: 9, upTo: bytes("zz")), .range(2, in: 1, count: 0, upTo: []),
                    .entries([.file(bytes("zzz"))], in: 1, from: 1, flags: 1, answers: 1), .listingEnd,
                ]
            },
            HostileList("an answer to no question") { _ in
                [.opened(0), .entries([.file(bytes("x"))], flags: 1, answers: 55), .entries([], from: 2), .listingEnd]
            },
            HostileList("an answer with far too many matches", options: Variants.deleting) { _ in
                [
                    .opened(0, streams: 0), .range(1, in: 0, count: 9, upTo: bytes("zz")),
                    .entries(
                        [.file(bytes("x"))], flags: 1, answers: 1, matched: [UInt8](repeating: 0xff, count: 4096)),
                    .listingEnd,
                ]
            },
            HostileList("a range digest nobody asked for", .refusal, options: Variants.checksum) { _ in
                [
                    .opened(0, streams: 0), HostileFrame(.rangeDigest, [9] + [UInt8](repeating: 0, count: 16)),
                    .listingEnd,
                ]
            },
            HostileList("file digests nobody asked for", .refusal, options: Variants.checksum) { _ in
                [.opened(0), HostileFrame(.fileDigests, [1, 7, 1] + [UInt8](repeating: 0, count: 16)), .listingEnd]
            },
            HostileList("forty thousand ranges", .refusal) { _ in
                [.opened(0, streams: 0), .opened(1, named: bytes("ghost"), streams: 0)]
                    + (1...40_000).map { .range($0, in: 1, count: 1, upTo: bytes("a"), flags: 0) }
            },
        ]
    }

    // MARK: Numbers

    private static var numbers: [HostileList] {
        var lists = [
            HostileList("entries numbered from the top", .refusal) { _ in
                [.opened(0), .entries([.file(bytes("x"))], from: .max), .listingEnd]
            },
            HostileList("entries numbered from the middle", .refusal) { _ in
                [.opened(0), .entries([.file(bytes("x"))], from: UInt64(Int64.max)), .listingEnd]
            },
            HostileList("entries numbered twice", .refusal) { _ in
                [.opened(0), .entries([.file(bytes("x"))], flags: 0), .entries([.file(bytes("y"))]), .listingEnd]
            },
            HostileList("entries numbered from zero", .refusal) { _ in
                [.opened(0), .entries([.file(bytes("x"))], from: 0), .listingEnd]
            },
            HostileList("a huge count of entries", .refusal) { _ in
                [.opened(0), .entries([], count: .max), .listingEnd]
            },
            HostileList("more ids than allowed", .refusal) { _ in
                [.opened(0), .opened(1, named: bytes("ghost"))]
                    + (0..<30).map { batch in
                        .entries(
                            (0..<1000).map { .file(bytes("n\(100_000 + batch * 1000 + $0)")) }, in: 1,
                            from: UInt64(1 + batch * 1000), flags: 0)
                    }
            },
            HostileList("the largest summary, then Goodbye") { _ in
                [.opened(0), .entries([]), .listingEnd, .largestSummary, .goodbye]
            },
            HostileList("credit without end", .refusal) { _ in
                (0..<64).map { _ in HostileFrame(.credit, [1, 0xff, 0xff, 0xff, 0xff]) }
            },
            HostileList("Goodbye at once") { _ in [.summary, .goodbye, .opened(0), .entries([]), .listingEnd] },
            HostileList("a sender that answers", .refusal) { _ in [.opened(0), .number(.same, 0)] },
            HostileList("a second Hello", .refusal) { _ in [HostileFrame(.hello, HostilePeer.hello)] },
            HostileList("an unknown kind", .refusal) { _ in [HostileFrame(rawKind: 0xee, [1, 2, 3])] },
        ]
        for options in [Variants.plain, Variants.dry] {
            for size in [UInt64(Int64.max), 1 << 62, 1 << 40] {
                lists.append(
                    HostileList("five files of \(size) bytes", options: options) { _ in
                        [
                            .opened(0), .entries((0..<5).map { .file(bytes("big\($0)"), size: size) }, flags: 20),
                            .contents([RawSegment(id: 1, bytes: [1, 2, 3], end: 0)]), .listingEnd,
                        ]
                    })
            }
        }
        for size in [UInt64(1) << 63, .max] {
            lists.append(
                HostileList("a file of \(size) bytes", .refusal) { _ in
                    [.opened(0), .entries([.file(bytes("big"), size: size)]), .listingEnd]
                })
        }
        for seconds in [Int64.min, Int64.max, -1, 1 << 40] {
            lists.append(
                HostileList("times of \(seconds) seconds", options: Variants.deleting) { key in
                    var (file, directory) = (RawEntry.file(bytes("late"), size: 3), RawEntry.directory(bytes("old")))
                    (file.seconds, directory.seconds) = (seconds, seconds)
                    return [
                        .opened(0), .entries([file, directory], flags: 20), .opened(1, named: bytes("old")),
                        .entries([], in: 1, from: 3), .contents([.honest(1, "bad", key: key)]), .listingEnd,
                    ]
                })
        }
        return lists
    }

    // MARK: Contents

    private static var contents: [HostileList] {
        let start: @Sendable (UInt64) -> [HostileFrame] = { size in
            [.opened(0), .entries([.file(bytes("file"), size: size)], flags: 20)]
        }
        return [
            HostileList("contents longer than announced", .refusal) { _ in
                start(3) + [.contents([RawSegment(id: 1, bytes: bytes("longer"))]), .listingEnd]
            },
            HostileList("contents shorter than announced", .refusal) { _ in
                start(300) + [.contents([RawSegment(id: 1, bytes: bytes("short"))]), .listingEnd]
            },
            HostileList("contents with a gap", .refusal) { _ in
                start(300) + [.contents([RawSegment(id: 1, offset: 100, bytes: bytes("gap"), end: 0)]), .listingEnd]
            },
            HostileList("contents at the top", .refusal) { _ in
                start(300) + [.contents([RawSegment(id: 1, offset: .max, bytes: bytes("x"), end: 0)]), .listingEnd]
            },
            HostileList("contents of an unknown id", .refusal) { _ in
                start(3) + [.contents([RawSegment(id: 99, bytes: bytes("x"))]), .listingEnd]
            },
            HostileList("contents after their end", .refusal) { key in
                start(3) + [
                    .contents([.honest(1, "abc", key: key)]), .contents([.honest(1, "abc", key: key)]), .listingEnd,
                ]
            },
            HostileList("two ends in one message", .refusal) { key in
                start(3) + [.contents([.honest(1, "abc", key: key), .honest(1, "abc", key: key)]), .listingEnd]
            },
            HostileList("contents of a directory", .refusal) { _ in
                [
                    .opened(0), .entries([.directory(bytes("d"))], flags: 20),
                    .contents([RawSegment(id: 1, bytes: bytes("x"))]), .listingEnd,
                ]
            },
            HostileList("a wrong digest") { _ in
                start(3) + [.contents([RawSegment(id: 1, bytes: bytes("bad"))]), .listingEnd]
            },
            HostileList("a wrong digest, large") { _ in
                start(200_000) + [
                    .contents([RawSegment(id: 1, bytes: [UInt8](repeating: 7, count: 200_000))]), .listingEnd,
                ]
            },
            HostileList("contents that say they failed") { _ in
                start(3) + [.contents([RawSegment(id: 1, end: 2)]), .listingEnd]
            },
            HostileList("a table that lies about lengths", .refusal) { _ in
                start(3) + [.contents([RawSegment(id: 1, bytes: bytes("abc"), length: 1 << 20)]), .listingEnd]
            },
            HostileList("ten thousand empty pieces") { _ in
                start(300)
                    + (0..<10).map { _ in
                        .contents([RawSegment](repeating: RawSegment(id: 1, end: 0), count: 1000))
                    } + [.listingEnd]
            },
            HostileList("contents before the entries", .refusal) { key in
                [.opened(0), .contents([.honest(1, "abc", key: key)])] + start(3)
            },
            HostileList("no contents at all") { _ in start(3) + [.listingEnd, .summary, .goodbye] },
        ]
    }

    // MARK: Kinds

    private static var kinds: [HostileList] {
        var lists: [HostileList] = []
        for kind in [EntryKind.characterDevice, .blockDevice] {
            for number in [0, 1 << 32 | 3, UInt64.max, 8 << 32] as [UInt64] {
                lists.append(
                    HostileList("\(kind) \(number)") { _ in
                        [.opened(0), .entries([.device(bytes("node"), kind, number: number)]), .listingEnd]
                    })
            }
        }
        for kind in [0, 8, 255] as [UInt8] {
            lists.append(
                HostileList("an entry of kind \(kind)", .refusal) { _ in
                    [.opened(0), .entries([RawEntry(name: bytes("x"), kind: kind)]), .listingEnd]
                })
        }
        for mode in [0o10000, 0o170777, .max] as [UInt64] {
            lists.append(
                HostileList("a mode of \(mode)", .refusal) { _ in
                    [.opened(0), .entries([RawEntry(name: bytes("x"), mode: mode)]), .listingEnd]
                })
        }
        for user in [UInt64(UInt32.max), 1 << 32, 65_534] {
            lists.append(
                HostileList("owner \(user)", user > UInt64(UInt32.max) ? .refusal : .safety) { key in
                    [
                        .opened(0),
                        .entries(
                            [RawEntry(name: bytes("x"), mode: 0o6755, user: user, group: user, size: 3)], flags: 20),
                        .contents([.honest(1, "abc", key: key)]), .listingEnd,
                    ]
                })
        }
        lists.append(
            HostileList("a time of two thousand million nanoseconds", .refusal) { _ in
                [.opened(0), .entries([RawEntry(name: bytes("x"), nanoseconds: 2_000_000_000)]), .listingEnd]
            })
        return lists
    }

    // MARK: Order

    private static var disorder: [HostileList] {
        [
            HostileList("the same name twice in a message", .refusal) { _ in
                [.opened(0), .entries([.file(bytes("x")), .file(bytes("x"))]), .listingEnd]
            },
            HostileList("names in the wrong order", .refusal) { _ in
                [.opened(0), .entries([.file(bytes("y")), .file(bytes("x"))]), .listingEnd]
            },
            HostileList("the same name in two messages", options: Variants.deleting) { key in
                [
                    .opened(0), .entries([.file(bytes("file"), size: 3)], flags: 16),
                    .entries([.file(bytes("file"), size: 3)], from: 2, flags: 20),
                    .contents([.honest(1, "one", key: key), .honest(2, "two", key: key)]), .listingEnd,
                ]
            },
            HostileList("names backwards over messages", options: Variants.deleting) { _ in
                [
                    .opened(0), .entries([.directory(bytes("z"))], flags: 0),
                    .entries([.directory(bytes("m"))], from: 2, flags: 0), .entries([.directory(bytes("a"))], from: 3),
                    .opened(1, named: bytes("m")), .entries([], in: 1, from: 4), .listingEnd,
                ]
            },
            HostileList("entries after the last") { _ in
                [
                    .opened(0), .entries([]), .entries([.file(bytes("x"))]),
                    .entries([.directory(bytes("y"))], from: 2),
                    .listingEnd, .entries([.file(bytes("z"))], from: 3), .listingEnd,
                ]
            },
            HostileList("entries before the root is opened") { _ in
                [.entries([.file(bytes("x"))]), .opened(0), .entries([], from: 2), .listingEnd]
            },
            HostileList("the end without a listing") { _ in [.listingEnd, .listingEnd, .summary, .goodbye] },
            HostileList("everything gone: an empty source under --delete", options: Variants.deleting) { _ in
                [.opened(0), .entries([]), .listingEnd]
            },
            HostileList("a link to everything, deleted", options: Variants.deleting) { _ in
                [.opened(0), .entries([.file(bytes("file"))]), .listingEnd]
            },
        ]
    }
}
