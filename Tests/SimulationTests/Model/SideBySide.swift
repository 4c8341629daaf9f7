// The same random calls on the model and on the kernel, one after the other, and every answer compared. Descriptors,
// inode numbers and times of the clock differ by nature; they are mapped or compared by what they mean.

import Glibc
import LifterSystem

struct SideBySide {
    private let model: ModelFileSystem
    private let kernel: KernelFileSystem
    private var random: SeededRandom
    /// Open descriptors, the same thing at the same place.
    private var open: [Pair] = []
    private let base: [UInt8]
    private let modelStart: FileTime
    private let kernelStart: Int64
    /// Whether two changes in a row always have different times (ext4 on kernel 6.13 and later).
    private let hasFineClock: Bool
    private let isExt4: Bool

    /// Inode numbers of the model and what the kernel calls them; times seen last.
    private var inodes: [UInt64: UInt64] = [:]
    private var seen: [UInt64: (model: FileStatus, kernel: FileStatus)] = [:]
    private(set) var log: [String] = []
    /// Calls that were carried out, and that failed, on both sides: a test that only fails shows nothing.
    private(set) var succeeded = 0
    private(set) var failed = 0

    private static let names: [[UInt8]] = ["a", "b", "c", "d", "e"].map { Array($0.utf8) }
    private static let oddNames: [[UInt8]] = [
        [], Array(".".utf8), Array("..".utf8), Array("/a".utf8), Array("a/b".utf8), [97, 0], [0xff, 0x0a],
        Array(repeating: 110, count: 255), Array(repeating: 110, count: 256), Array("a/".utf8), Array("a//b".utf8),
    ]

    /// `directory` is an empty directory of the test on the real disk.
    init(seed: UInt64, directory: [UInt8]) throws(Errno) {
        random = SeededRandom(seed: seed)
        let mask = Glibc.umask(0)
        _ = Glibc.umask(mask)
        var settings = ModelDisk.Settings()
        settings.namesPerRead = random.within(1...7)
        settings.nameOrder = .mixed(seed: seed)
        settings.tracksDurability = random.chance(50)
        model = ModelFileSystem(disk: ModelDisk(settings: settings), umask: mask)
        modelStart = model.disk.now
        base = directory

        let kernel = KernelFileSystem()
        self.kernel = kernel
        let top = try kernel.openRoot(base, [.read, .directory])
        defer { kernel.close(top) }
        let facts = try kernel.facts(of: top)
        isExt4 = facts.type == 0xef53
        let begin = try kernel.status(of: top)
        // Which call moves which time is ext4's way here; tmpfs for instance lets `reserve` move none.
        hasFineClock = facts.type == 0xef53 ? try Self.probeClock(kernel, top) : false
        kernelStart = begin.changed.seconds

        // Two levels below the top, so that a link with one `..` still leads to an empty place.
        for path in ["x", "x/y"] {
            let place = Array(path.utf8)
            let parent = try kernel.openRoot(base + Array("/".utf8) + TreeSnapshot.parent(of: place), .directory)
            try kernel.makeDirectory(TreeSnapshot.name(of: place)[...], in: parent, mode: 0o777)
            kernel.close(parent)
        }
        var tree = TreeSnapshot(items: [[]: TreeSnapshot.Item(kind: .directory, mode: 0o777 & ~mask)])
        let now = FileTime(seconds: modelStart.seconds, nanoseconds: 1)
        tree.items[[]]?.modified = now
        tree.items[Array("y".utf8)] = TreeSnapshot.Item(kind: .directory, mode: 0o777 & ~mask, modified: now)
        model.disk.plant(tree, at: base + Array("/x".utf8))
        let root = base + Array("/x/y".utf8)
        let flags: OpenFlags = [.read, .directory]
        open.append(Pair(model: try model.openRoot(root, flags), kernel: try kernel.openRoot(root, flags)))
    }

    private static func probeClock(_ kernel: KernelFileSystem, _ directory: RawDescriptor) throws(Errno) -> Bool {
        var last = try kernel.status(of: directory).changed
        for _ in 0..<50 {
            try kernel.setMode(0o755, of: directory)
            let now = try kernel.status(of: directory).changed
            if now == last { return false }
            last = now
        }
        return true
    }

    func closeAll() {
        for pair in open {
            model.close(pair.model)
            kernel.close(pair.kernel)
        }
    }

    /// Runs so many calls; the first disagreement in words.
    mutating func run(steps: Int) -> String? {
        for _ in 0..<steps {
            if let problem = step() { return problem }
        }
        return compareTrees()
    }

