// A hostile sender against the server (push) and against the client (pull).

import Glibc
import LifterProtocol
import LifterSystem
import Superlifter
import Synchronization
import Testing

/// Both ways in which the kernel is asked.
let waysOfOpening = [true, false]

/// What is wrong with what a session left.
func judgement(_ list: HostileList, _ ending: Ending, _ arena: borrowing Arena, _ comment: String) -> [String] {
    var problems: [String] = []
    if let harm = arena.harm() { problems.append("\(list) \(comment): \(harm)") }
    var isRight = ending.isSafe
    if case .refusal = list.demand { isRight = ending.isFailure }
    if !isRight { problems.append("\(list) \(comment): \(ending)") }
    return problems
}

func judge(_ list: HostileList, _ ending: Ending, _ arena: borrowing Arena, _ comment: String) {
    let problems = judgement(list, ending, arena, comment)
    #expect(problems.isEmpty)
}

/// Many lists at once: each session waits more than it works.
enum Sweep {
    /// The ways in which the lists are played.
    enum Way: Int, CaseIterable {
        case confined, confinedInSteps, unconfined, unconfinedInSteps, pull, pullInSteps, pullIntoEmpty, program
        case appendOnly
    }

    /// Every list of the table; of the random ones, so many to each way that each is played once.
    static func all(_ way: Way, _ body: @escaping @Sendable (HostileList) throws -> [String]) throws {
        let problems = Mutex<[String]>([])
        let random = AllLists.random.enumerated().filter { $0.offset % Way.allCases.count == way.rawValue }
        let waiting = Mutex<[HostileList]>(AllLists.table + random.map(\.element))
        let threads = try (0..<6).map { _ in
            try Thread(name: "sweep", stackSize: 8 << 20) {
                while let list = waiting.withLock({ $0.popLast() }) {
                    do {
                        let found = try body(list)
                        problems.withLock { $0 += found }
                    } catch {
                        problems.withLock { $0.append("\(list): \(error)") }
                    }
                }
            }
        }
        for thread in threads { thread.join() }
        for problem in problems.withLock({ $0 }) { Issue.record("\(problem)") }
    }
}

extension HostilePeer {
    /// Plays a list as a client that pushes.
    mutating func push(_ list: HostileList, to path: [UInt8]) {
        guard greetServer(job: RawJob.push(to: path, shape: list.shape, options: list.options)) else { return }
        list.play(to: &self)
        _ = listen()
    }

    /// Plays a list as a server that is pulled from.
    mutating func serve(_ list: HostileList) {
        guard greetClient() != nil else { return }
        send(HostileFrame(.roots, list.shape))
        list.play(to: &self)
        _ = listen()
    }
}

enum AllLists {
    static let table = HostileNames.lists + HostileNames.oddLists + HostileStructures.lists
    static let random = (1...200).map { RandomLists.list(seed: $0) }
}

@Suite(.serialized) struct HostileSenderTests {
    @Test("There are enough lists")
    func count() { #expect(AllLists.table.count + AllLists.random.count >= 400) }

    @Test("A confined server", arguments: waysOfOpening)
    func confined(usesOpenat2: Bool) throws {
        try Sweep.all(usesOpenat2 ? .confined : .confinedInSteps) { list in
            let arena = try Arena()
            let ending = try RealEnd.server(
                .root(bytes(arena.destination), access: .write), usesOpenat2: usesOpenat2
            ) { $0.push(list, to: bytes("/")) }
            return judgement(list, ending, arena, "pushed, confined, openat2 \(usesOpenat2)")
        }
    }

    /// Nothing that was there may change, down to its identity; of directories, but for what adding to them changes.
    @Test("A server that only adds", arguments: waysOfOpening)
    func appendOnly(usesOpenat2: Bool) throws {
        try Sweep.all(.appendOnly) { list in
            let arena = try Arena()
            let before = Arena.identities(of: arena.destination)
            let ending = try RealEnd.server(
                .root(bytes(arena.destination), access: .append), usesOpenat2: usesOpenat2
            ) { $0.push(list, to: bytes("/")) }
            let comment = "pushed, append-only, openat2 \(usesOpenat2)"
            // Where a list asks for deletions the session ends at its job, which is right for any list.
            var problems: [String] = []
            if let harm = arena.harm() { problems.append("\(list) \(comment): \(harm)") }
            if !ending.isSafe { problems.append("\(list) \(comment): \(ending)") }
            let after = Arena.identities(of: arena.destination)
            for (path, was) in before {
                var now = after[path]
                if was.mode & S_IFMT == S_IFDIR {
                    now?.changed = was.changed
                    now?.changedNanoseconds = was.changedNanoseconds
                }
                if now != was {
                    problems.append("\(list) \(comment): \(path) was \(was), is \(String(describing: now))")
                }
            }
            return problems
        }
    }

    /// What such a server refuses at the job, by the options that ask for it.
    @Test("Options that ask for more than adding", arguments: 0..<4)
    func refusedOptions(which: Int) throws {
        let arena = try Arena()
        var options = JobOptions()
        switch which {
        case 0: options.delete = .after
        case 1: options.force = true
        case 2: options.writing = .inPlace
        default: options.writing = .append
        }
        let ending = try RealEnd.server(.root(bytes(arena.destination), access: .append)) { peer in
            let shape = HostileStructures.lists[0].shape
            _ = peer.greetServer(job: RawJob.push(to: bytes("/"), shape: shape, options: options))
        }
        guard case .failed(let reason) = ending else {
            Issue.record("\(ending)")
            return
        }
        #expect(reason.contains("only takes new names"), "\(reason)")
    }

    @Test("An unconfined server", arguments: waysOfOpening)
    func unconfined(usesOpenat2: Bool) throws {
        try Sweep.all(usesOpenat2 ? .unconfined : .unconfinedInSteps) { list in
            let arena = try Arena()
            let path = bytes(arena.destination + "/")
            let ending = try RealEnd.server(.unconfined, usesOpenat2: usesOpenat2) { $0.push(list, to: path) }
            return judgement(list, ending, arena, "pushed, openat2 \(usesOpenat2)")
        }
    }

    @Test("A client that pulls", arguments: waysOfOpening)
    func pull(usesOpenat2: Bool) throws {
        try Sweep.all(usesOpenat2 ? .pull : .pullInSteps) { list in
            let arena = try Arena()
            let ending = try RealEnd.pull(
                ["source/"], to: arena.destination, list.options.ofClient, usesOpenat2: usesOpenat2
            ) { $0.serve(list) }
            return judgement(list, ending, arena, "pulled, openat2 \(usesOpenat2)")
        }
    }

    @Test("A client that pulls into an empty directory")
    func pullIntoEmpty() throws {
        try Sweep.all(.pullIntoEmpty) { list in
            let arena = try Arena(populated: false)
            let ending = try RealEnd.pull(["source/"], to: arena.destination, list.options.ofClient) { $0.serve(list) }
            return judgement(list, ending, arena, "pulled into nothing")
        }
    }
}

extension JobOptions {
    /// The same as a user of the library says it.
    var ofClient: TransferOptions {
        var options = TransferOptions()
        options.dryRun = dryRun
        options.force = force
        if checksum { options.comparison = .checksum }
        if ignoreTimes { options.comparison = .always }
        switch delete {
        case .none: break
        case .after: options.deletion = .after
        case .before: options.deletion = .before
        }
        return options
    }
}
