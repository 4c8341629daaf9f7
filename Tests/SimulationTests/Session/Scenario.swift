// Two trees, a job and a stream, all from one seed.

import Glibc
import LifterCodec
import LifterProtocol
import LifterSystem

struct Scenario {
    let seed: UInt64
    var plan = SessionPlan()
    var source = TreeSnapshot()
    var old = TreeSnapshot()
    var random: SeededRandom
    /// Names that an object may have.
    var mostLinks = 65_000

    /// Any options.
    static func withOptions(_ seed: UInt64) -> Scenario {
        var scenario = Scenario(seed: seed)
        scenario.chooseOptions()
        scenario.chooseStream()
        scenario.growTrees()
        scenario.chooseDelta()
        scenario.chooseDigest()
        scenario.choosePartials()
        scenario.moveSome()
        scenario.rearrangeSome()
        return scenario
    }

    /// Everything is kept; only deletion varies.
    static func plain(_ seed: UInt64) -> Scenario {
        var scenario = Scenario(seed: seed)
        scenario.plan.options.delete = scenario.random.pick([.none, .none, .after, .after, .before])
        scenario.plan.options.deleteFromEmpty = true
        scenario.plan.options.force = scenario.random.chance(30)
        scenario.plan.options.checksum = scenario.random.chance(15)
        scenario.plan.options.keepHardLinks = scenario.random.chance(60)
        scenario.plan.syncs = scenario.random.chance(20)
        scenario.plan.options.sparse = scenario.random.chance(20)
        scenario.chooseStream()
        scenario.growTrees()
        scenario.chooseDelta()
        scenario.chooseDigest()
        scenario.choosePartials()
        scenario.moveSome()
        scenario.rearrangeSome()
        return scenario
    }

    init(seed: UInt64) {
        self.seed = seed
        random = SeededRandom(seed: seed)
    }

    // MARK: Choosing

    private mutating func chooseOptions() {
        var options = JobOptions()
        options.dryRun = random.chance(10)
        options.checksum = random.chance(20)
        options.ignoreTimes = random.chance(10)
        options.sizeOnly = random.chance(10)
        options.update = random.chance(15)
        options.existing = random.chance(10)
        options.ignoreExisting = random.chance(10)
        options.delete = random.pick([.none, .none, .after, .after, .before])
        options.deleteFromEmpty = random.chance(50)
        options.force = random.chance(20)
        if random.chance(15) { options.maxDelete = UInt64(random.below(6)) }
        options.numericIDs = random.chance(20)
        options.keepPermissions = !random.chance(15)
        options.keepTimes = !random.chance(15)
        options.keepUser = !random.chance(15)
        options.keepGroup = !random.chance(15)
        options.keepLinks = !random.chance(10)
        options.keepDevices = !random.chance(10)
        options.keepSpecials = !random.chance(10)
        options.omitDirectoryTimes = random.chance(15)
        options.keepHardLinks = random.chance(60)
        if random.chance(15) { options.sparse = true } else if random.chance(15) { options.writing = .inPlace }
        plan.options = options
        if random.chance(10) { plan.abilities.remove(.owners) }
        if random.chance(10) { plan.abilities.remove(.setIDs) }
        if random.chance(20) && !options.numericIDs { plan.ownerShift = 7 }
    }

    private mutating func chooseStream() {
        plan.direction = random.pick([.push, .pull])
        if random.chance(15) {
            plan.isInProcess = true
            plan.clones = random.chance(60)
        }
        plan.capacity = random.pick([1, 7, 100, 4096, 4096, 1 << 16])
        plan.outputBuffer = random.pick([1, 1, 4096, 1 << 17])
        plan.poolSize = random.within(1...4)
        plan.options.compression = random.pick([.none, .auto, .standard, .zlib(level: 1)])
        plan.codecSeed = seed % 3 == 0 ? 0 : seed
        plan.pace = [0, 1, 200_000][Int(seed % 3)]
        plan.eventLimit = seed % 4 == 1 ? Int(1 + seed % 7) : 0
        if random.chance(50) && !plan.isInProcess {
            plan.clientLimits = SessionPlan.smallestLimits
            plan.serverLimits = SessionPlan.smallestLimits
        }
        plan.workLimit = seed % 8 == 6 ? Int(1 + seed % 5) : 0
        plan.listingsKept = seed % 8 == 5 ? Int(1 + seed % 3000) : 0
        plan.lateEffects = random.chance(30) && !plan.isInProcess ? 40 : 0
        plan.heldDirectories = random.pick([2, 3, 16, 64])
        plan.smallestPartial = random.pick([0, 1, 1000, 100 << 10])
        plan.digestStep = random.pick([100, 64 << 10])
        if random.chance(15) { plan.source = Array("/src".utf8) }
    }

    /// Small files are told by their difference, too, with any blocks.
    private mutating func chooseDelta() {
        plan.options.delta = random.pick([.auto, .auto, .auto, .always, .never])
        plan.options.refine = random.pick([.auto, .always, .never])
        if random.chance(40) { plan.options.blockLength = UInt32(random.pick([64, 65, 100, 512, 700, 4096, 70_000])) }
    }

