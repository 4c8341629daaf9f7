import Glibc
import LifterProtocol
import LifterSystem
import Synchronization
import Testing

@testable import LifterFiles

/// What a name can be in the tests of changing types.
enum Thing: String, CaseIterable, Sendable {
    case file, directory, fullDirectory, link, fifo

    func make(_ name: String, in place: Destination) {
        switch self {
        case .file: place.write(name, "old")
        case .directory: place.makeDirectory(name)
        case .fullDirectory:
            place.makeDirectory(name)
            place.write("\(name)/inside", "old")
            place.makeDirectory("\(name)/sub")
            place.write("\(name)/sub/deep", "old")
        case .link: place.makeLink(name, to: "old")
        case .fifo: precondition(mkfifo("\(place.path)/\(name)", 0o600) == 0)
        }
    }

    /// Puts it in place of whatever is there.
    func put(_ name: String, _ layer: FileLayer, rule: ReplaceRule) -> PlaceResult {
        switch self {
        case .file: return layer.writeSmall(name, "new", rule: rule)
        case .directory, .fullDirectory:
            let made = layer.perform(
                .makeDirectory(id: 7, parent: 0, entry: entry(name, .directory), rule: rule)
            ).placed
            guard case .done = made else { return made }
            if self == .fullDirectory {
                let written = layer.writeSmall("child", "new", in: 7)
                guard case .done = written else { return written }
            }
            let published = layer.perform(.publishDirectory(id: 7, final: nil)).placed
            guard case .done = published else { return published }
            return layer.perform(
                .finishDirectory(id: 7, FinalAttributes(entry(name, .directory).attributes, set: everything))
            ).placed
        case .link:
            return layer.perform(
                .makeObject(
                    directory: 0, entry: entry(name, .symlink, mode: 0o777, target: "new"), set: everything,
                    rule: rule)
            ).placed
        case .fifo:
            return layer.perform(
                .makeObject(directory: 0, entry: entry(name, .fifo, mode: 0o640), set: everything, rule: rule)
            ).placed
        }
    }

    func isThere(_ name: String, in place: Destination) -> Bool {
        guard let status = place.status(name) else { return false }
        let type = status.st_mode & S_IFMT
        switch self {
        case .file: return place.contents(name) == "new"
        case .directory, .fullDirectory:
            return type == S_IFDIR && status.st_mode & 0o7777 == 0o755 && status.st_mtim.tv_sec == 1_000
                && place.names(name) == (self == .fullDirectory ? ["\(name)/child"] : [])
        case .link: return place.target(name) == "new" && status.st_mtim.tv_sec == 1_000
        case .fifo: return type == S_IFIFO && status.st_mode & 0o7777 == 0o640 && status.st_mtim.tv_sec == 1_000
        }
    }
}

@Suite struct PlacementTests {
    private static let pairs: [(Thing, Thing)] = Thing.allCases.flatMap { old in
        Thing.allCases.compactMap { new in
            let directories = [Thing.directory, .fullDirectory]
            let areDirectories = directories.contains(old) && directories.contains(new)
            return areDirectories ? nil : (old, new)
        }
    }

    /// While one thing takes another's place, a second thread sees that the name is never missing.
    @Test(arguments: pairs) func everyTypeTakesThePlaceOfEveryOther(_ old: Thing, _ new: Thing) throws {
        let place = Destination()
        old.make("name", in: place)
        let observer = Observer(path: "\(place.path)/name")
        let layer = try place.layer()
        var rule = ReplaceRule()
        rule.removeDirectory = true
        let result = new.put("name", layer, rule: rule)
        let misses = observer.stop()
        #expect(result.isDone, "\(old) to \(new): \(result)")
        #expect(misses == 0)
        #expect(new.isThere("name", in: place))
        #expect(place.leftovers.isEmpty)
    }

    @Test(arguments: pairs) func theSameWithoutExchange(_ old: Thing, _ new: Thing) throws {
        let place = Destination()
        old.make("name", in: place)
        let system = FaultingFileSystem(.init(at: 1, errno: .invalid, isKill: true, only: .exchange))
        let layer = try place.layer(system)
        var rule = ReplaceRule()
        rule.removeDirectory = true
        let result = new.put("name", layer, rule: rule)
        #expect(result.isDone, "\(old) to \(new): \(result)")
        #expect(new.isThere("name", in: place))
        #expect(place.leftovers.isEmpty)
    }

    @Test func aFullDirectoryStaysUnlessTheRuleSaysOtherwise() throws {
        let place = Destination()
        Thing.fullDirectory.make("name", in: place)
        let layer = try place.layer()
        let before = place.names()
        for new in [Thing.file, .link, .fifo, .directory] {
            #expect(new.put("name", layer, rule: ReplaceRule()).problem?.code == .inTheWay)
            #expect(place.names() == before)
        }
        var rule = ReplaceRule()
        rule.removeDirectory = true
        let protecting = try place.layer { _ = $0.filter.add(bytes("deep")[...], as: .exclude) }
        #expect(Thing.file.put("name", protecting, rule: rule).problem?.code == .inTheWay)
        #expect(place.names() == before)
    }

