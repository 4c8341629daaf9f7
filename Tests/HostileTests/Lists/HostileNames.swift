// Names that no peer may send, in every place where a name can stand; and odd ones that are nobody's fault.

import LifterProtocol

enum HostileNames {
    /// Never acceptable as one component.
    static let forbidden: [[UInt8]] = [
        bytes(""), bytes("."), bytes(".."), bytes("../outside"), bytes("a/../.."), bytes("/"), bytes("/etc"),
        bytes("a/b"), bytes("a//b"), bytes("a/"), bytes("//"), bytes("out/file"), bytes("../../outside/canary/file"),
        [0x61, 0, 0x62], [0], bytes("..") + [0], [UInt8](repeating: 0x61, count: 256),
        [UInt8](repeating: 0x61, count: 4096), Array(repeatElement(bytes("deep/"), count: 4000).joined()),
        bytes(".sl-part-0123456789abcdef"), bytes(".sl-part-"), bytes(".sl-displaced-0123"), bytes(".sl-displaced-"),
    ]

    /// Odd, and to arrive exactly so.
    static let odd: [[UInt8]] = [
        bytes("\n"), bytes("a\nb"), bytes("\\"), bytes("a\\..\\b"), bytes("\u{1b}[2J"), bytes("-rf"), bytes("--delete"),
        [0xff, 0xfe], [0xc0, 0xaf], [0x80], bytes("..."), bytes(" "), bytes("~"), bytes("~root"), bytes(":"),
        bytes("host:path"), bytes("*"), bytes("$(reboot)"), bytes("`id`"), bytes("a;b"), bytes(".sl-par"),
        [UInt8](repeating: 0x78, count: 255), [UInt8](repeating: 0xff, count: 255), bytes("\t"), bytes("\r"),
        [0xe2, 0x80, 0xae], [1], [0x7f], bytes(".sl-displaced"),
    ]

    /// A forbidden name in each place, under a few options.
    static var lists: [HostileList] {
        forbidden.enumerated().flatMap { number, name in
            places(name, "name \(number)")
        }
    }

    private static func places(_ name: [UInt8], _ title: String) -> [HostileList] {
        var lists = [
            list("\(title) as a file", .file(name)),
            list("\(title) as a directory", .directory(name)),
            list("\(title) as a link", .link(name, to: bytes("/tmp"))),
            list("\(title) behind honest entries", .file(bytes("honest")), .file(name)),
            HostileList("\(title) as an opened directory", .refusal) { _ in
                [.opened(0), .entries([]), .opened(1, in: 0, named: name), .entries([.file(bytes("x"))], in: 1)]
            },
            HostileList("\(title) with contents promised", .refusal, options: Variants.ignoring) { key in
                [
                    .opened(0), .entries([.file(name, size: 3)], flags: 20),
                    .contents([.honest(1, "bad", key: key)]), .listingEnd,
                ]
            },
        ]
        var items = HostileList("\(title) as an item of the roots", .refusal) { _ in [.opened(0), .listingEnd] }
        items.shape = HostileFrame.rootsOfItems([(name, EntryKind.regular.rawValue)])
        lists.append(items)
        // The last name of a range orders names and opens nothing; it only must not do harm.
        lists.append(
            HostileList("\(title) at the end of a range", options: Variants.deleting) { _ in
                [.opened(0, streams: 0), .range(1, in: 0, count: 1, upTo: name), .listingEnd]
            })
        return lists
    }

    private static func list(_ title: String, _ entries: RawEntry...) -> HostileList {
        HostileList(title, .refusal) { _ in [.opened(0), .entries(entries), .listingEnd] }
    }

    /// Odd names are no reason to refuse anything; they must not lead anywhere, either.
    static var oddLists: [HostileList] {
        odd.enumerated().flatMap { number, name in
            [
                HostileList("odd name \(number) as a file") { key in
                    [
                        .opened(0), .entries([.file(name, size: 3)], flags: 20),
                        .contents([.honest(1, "odd", key: key)]), .listingEnd,
                    ]
                },
                HostileList("odd name \(number) as a directory", options: Variants.deleting) { _ in
                    [
                        .opened(0), .entries([.directory(name)]), .opened(1, in: 0, named: name),
                        .entries([.link(name, to: name)], in: 1, from: 2), .listingEnd,
                    ]
                },
            ]
        }
    }
}