    // MARK: Comparing

    /// Makes one call on both and compares. `map` may say more about two successes.
    private mutating func both<Result>(
        _ what: String, _ call: (any FileSystem, Side) throws(Errno) -> Result,
        compare: (inout SideBySide, Result, Result) -> String?
    ) -> String? {
        let ours: Swift.Result<Result, Errno>
        let theirs: Swift.Result<Result, Errno>
        do throws(Errno) { ours = .success(try call(model, .model)) } catch { ours = .failure(error) }
        do throws(Errno) { theirs = .success(try call(kernel, .kernel)) } catch { theirs = .failure(error) }
        switch (ours, theirs) {
        case (.success(let mine), .success(let real)):
            succeeded += 1
            log.append("\(what) = ok")
            return compare(&self, mine, real).map { "\(what): \($0)" }
        case (.failure(let mine), .failure(let real)):
            failed += 1
            log.append("\(what) = \(real.name)")
            return mine == real ? nil : "\(what): model says \(mine.name), kernel \(real.name)"
        case (.success, .failure(let real)): return "\(what): model succeeds, kernel says \(real.name)"
        case (.failure(let mine), .success): return "\(what): model says \(mine.name), kernel succeeds"
        }
    }

    enum Side { case model, kernel }

    private struct Pair: CustomStringConvertible {
        var model: RawDescriptor
        var kernel: RawDescriptor
        func at(_ side: Side) -> RawDescriptor { side == .model ? model : kernel }
        var description: String { "\(kernel)" }
    }

    private mutating func same(_ what: String, _ call: (any FileSystem, Side) throws(Errno) -> Void) -> String? {
        both(what, call) { _, _, _ in nil }
    }

    private mutating func equal<Result: Equatable>(
        _ what: String, _ call: (any FileSystem, Side) throws(Errno) -> Result
    ) -> String? {
        both(what, call) { _, mine, real in mine == real ? nil : "model says \(mine), kernel \(real)" }
    }

    private mutating func compare(_ mine: FileStatus, _ real: FileStatus) -> String? {
        if mine.kind != real.kind { return "kind \(mine.kind), kernel \(real.kind)" }
        if mine.mode != real.mode { return "mode \(mine.mode.octal), kernel \(real.mode.octal)" }
        if mine.userID != real.userID || mine.groupID != real.groupID {
            return "owner \(mine.userID):\(mine.groupID), kernel \(real.userID):\(real.groupID)"
        }
        if mine.kind != .directory && mine.size != real.size { return "size \(mine.size), kernel \(real.size)" }
        if mine.links != real.links { return "links \(mine.links), kernel \(real.links)" }
        if mine.specialDevice != real.specialDevice { return "device \(mine.specialDevice), \(real.specialDevice)" }
        if let known = inodes[mine.inode], known != real.inode { return "another object: \(known), \(real.inode)" }
        inodes[mine.inode] = real.inode

        let mineIsNow = mine.modified.seconds >= modelStart.seconds && mine.modified.seconds < modelStart.seconds + 3600
        let realIsNow = real.modified.seconds >= kernelStart && real.modified.seconds < kernelStart + 3600
        if mineIsNow != realIsNow || !realIsNow && mine.modified != real.modified {
            return "time \(mine.modified), kernel \(real.modified)"
        }
        if let last = seen[mine.inode], last.kernel.inode == real.inode {
            let pairs = [
                ("modified", last.model.modified != mine.modified, last.kernel.modified != real.modified),
                ("changed", last.model.changed != mine.changed, last.kernel.changed != real.changed),
            ]
            for (name, mine, real) in pairs where real && !mine || hasFineClock && mine && !real {
                return "\(name) time: \(mine ? "moved" : "stayed"), kernel's \(real ? "moved" : "stayed")"
            }
        }
        seen[mine.inode] = (mine, real)
        return nil
    }

    /// Objects that are gone free their numbers, on each side in its own order.
    private mutating func forget(_ mine: FileStatus?) {
        guard let mine else { return }
        inodes[mine.inode] = nil
        seen[mine.inode] = nil
    }

    // MARK: Calls

    private mutating func name() -> ArraySlice<UInt8> {
        (random.chance(96) ? random.pick(Self.names) : random.pick(Self.oddNames))[...]
    }

    private mutating func pair() -> Pair {
        // Mostly the top, so that names meet; sometimes a number that was never opened.
        random.chance(1) ? Pair(model: -1, kernel: -1) : random.chance(30) ? open[0] : random.pick(open)
    }

