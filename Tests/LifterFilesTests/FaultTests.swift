import Glibc
import LifterProtocol
import LifterSystem
import Testing

@testable import LifterFiles

/// One job of every kind of step, with a fault at every one of its calls.
@Suite struct FaultTests {
    /// What may be seen under a name: as text, so that failures can be read. Names not listed may not exist.
    private static let old: [String: String] = [
        "file": "file old", "small": "file old", "link": "link old", "becomes-file": "directory",
        "becomes-file/inside": "file old", "becomes-directory": "file old", "gone": "directory",
        "gone/a": "file old", "gone/b": "file old", "extra": "file old",
    ]
    private static let new: [String: String] = [
        "file": "file new", "small": "file new", "link": "link new", "becomes-file": "file new",
        "becomes-directory": "directory", "becomes-directory/child": "file new", "fresh": "directory",
        "fresh/one": "file new", "fresh/link": "link new", "fifo": "fifo", "created": "file new",
    ]

    private func makeOld(_ place: Destination) {
        for (name, what) in Self.old.sorted(by: { $0.key < $1.key }) {
            switch what {
            case "directory": place.makeDirectory(name)
            case "link old": place.makeLink(name, to: "old")
            default: place.write(name, "old")
            }
        }
    }

    /// The problems it met. A step whose forerunner failed is left out, as the machine does.
    private func runJob(_ layer: FileLayer) -> [FileProblem] {
        var problems: [FileProblem] = []
        func done(_ result: PlaceResult) -> Bool {
            if let problem = result.problem { problems.append(problem) }
            return result.isDone
        }
        var rule = ReplaceRule()
        rule.removeDirectory = true
        for name in ["small", "created"] { _ = done(layer.writeSmall(name, "new", rule: rule)) }
        _ = done(layer.stage("file", "new", digest: digest("new"), rule: rule))
        _ = done(layer.stage("becomes-file", "new", digest: nil, rule: rule))
        _ = done(Thing.link.put("link", layer, rule: rule))
        _ = done(Thing.fifo.put("fifo", layer, rule: rule))
        let directories: [(DirectoryID, String, [String])] = [
            (1, "fresh", ["one"]), (2, "becomes-directory", ["child"]),
        ]
        for (id, name, files) in directories {
            let wanted = entry(name, .directory)
            guard done(layer.perform(.makeDirectory(id: id, parent: 0, entry: wanted, rule: rule)).placed) else {
                continue
            }
            for file in files { _ = done(layer.writeSmall(file, "new", in: id)) }
            if id == 1 {
                let link = entry("link", .symlink, mode: 0o777, target: "new")
                _ = done(
                    layer.perform(
                        .makeObject(directory: id, entry: link, set: everything, rule: ReplaceRule())
                    ).placed)
            }
            guard done(layer.perform(.publishDirectory(id: id, final: nil)).placed) else { continue }
            _ = done(
                layer.perform(.finishDirectory(id: id, FinalAttributes(wanted.attributes, set: everything))).placed)
        }
        for name in ["gone", "extra"] {
            if case .plannedDeletion(_, let problem?) = layer.perform(
                .planDeletion(directory: 0, name: bytes(name), countOnly: false))
            {
                problems.append(problem)
            }
        }
        for _ in 0..<100 {
            guard case .deleted(_, let failures, let more) = layer.perform(.deletePlanned) else { break }
            problems += failures.map(\.problem)
            if !more { break }
        }
        return problems
    }

    private func sweep(_ layer: FileLayer) {
        let names = Self.new.keys.filter { !$0.contains("/") }.map { bytes($0) }
        _ = layer.perform(.sweep(directory: 0, names: names))
    }

