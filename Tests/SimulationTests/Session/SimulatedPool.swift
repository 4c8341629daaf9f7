// The workers of one end: a few effects in work, each carried out at one moment and reported at another, in any
// order that the scheduler likes.

import LifterFiles
import LifterProtocol

struct SimulatedPool {
    struct Work {
        let id: EffectID
        let effect: FileEffect
        /// Not carried out before.
        var readyAt: UInt64
        var result: FileResult?
    }

    var waiting = Queue<NumberedEffect>()
    var working: [Work] = []
    /// How often each kind of effect was carried out.
    var counts: [String: Int] = [:]

    var isIdle: Bool { working.isEmpty && waiting.isEmpty }

    /// Takes waiting effects into work.
    mutating func fill(_ size: Int, readyAt: () -> UInt64) {
        while working.count < size, let next = waiting.popFirst() {
            working.append(Work(id: next.id, effect: next.effect, readyAt: readyAt()))
        }
    }

    /// Effects that change something on the disk.
    var changes: [String: Int] { counts.filter { !Self.harmless.contains($0.key) } }

    private static let harmless: Set<String> = [
        "scan", "forget", "digestFiles", "readSmall", "openSource", "readChunk", "closeSource", "checkPrefix",
        "resolveOwners", "indexTree", "search",
        "planDeletion", "link", "recordLinks", "claimLinks",
        "matchSmall", "openMatch", "matchChunk", "refineMatch", "signSmall", "openBasis", "signRanges", "closeBasis",
    ]

    static func kind(of effect: FileEffect) -> String {
        switch effect {
        case .scan: "scan"
        case .forget: "forget"
        case .digestFiles: "digestFiles"
        case .readSmall: "readSmall"
        case .openSource: "openSource"
        case .readChunk: "readChunk"
        case .closeSource: "closeSource"
        case .checkPrefix: "checkPrefix"
        case .matchSmall: "matchSmall"
        case .openMatch: "openMatch"
        case .matchChunk: "matchChunk"
        case .refineMatch: "refineMatch"
        case .signSmall: "signSmall"
        case .openBasis: "openBasis"
        case .signRanges: "signRanges"
        case .closeBasis: "closeBasis"
        case .indexTree: "indexTree"
        case .search: "search"
        case .makeDirectory: "makeDirectory"
        case .resolveOwners: "resolveOwners"
        case .publishDirectory: "publishDirectory"
        case .finishDirectory: "finishDirectory"
        case .makeObject: "makeObject"
        case .setAttributes: "setAttributes"
        case .link: "link"
        case .claimLinks: "claimLinks"
        case .recordLinks: "recordLinks"
        case .writeSmall: "writeSmall"
        case .digestPartial: "digestPartial"
        case .openStage: "openStage"
        case .writeChunk: "writeChunk"
        case .commit: "commit"
        case .abandon: "abandon"
        case .sweep: "sweep"
        case .planDeletion: "planDeletion"
        case .deletePlanned: "deletePlanned"
        }
    }
}

extension SimulatedSide {
    /// Carries an effect out, as a worker would.
    func perform(_ index: Int) {
        let effect = pool.working[index].effect
        pool.counts[SimulatedPool.kind(of: effect), default: 0] += 1
        if case .resolveOwners(let owners) = effect, plan.ownerShift != 0 {
            // A host where names have other numbers.
            pool.working[index].result = .resolvedOwners(
                owners.map { $0.id >= 1000 ? $0.id &+ plan.ownerShift : nil })
            return
        }
        pool.working[index].result = layer?.perform(effect)
    }

    func report(_ index: Int) {
        let work = pool.working.remove(at: index)
        if let result = work.result { finished(work.id, exchange?(work.effect, result) ?? result) }
    }
}