    private mutating func path() -> ArraySlice<UInt8> {
        var path = Array(name())
        while random.chance(35) { path += [ModelPath.slash] + name() }
        return path[...]
    }

    private mutating func step() -> String? {
        if open.count > 24 { return closeOne() }
        switch random.below(24) {
        case 0...2: return openSomething()
        case 3: return closeOne()
        case 4...6: return statusOfName()
        case 7: return statusOfDescriptor()
        case 8: return listNames()
        case 9: return makeDirectory()
        case 10: return makeOther()
        case 11: return hardLink()
        case 12...13: return remove()
        case 14...16: return rename()
        case 17: return setMode()
        case 18: return setOwner()
        case 19: return setTime()
        case 20: return write()
        case 21: return read()
        case 22: return resize()
        default: return lockOrSync()
        }
    }

    private mutating func openSomething() -> String? {
        let flags: OpenFlags = random.pick([
            .read, [.read, .directory], .directory, [.read, .write], .write, [.write, .create],
            [.read, .write, .create], .create, .pathOnly, [.pathOnly, .directory], [.write, .truncate],
            [.read, .truncate], [],
            [.read, .noAccessTime], [.write, .directory], [.pathOnly, .create], [.write, .create, .truncate],
        ])
        let mode = UInt32(random.below(0o10000))
        let compare: (inout SideBySide, RawDescriptor, RawDescriptor) -> String? = { side, mine, real in
            side.open.append(Pair(model: mine, kernel: real))
            return side.compareOpen(mine, real)
        }
        if random.chance(8) {
            let at = pair()
            return both("reopen \(at)", { fs, side throws(Errno) in try fs.reopen(at.at(side)) }, compare: compare)
        }
        if random.chance(8) {
            let tail = Array(path())
            let path = base + Array("/x/y/".utf8) + tail
            return both(
                "openRoot \(Display.escaped(tail)) \(flags)",
                { fs, _ throws(Errno) in try fs.openRoot(path, flags) }, compare: compare)
        }
        let (at, path) = (pair(), path())
        return both(
            "open \(at) \(Display.escaped(path)) \(flags)",
            { fs, side throws(Errno) in try fs.open(path, in: at.at(side), flags, mode: mode) }, compare: compare)
    }

    private mutating func compareOpen(_ mine: RawDescriptor, _ real: RawDescriptor) -> String? {
        both(
            "status of what was opened",
            { fs, side throws(Errno) in try fs.status(of: side == .model ? mine : real) },
            compare: { $0.compare($1, $2) })
    }

    private mutating func closeOne() -> String? {
        guard open.count > 1 else { return nil }
        let pair = open.remove(at: random.within(1...open.count - 1))
        if let last = try? model.status(of: pair.model), last.links == 0 { forget(last) }
        log.append("close \(pair)")
        model.close(pair.model)
        kernel.close(pair.kernel)
        return nil
    }

    private mutating func statusOfName() -> String? {
        let (at, name) = (pair(), name())
        return both(
            "status \(at) \(Display.escaped(name))",
            { fs, side throws(Errno) in try fs.status(of: name, in: at.at(side)) }, compare: { $0.compare($1, $2) })
            ?? (random.chance(30)
                ? equal("readLink \(at) \(Display.escaped(name))") { fs, side throws(Errno) in
                    try fs.readLink(name, in: at.at(side))
                } : nil)
    }

    private mutating func statusOfDescriptor() -> String? {
        let at = pair()
        return both(
            "status \(at)", { fs, side throws(Errno) in try fs.status(of: at.at(side)) },
            compare: { $0.compare($1, $2) })
    }

    /// On a descriptor of its own, all portions in one go: what changes between two portions is not settled.
    private mutating func listNames() -> String? {
        let at = pair()
        return equal("names \(at)") { fs, side throws(Errno) in
            let descriptor = try fs.reopen(at.at(side))
            defer { fs.close(descriptor) }
            var names = DirectoryNames()
            while try fs.readNames(of: descriptor, into: &names) {}
            var found: [[UInt8]: FileKind] = [:]
            for index in 0..<names.count { found[Array(names[index])] = names.kinds[index] ?? .regular }
            return found
        }
    }

    private mutating func makeDirectory() -> String? {
        let (at, name, mode) = (pair(), name(), UInt32(random.below(0o10000)))
        return same("mkdir \(at) \(Display.escaped(name)) \(mode.octal)") { fs, side throws(Errno) in
            try fs.makeDirectory(name, in: at.at(side), mode: mode)
        }
    }