    /// The directory that was empty when looked at gets a file before it is removed.
    @Test func aDirectoryThatIsFilledMeanwhileComesBack() throws {
        let place = Destination()
        place.makeDirectory("name")
        let path = place.path
        let system = FaultingFileSystem()
        system.onCall { call, _ in
            if call == .exchange {
                let file = Glibc.open("\(path)/name/late", O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
                if file >= 0 { Glibc.close(file) }
            }
        }
        let layer = try place.layer(system)
        #expect(Thing.file.put("name", layer, rule: ReplaceRule()).problem?.code == .inTheWay)
        #expect(place.names() == ["name", "name/late"])
    }

    @Test func displacedNamesAreNotReusedAndNotSwept() throws {
        let place = Destination()
        let displaced = String(decoding: PartName.displaced(of: bytes("name")), as: UTF8.self)
        place.write(displaced, "of the user")
        Thing.directory.make("name", in: place)
        let layer = try place.layer()
        #expect(Thing.file.put("name", layer, rule: ReplaceRule()).isDone)
        _ = layer.perform(.sweep(directory: 0, names: [bytes("name"), bytes(displaced)]))
        #expect(place.names() == [displaced, "name"].sorted())
        #expect(place.contents(displaced) == "of the user")
    }

    @Test func appendOnlyReplacesNothing() throws {
        let place = Destination()
        place.write("there", "old")
        let layer = try place.layer { $0.appendOnly = true }
        #expect(layer.writeSmall("there", "new").problem?.code == .refused)
        #expect(layer.writeSmall("fresh", "new").isDone)
        #expect(place.contents("there") == "old")
        guard
            case .plannedDeletion(let count, let problem) = layer.perform(
                .planDeletion(directory: 0, name: bytes("there"), countOnly: false))
        else { throw Errno.invalid }
        #expect(count == 0 && problem?.code == .refused)
    }

    @Test func reservedAndImpossibleNamesAreRefused() throws {
        let place = Destination()
        let layer = try place.layer()
        for name in ["..", ".", "", "a/b", part(of: "x"), "../outside"] {
            #expect(layer.writeSmall(name, "x").problem?.code == .refused)
            #expect(Thing.link.put(name, layer, rule: ReplaceRule()).problem?.code == .refused)
        }
        #expect(place.names() == [])
    }

    @Test func attributesAreSetOnWhatWasMeantOnly() throws {
        let place = Destination()
        place.write("file", "x", mode: 0o600)
        place.makeLink("link", to: "file")
        let layer = try place.layer()
        let meant = entry("link", .regular, mode: 0o777)
        #expect(
            layer.perform(.setAttributes(directory: 0, entry: meant, set: everything)).placed.problem?.code
                == .changed)
        #expect(place.mode("file") == 0o600)
        #expect(
            layer.perform(
                .setAttributes(directory: 0, entry: entry("link", .symlink, seconds: 77), set: everything)
            ).placed.isDone)
        #expect(place.seconds("link") == 77)
        let file = entry("file", .regular, mode: 0o4711, seconds: 78, user: 1234, group: 1234)
        #expect(layer.perform(.setAttributes(directory: 0, entry: file, set: everything)).placed.isDone)
        #expect(place.mode("file") == 0o4711)
        #expect(place.seconds("file") == 78)
    }

    /// As an ordinary user, a directory of ours without write permission is opened for the time of the work.
    @Test func anUnwritableDirectoryIsMadeWritableAndRestored() throws {
        guard geteuid() == 0 else { return }
        let place = Destination()
        place.makeDirectory("d", mode: 0o500)
        #expect(chown("\(place.path)/d", 1234, 1234) == 0)
        let system = FaultingFileSystem()
        let layer = try place.layer(system) { $0.ownUserID = 1234 }
        _ = layer.perform(.scan(id: 1, parent: 0, name: bytes("d")))
        // Root is never refused, so the refusal is played.
        system.arm(.init(at: 1, errno: .access, only: .open))
        #expect(layer.stageIn(1, "f", "x").isDone)
        #expect(place.mode("d") == 0o700)
        let attributes = entry("d", .directory, mode: 0o500).attributes
        #expect(layer.perform(.finishDirectory(id: 1, FinalAttributes(attributes, set: .times))).placed.isDone)
        #expect(place.mode("d") == 0o500)
        #expect(place.seconds("d") == 1_000)
        #expect(place.contents("d/f") == "x")
    }
}

extension FileLayer {
    func stageIn(_ directory: DirectoryID, _ name: String, _ contents: String) -> PlaceResult {
        writeSmall(name, contents, in: directory, set: [.mode, .times])
    }
}

/// Looks at a name again and again from a thread of its own, and counts how often it was missing.
final class Observer: @unchecked Sendable {
    private let path: String
    private let stopping = Atomic<Bool>(false)
    private let misses = Atomic<Int>(0)
    private let looks = Atomic<Int>(0)
    private var thread = pthread_t()

    init(path: String) {
        self.path = path
        let box = Unmanaged.passRetained(self)
        pthread_create(
            &thread, nil,
            { context in
                let observer = Unmanaged<Observer>.fromOpaque(context!).takeRetainedValue()
                observer.watch()
                return nil
            }, box.toOpaque())
        while looks.load(ordering: .relaxed) == 0 { sched_yield() }
    }

    private func watch() {
        var status = stat()
        while !stopping.load(ordering: .relaxed) {
            if lstat(path, &status) != 0 { misses.wrappingAdd(1, ordering: .relaxed) }
            looks.wrappingAdd(1, ordering: .relaxed)
        }
    }

    func stop() -> Int {
        stopping.store(true, ordering: .relaxed)
        pthread_join(thread, nil)
        return misses.load(ordering: .relaxed)
    }
}