    private func look(_ place: Destination) -> [String: String] {
        var found: [String: String] = [:]
        for name in place.names() {
            guard let status = place.status(name) else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: found[name] = "directory"
            case S_IFLNK: found[name] = "link \(place.target(name) ?? "?")"
            case S_IFIFO: found[name] = "fifo"
            default: found[name] = "file \(place.contents(name) ?? "?")"
            }
        }
        return found
    }

    /// Every name is old or new; what was there before is never lost without something in its place.
    private func check(_ found: [String: String], _ context: String) {
        for (name, what) in found where !name.contains(".sl-") {
            #expect(
                what == Self.old[name] || what == Self.new[name], "\(context): \(name) is \(what)")
        }
        for name in ["file", "small", "link", "becomes-file", "becomes-directory"] {
            #expect(found[name] != nil, "\(context): \(name) is missing")
        }
    }

    private static let errors: [Errno] = [
        .io, .noSpace, .access, .noEntry, .quota, .permission, .readOnly, .noMemory, .tooManyOpen, .exists,
        .notSupported, .loop, .stale, .invalid, .busy, .notEmpty,
    ]

    private func countCalls() throws -> Int {
        let place = Destination()
        makeOld(place)
        let system = FaultingFileSystem()
        let layer = try place.layer(system)
        system.forgetCalls()
        #expect(runJob(layer) == [])
        #expect(look(place) == Self.new)
        return system.calls.count
    }

    @Test(arguments: errors) func anyCallMayFailOnce(_ errno: Errno) throws {
        let total = try countCalls()
        // Every call with the commonest reasons; with the others every third, each reason its own third.
        let index = Self.errors.firstIndex(of: errno) ?? 0
        let (first, step) = index < 4 ? (1, 1) : (1 + index % 3, 3)
        for at in stride(from: first, through: total, by: step) {
            let place = Destination()
            makeOld(place)
            let system = FaultingFileSystem()
            var problems: [FileProblem] = []
            do {
                let layer = try place.layer(system)
                system.forgetCalls()
                system.arm(.init(at: at, errno: errno))
                problems = runJob(layer)
                layer.abandonAll()
            }
            // Portions end by the clock, too, so one run may need a call less than another.
            guard let call = system.calls.dropFirst(at - 1).first else { continue }
            let context = "\(errno.name) at call \(at), \(call)"
            let found = look(place)
            check(found, context)
            #expect(system.openCount == 0, "\(context): descriptors are left open")
            if problems.isEmpty {
                let wasSkipped = errno == .noEntry  // a name that has gone is nothing to delete
                #expect(found == Self.new || wasSkipped, "\(context): no problem, but \(found)")
            }
            // Where the removal itself is what failed, the leftover is swept by the next run.
            if call != .remove && !(errno == .noEntry) {
                let left = place.leftovers
                #expect(left.allSatisfy { $0.contains(".sl-displaced-") }, "\(context): \(left)")
                // What was swapped out but could not be removed is the user's: it is reported, never lost.
                #expect(left.isEmpty || !problems.isEmpty, "\(context): \(left)")
            }
        }
    }

    @Test func afterAKillTheNextRunCompletes() throws {
        let total = try countCalls()
        for at in 1...total {
            let place = Destination()
            makeOld(place)
            let system = FaultingFileSystem()
            do {
                let layer = try place.layer(system)
                system.forgetCalls()
                system.arm(.init(at: at, errno: .io, isKill: true))
                _ = runJob(layer)
            }
            guard let call = system.calls.dropFirst(at - 1).first else { continue }
            let context = "killed at call \(at), \(call)"
            check(look(place), context)
            system.arm(nil)
            let layer = try place.layer(system)
            let there = look(place)
            let wasMade = ["fresh", "becomes-directory"].filter { there[$0] == "directory" }
            // The machine would look into directories that are there; here they go first.
            for name in wasMade { _ = TreeRemovalForTests.remove(name, place) }
            if wasMade.contains("becomes-directory") { place.write("becomes-directory", "old") }
            sweep(layer)
            #expect(runJob(layer) == [], "\(context)")
            let left = place.leftovers.filter { !$0.contains(".sl-displaced-") }
            #expect(left == [], "\(context)")
            #expect(look(place).filter { !$0.key.contains(".sl-") } == Self.new, "\(context)")
        }
    }
}

enum TreeRemovalForTests {
    static func remove(_ name: String, _ place: Destination) -> FileProblem? {
        let system = KernelFileSystem()
        guard let root = try? system.openRoot(bytes(place.path), [.read, .directory]) else { return nil }
        defer { system.close(root) }
        return TreeRemoval.removeAll(bytes(name), in: root, fileSystem: system)
    }
}