    private mutating func makeOther() -> String? {
        let (at, name) = (pair(), name())
        if random.chance(50) {
            let target: [UInt8] = random.pick([
                Array(self.name()), Array("../a".utf8), Array("a/b".utf8), [], Array(repeating: 120, count: 4095),
                Array(repeating: 120, count: 4096), [97, 0, 98], Array("./b/".utf8),
            ])
            return same("symlink \(at) \(Display.escaped(name))") { fs, side throws(Errno) in
                try fs.makeLink(to: target, named: name, in: at.at(side))
            }
        }
        let kind: FileKind = random.pick([
            .fifo, .fifo, .socket, .characterDevice, .blockDevice, .regular, .directory, .symlink,
        ])
        let mode = UInt32(random.below(0o10000))
        // Numbers without a driver: opening them says ENXIO.
        let device: UInt64 = 400 << 32 | UInt64(random.below(4))
        return same("mknod \(at) \(Display.escaped(name)) \(kind)") { fs, side throws(Errno) in
            try fs.makeNode(kind, named: name, in: at.at(side), mode: mode, device: device)
        }
    }

    private mutating func hardLink() -> String? {
        let (from, old, to, new) = (pair(), name(), pair(), name())
        return same("link \(from) \(Display.escaped(old)) \(to) \(Display.escaped(new))") { fs, side throws(Errno) in
            try fs.makeHardLink(from: old, in: from.at(side), to: new, in: to.at(side))
        }
    }

    private mutating func remove() -> String? {
        let (at, name, isDirectory) = (pair(), name(), random.chance(50))
        forgetIfLast(name, at)
        return same("remove \(at) \(Display.escaped(name)) \(isDirectory)") { fs, side throws(Errno) in
            try fs.remove(name, in: at.at(side), isDirectory: isDirectory)
        }
    }

    private mutating func rename() -> String? {
        let (from, old, to, new) = (pair(), name(), pair(), name())
        let mode: RenameMode = random.pick([.replace, .replace, .noReplace, .exchange])
        forgetIfLast(new, to)
        let what = "rename \(from) \(Display.escaped(old)) \(to) \(Display.escaped(new)) \(mode)"
        return same(what) { fs, side throws(Errno) in
            try fs.rename(old, in: from.at(side), to: new, in: to.at(side), mode)
        }
    }

    /// A name about to go may be the object's last; its number may come back for something else.
    private mutating func forgetIfLast(_ name: ArraySlice<UInt8>, _ at: Pair) {
        guard let status = try? model.status(of: name, in: at.model) else { return }
        if status.kind == .directory || status.links == 1 { forget(status) }
    }

    private mutating func setMode() -> String? {
        let (at, name, mode) = (pair(), name(), UInt32(random.below(0o10000)))
        let isOpen = random.chance(40)
        return same("chmod \(at) \(isOpen ? "" : Display.escaped(name)) \(mode.octal)") { fs, side throws(Errno) in
            if isOpen { return try fs.setMode(mode, of: at.at(side)) }
            try fs.setMode(mode, of: name, in: at.at(side))
        }
    }

    private mutating func setOwner() -> String? {
        let (at, name, isOpen) = (pair(), name(), random.chance(40))
        let user: UInt32? = random.pick([nil, 0, 1, 65_534, .max])
        let group: UInt32? = random.pick([nil, 0, 7, .max - 1])
        return same("chown \(at) \(isOpen ? "" : Display.escaped(name))") { fs, side throws(Errno) in
            if isOpen { return try fs.setOwner(user: user, group: group, of: at.at(side)) }
            try fs.setOwner(user: user, group: group, of: name, in: at.at(side))
        }
    }

    private mutating func setTime() -> String? {
        let (at, name, isOpen) = (pair(), name(), random.chance(40))
        var seconds: [Int64] = [0, -1, 1, 1_234_567_890, 1 << 31, 1 << 32, (1 << 33) - 1]
        if isExt4 { seconds += [-(1 << 31), -(1 << 31) - 5, (1 << 34) - (1 << 31) - 1, 1 << 40, .max, .min] }
        let nanoseconds = random.pick([0, 1, 999_999_999, 1_000_000_000, (1 << 30) - 1, (1 << 30) - 2])
        let time = FileTime(seconds: random.pick(seconds), nanoseconds: UInt32(nanoseconds))
        return same("utimens \(at) \(isOpen ? "" : Display.escaped(name)) \(time)") { fs, side throws(Errno) in
            if isOpen { return try fs.setModified(time, of: at.at(side)) }
            try fs.setModified(time, of: name, in: at.at(side))
        }
    }

