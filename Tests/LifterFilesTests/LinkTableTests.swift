// The table behind `--hard-links`: against a dictionary, in memory and with most of it in a file.

import LifterSystem
import Testing

@testable import LifterFiles

@Suite struct LinkTableTests {
    private let files = KernelFileSystem()

    private func spool() -> RawDescriptor? {
        UnnamedFiles(
            fileSystem: files, settings: FileSettings(ownUserID: 0), directories: DirectoryTable(fileSystem: files)
        ).make()
    }

    private func table(pages: Int, makeFile: @escaping () -> RawDescriptor?) -> LinkTable {
        LinkTable(fileSystem: files, pageLimit: pages, chunkLimit: 2, seed: 5, makeFile: makeFile)
    }

    @Test("It keeps what a dictionary keeps", arguments: [(8, true), (100_000, true), (8, false)])
    func dictionary(_ pages: Int, _ hasFile: Bool) {
        var table = table(pages: pages) { hasFile ? spool() : nil }
        var expected: [LinkTableKey: LinkTableValue] = [:]
        var state: UInt64 = 88
        func random(_ limit: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % limit
        }
        for step in 0..<20_000 {
            let key = LinkTableKey(random(2) == 0 ? .group : .own, device: random(3), inode: random(5_000))
            switch random(10) {
            case 0...5:
                let value = LinkTableValue(low: UInt64(step), high: random(1 << 30))
                table.set(key, value)
                expected[key] = value
            case 6:
                table.remove(key)
                expected[key] = nil
            default: if table[key] != expected[key] { Issue.record("step \(step)") }
            }
        }
        for (key, value) in expected where table[key] != value { Issue.record("\(key) is lost") }
        #expect(table.count == expected.count)
        #expect(table.isSpooled == (pages == 8 && hasFile))
    }

    @Test("Paths come back, from memory and from the file", arguments: [true, false])
    func paths(_ hasFile: Bool) {
        var table = table(pages: 8) { hasFile ? spool() : nil }
        var kept: [(UInt64, [UInt8])] = []
        for number in 0..<6_000 {
            let length = number % 97 == 0 ? 70_000 : number % 300
            let path = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: length)
            kept.append((table.append(path), path))
        }
        for (position, path) in kept where table.bytes(at: position) != path { Issue.record("at \(position)") }
        #expect(table.isSpooled == hasFile)
    }

    /// Many more pages than stay in memory.
    @Test func manyGroupsStayWhole() {
        var table = table(pages: 64) { spool() }
        let count: UInt64 = 20_000
        for inode in 0..<count {
            table.set(LinkTableKey(.group, device: 1, inode: inode), LinkTableValue(low: inode, high: 1))
        }
        var lost = 0
        for inode in 0..<count where table[LinkTableKey(.group, device: 1, inode: inode)]?.low != inode { lost += 1 }
        #expect(lost == 0)
    }
}