    /// By the seed, so that all else is drawn as before.
    private mutating func chooseDigest() {
        if seed % 7 == 3, SHA256.isHere { plan.options.digest = .sha256 }
    }

    private mutating func choosePartials() {
        switch seed % 5 {
        case 2: plan.options.partialDirectory = SessionPlan.partialName
        case 4: plan.options.partialDirectory = Array("/parts".utf8)
        default: break
        }
    }

    private mutating func growTrees() {
        var limits = TreeGenerator.Limits()
        limits.entries = plan.capacity < 100 ? 14 : random.pick([10, 40, 150, 400])
        limits.largestFile = plan.capacity < 100 ? 600 : limits.entries > 100 ? 9_000 : 300 << 10
        if plan.capacity < 4096 { limits.largestFile = min(limits.largestFile, 8_000) }
        limits.depth = random.pick([2, 5, 8])
        // Where the size alone decides, names of one file need not hold what the source has.
        limits.linksNames = random.chance(70) && !plan.options.sizeOnly
        var generator = TreeGenerator(seed: random.next(), limits: limits)
        source = generator.tree()
        switch random.below(5) {
        case 0: old = TreeSnapshot(items: [[]: TreeSnapshot.Item(kind: .directory, mode: 0o755)])
        case 1: old = generator.tree()
        default: old = generator.mutate(source)
        }
        // Attributes go through to other names of a file, unless hard links are kept.
        if !plan.options.keepHardLinks { old.links = [:] }
    }

    // MARK: Trees as the job sees them

    /// The part of the source that the job keeps, put where the destination's root is.
    var sentTree: TreeSnapshot {
        var tree = TreeSnapshot()
        for path in source.paths {
            guard let item = source.items[path] else { continue }
            switch item.kind {
            case .symlink: if !plan.options.keepLinks { continue }
            case .characterDevice, .blockDevice: if !plan.options.keepDevices { continue }
            case .fifo, .socket: if !plan.options.keepSpecials { continue }
            case .regular, .directory: break
            }
            tree.items[path] = item
        }
        for group in source.groups { tree.link(group.filter { tree.items[$0] != nil }) }
        return tree
    }

    /// `push src dst` copies into dst/src.
    var isNamed: Bool { plan.source.last != UInt8(ascii: "/") }
    var target: [UInt8] { isNamed ? Array("dst/src".utf8) : Array("dst".utf8) }

    func expected(over old: TreeSnapshot) -> ExpectedTree {
        ExpectedTree(
            source: sentTree, old: old.withoutReserved, options: plan.options, abilities: plan.abilities,
            ownerShift: plan.ownerShift)
    }

    // MARK: Disks

    struct Disks {
        var source: ModelFileSystem
        var destination: ModelFileSystem
    }

    func disks(faults: FaultPlan = .none, sourceFaults: FaultPlan = .none) -> Disks {
        var settings = ModelDisk.Settings()
        settings.nameOrder = seed % 2 == 0 ? .mixed(seed: seed) : .sorted
        settings.mostLinks = mostLinks
        settings.canClone = seed % 3 == 0
        settings.namesPerRead = seed % 5 == 0 ? 1 : 100
        let disk = ModelDisk(settings: settings)
        disk.plant(source, at: Array("src".utf8))
        let destination: ModelFileSystem
        if plan.isInProcess {
            disk.plant(old, at: target)
            destination = ModelFileSystem(disk: disk, faults: faults)
            return Disks(source: destination, destination: destination)
        }
        settings.nameOrder = .mixed(seed: seed &+ 1)
        let other = ModelDisk(settings: settings)
        other.plant(old, at: target)
        return Disks(
            source: ModelFileSystem(disk: disk, faults: sourceFaults),
            destination: ModelFileSystem(disk: other, faults: faults))
    }

    /// The next processes on the same disks.
    func next(_ disks: Disks) -> Disks {
        let source = disks.source.anotherProcess()
        return Disks(source: source, destination: plan.isInProcess ? source : disks.destination.anotherProcess())
    }

    func simulation(_ disks: Disks, run: UInt64 = 0) -> Simulation {
        Simulation(plan, seed: seed &* 1_000 &+ run, source: disks.source, destination: disks.destination)
    }

    func result(_ disks: Disks) -> TreeSnapshot {
        disks.destination.disk.snapshot(at: target) ?? TreeSnapshot()
    }
}

/// Seeds of session tests: `SUPERLIFTER_SEEDS=10000` runs more, `SUPERLIFTER_SEED=4711` one.
enum SessionSeeds {
    static func upTo(_ count: UInt64) -> [UInt64] {
        if let one = number("SUPERLIFTER_SEED") { return [one] }
        // A test that has its own smaller share keeps it.
        let wanted = number("SUPERLIFTER_SEEDS").map { max(1, $0 * count / 300) } ?? count
        return Array(1...wanted)
    }

    private static func number(_ name: String) -> UInt64? {
        getenv(name).flatMap { UInt64(String(cString: $0)) }
    }
}