    private mutating func write() -> String? {
        let (at, bytes) = (pair(), random.bytes(random.pick([0, 1, 100, 4096, 5000])))
        let offset: UInt64 = random.pick([0, 0, 1, 4096, 10_000, .max])
        return equal("write \(at) \(bytes.count) at \(offset)") { fs, side throws(Errno) in
            try fs.write(bytes, to: at.at(side), at: offset)
        }
    }

    private mutating func read() -> String? {
        let (at, count) = (pair(), random.pick([0, 1, 5000, 30_000]))
        let offset: UInt64 = random.pick([0, 0, 1, 4096, 9_999, 1 << 40, .max])
        return equal("read \(at) \(count) at \(offset)") { fs, side throws(Errno) in
            try fs.read(at.at(side), upTo: count, at: offset)
        }
    }

    private mutating func resize() -> String? {
        let at = pair()
        let size: UInt64 = random.pick([0, 1, 100, 4096, 20_000, .max])
        switch random.below(3) {
        case 0:
            return same("reserve \(at) \(size)") { fs, side throws(Errno) in
                try fs.reserve(at.at(side), size: size)
            }
        case 1:
            let to = pair()
            if !isExt4 { return nil }
            return same("clone \(at) \(to)") { fs, side throws(Errno) in
                try fs.clone(at.at(side), from: 0, length: min(size, 4096), to: to.at(side), at: 0)
            }
        default:
            return same("truncate \(at) \(size)") { fs, side throws(Errno) in
                try fs.truncate(at.at(side), to: size)
            }
        }
    }

    private mutating func lockOrSync() -> String? {
        let (at, isDirectory) = (pair(), random.chance(50))
        // Syncing waits for the real disk: seldom.
        if random.chance(3) {
            return same("sync \(at)") { fs, side throws(Errno) in try fs.sync(at.at(side)) }
        }
        return equal("lock \(at) \(isDirectory)") { fs, side throws(Errno) in
            try fs.lock(at.at(side), isDirectory: isDirectory)
        }
    }

    // MARK: The end

    /// Everything that can be reached on both sides, with contents.
    private mutating func compareTrees() -> String? {
        var waiting: [[UInt8]] = [[]]
        let top = open[0]
        while let path = waiting.popLast() {
            let what = "at the end, /\(Display.escaped(path))"
            var names: [[UInt8]] = []
            let problem = both(
                what,
                { fs, side throws(Errno) in
                    let at = top.at(side)
                    let directory =
                        path.isEmpty
                        ? try fs.reopen(at) : try fs.open(path[...], in: at, [.read, .directory], mode: 0)
                    defer { fs.close(directory) }
                    return try Self.look(fs, directory)
                },
                compare: { side, mine, real in
                    names = mine.keys.filter { mine[$0]?.status.kind == .directory }
                    if Set(mine.keys) != Set(real.keys) { return "other names" }
                    for (name, one) in mine {
                        guard let other = real[name] else { return "other names" }
                        if let problem = side.compare(one.status, other.status) {
                            return "\(Display.escaped(name)): \(problem)"
                        }
                        if one.bytes != other.bytes { return "\(Display.escaped(name)): other contents" }
                    }
                    return nil
                })
            if let problem { return problem }
            waiting += names.map { TreeSnapshot.path(path, $0) }
        }
        return nil
    }

    private static func look(
        _ fs: any FileSystem, _ directory: RawDescriptor
    ) throws(Errno) -> [[UInt8]: (status: FileStatus, bytes: [UInt8])] {
        var names = DirectoryNames()
        while try fs.readNames(of: directory, into: &names) {}
        var found: [[UInt8]: (status: FileStatus, bytes: [UInt8])] = [:]
        for index in 0..<names.count {
            let status = try fs.status(of: names[index], in: directory)
            var bytes: [UInt8] = []
            if status.kind == .symlink { bytes = try fs.readLink(names[index], in: directory) }
            if status.kind == .regular {
                let file = try fs.open(names[index], in: directory, .read, mode: 0)
                defer { fs.close(file) }
                bytes = try fs.read(file, upTo: Int(status.size) + 1, at: 0)
            }
            found[Array(names[index])] = (status, bytes)
        }
        return found
    }
}
