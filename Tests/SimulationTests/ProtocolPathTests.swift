// Every road of the protocol, walked on purpose: what another version sends, what a full disk or a broken directory
// brings about, the second telling, the keepalive, the end by either side.

import LifterProtocol
import LifterSystem
import Testing

@Suite struct ProtocolPathTests {
    private func many(_ count: Int, of size: Int = 100, in directory: String = "") -> [String: [UInt8]] {
        var random = SeededRandom(seed: 9)
        return Dictionary(uniqueKeysWithValues: (0..<count).map { ("\(directory)f\($0)", random.bytes(size)) })
    }

    private func scenario(_ source: TreeSnapshot, _ old: TreeSnapshot? = nil, seed: UInt64 = 1) -> Scenario {
        var scenario = Scenario(seed: seed)
        scenario.source = source
        scenario.old = old ?? TreeSnapshot.plain([:])
        return scenario
    }

    private func expectCopied(_ run: Simulation, _ scenario: Scenario, _ disks: Scenario.Disks) {
        #expect(run.violation == nil && run.isSuccess, "\(run.violation ?? run.ends) \(run.failures)")
        let differences = scenario.expected(over: scenario.old).differences(in: scenario.result(disks))
        #expect(differences.isEmpty)
    }

    // MARK: Other versions

    @Test("An unknown kind that may be skipped is skipped, anywhere in the stream", arguments: [1, 40, 200, 400])
    func skippable(step: Int) {
        let scenario = scenario(TreeSnapshot.plain(many(20)))
        let disks = scenario.disks()
        let run = scenario.simulation(disks)
        var isDone = false
        run.beforeStep = { run in
            guard run.steps >= step, !isDone, run.sides.allSatisfy({ $0.machine != nil }) else { return }
            isDone = true
            for side in run.sides where !side.isEnded {
                side.inject(kind: 0x7e, isCritical: false, payload: Array("later".utf8))
            }
        }
        expectCopied(run.run(), scenario, disks)
    }

    @Test("An unknown kind that may not be skipped ends the session and is named at both ends")
    func critical() {
        let scenario = scenario(TreeSnapshot.plain(many(20)))
        let disks = scenario.disks()
        let run = scenario.simulation(disks)
        var isDone = false
        run.beforeStep = { run in
            guard !isDone, run.receiver.machine != nil, run.sender.machine != nil else { return }
            isDone = true
            run.sender.inject(kind: 0x7e, isCritical: true, payload: [])
        }
        run.run()
        #expect(isDone && run.violation == nil)
        #expect(run.receiver.machine?.end == .broken(.unknownKind(0x7e)))
        guard case .aborted(let abort) = run.sender.machine?.end else {
            Issue.record("the sender was not told: \(run.ends)")
            return
        }
        #expect(abort.text.contains("126"))
    }

    @Test("Versions that do not meet: both ranges are named, and nothing is touched")
    func versions() throws {
        var scenario = scenario(TreeSnapshot.plain(many(3)))
        scenario.plan.clientVersions = 3...4
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        #expect(run.violation == nil && run.sides.allSatisfy { $0.failure != nil })
        #expect(scenario.result(disks) == scenario.old)
        let client = ClientHandshake(own: scenario.plan.hello(isClient: true), job: scenario.plan.job)
        #expect {
            _ = try client.receive(.hello(scenario.plan.hello(isClient: false)))
        } throws: { error in
            guard case HandshakeFailure.version(let own, let peer, let software) = error else { return false }
            return own == 3...4 && peer == 1...1 && software == "simulated server"
        }
        var server = ServerHandshake(own: scenario.plan.hello(isClient: false))
        #expect {
            _ = try server.receive(.hello(scenario.plan.hello(isClient: true)))
        } throws: { error in
            guard case HandshakeFailure.version(let own, let peer, _) = error else { return false }
            return own == 1...1 && peer == 3...4
        }
    }

    // MARK: Limits

    @Test(
        "Credit may be used up to the last byte; one more ends the session and names the class",
        arguments: [CreditClass.content, .listing, .answer])
    func credit(creditClass: CreditClass) {
        let window = Int(Limits.smallestWindow)
        for (weight, isBeyond) in [(window, false), (window + 1, true)] {
            var machine = machine(receiving: creditClass)
            let message: Message =
                switch creditClass {
                case .content, .signature: .content(ContentMessage([]))
                case .listing: .owners(Owners([]))
                case .answer: .outcomes(Outcomes([]))
                }
            machine.receive(message, weight: weight, now: 1)
            #expect(machine.end == (isBeyond ? .broken(.credit(creditClass.name)) : nil))
            guard isBeyond else { continue }
            var texts: [String] = []
            while let message = machine.nextMessage() {
                if case .value(.abort(let abort), _) = message { texts.append(abort.text) }
            }
            #expect(texts.count == 1 && texts[0].contains(creditClass.name))
        }
    }

    private func machine(receiving creditClass: CreditClass) -> any SessionMachine {
        let attributes = Attributes(
            kind: .directory, mode: 0o755, userID: 0, groupID: 0, size: 0,
            modified: Timestamp(seconds: 0, nanoseconds: 0))
        var job = SessionPlan().job
        job.shape = .contents(attributes)
        let limits = SessionPlan.smallestLimits
        let agreement = Agreement(
            job: job, peerLimits: limits, ownLimits: limits, receiverAbilities: [], digestKey: 1, isInProcess: true)
        if creditClass == .answer {
            return SenderMachine(agreement, shape: .contents(attributes), reportsEvents: false, now: 0)
        }
        return ReceiverMachine(
            agreement, destination: Ready(isEmpty: true, timeGranularity: 1), rootExists: true, renamedTo: nil,
            reportsEvents: false, now: 0)
    }

    @Test("Many large files of one directory take turns where few ids may be open")
    func manyLarge() {
        var scenario = scenario(TreeSnapshot.plain(many(60, of: 70_000)))
        scenario.plan.clientLimits = SessionPlan.smallestLimits
        scenario.plan.serverLimits = SessionPlan.smallestLimits
        let disks = scenario.disks()
        expectCopied(scenario.simulation(disks).run(), scenario, disks)
    }

    @Test("A new directory shows as soon as something large is written in it", arguments: 1...4)
    func showsEarly(schedule: Int) {
        var files: [String: [UInt8]] = [:]
        for (name, contents) in many(3, of: 1_100_000, in: "d/a") { files[name] = contents }
        for (name, contents) in many(30, of: 70_000, in: "d/b") { files[name] = contents }
        for (name, contents) in many(100, of: 500, in: "d/c") { files[name] = contents }
        var scenario = scenario(TreeSnapshot.plain(files, directories: ["d"]), seed: UInt64(schedule))
        scenario.plan.clientLimits = SessionPlan.smallestLimits
        scenario.plan.serverLimits = SessionPlan.smallestLimits
        scenario.plan.poolSize = schedule
        let disks = scenario.disks()
        let run = scenario.simulation(disks)
        var shown = 0
        run.beforeStep = { run in
            guard shown == 0, (run.receiver.pool.counts["publishDirectory"] ?? 0) > 0 else { return }
            shown = scenario.result(disks).items.count
        }
        expectCopied(run.run(), scenario, disks)
        #expect(shown > 0 && shown < 130, "\(shown) names when the directory got its own")
    }

    @Test("One file in work at a time, and one that fails while it waits for its turn", arguments: 1...8)
    func oneAtATime(schedule: Int) {
        for fails in [false, true] {
            var scenario = scenario(TreeSnapshot.plain(many(6, of: 1_200_000)), seed: UInt64(schedule))
            scenario.plan.workLimit = 1
            scenario.plan.poolSize = schedule % 4 + 1
            scenario.plan.outputBuffer = 1 << 20
            let disks = scenario.disks()
            let run = scenario.simulation(disks)
            // The first file takes its time, so that the others wait.
            run.beforeStep = { run in
                for (index, work) in run.receiver.pool.working.enumerated() where work.readyAt == 0 {
                    guard case .commit = work.effect else { continue }
                    run.receiver.pool.working[index].readyAt = run.now + 5_000_000_000
                }
            }
            var (wrong, reads): (FileID?, Int) = (nil, 0)
            run.sender.exchange = { effect, result in
                if case .openSource(let id, _, let entry) = effect, entry.name == path("f3") { wrong = id }
                guard fails, case .readChunk(let id, _) = effect, id == wrong else { return result }
                reads += 1
                return reads == 2 ? .readChunk(.failure(FileProblem(.system, errno: 5, doing: "reading"))) : result
            }
            run.run()
            if fails {
                #expect(run.violation == nil && run.isComplete && !run.claimsSuccess, "\(run.violation ?? run.ends)")
                var expected = scenario.source
                expected.items[path("f3")] = nil
                #expect(scenario.result(disks).withoutReserved.differences(from: expected).isEmpty)
            } else {
                expectCopied(run, scenario, disks)
            }
        }
    }

    @Test("Both codecs make the stream shorter, and the copy is the same")
    func codecs() {
        let texts = Dictionary(
            uniqueKeysWithValues: (0..<4).map { ("t\($0)", Array(repeating: UInt8(65 + $0), count: 150_000)) })
        var carried: [Int] = []
        for compression in [CompressionChoice.none, .zstd(level: 3), .zlib(level: 6), .auto] {
            var scenario = scenario(TreeSnapshot.plain(texts))
            scenario.plan.options.compression = compression
            scenario.plan.codecSeed = 7
            let disks = scenario.disks()
            let run = scenario.simulation(disks).run()
            expectCopied(run, scenario, disks)
            carried.append(run.toServer.carried)
        }
        #expect(carried[1] * 10 < carried[0] && carried[2] * 10 < carried[0] && carried[3] < carried[0])
    }

    // MARK: Damage

    @Test(
        "Contents damaged on the way are sent once more; damaged again, they fail", arguments: [100, 90_000, 300_000])
    func mismatch(size: Int) {
        for times in [1, 1000] {
            var scenario = scenario(TreeSnapshot.plain(["a": Array(repeating: 7, count: size), "b": [1, 2, 3]]))
            scenario.plan.isInProcess = true
            let disks = scenario.disks()
            let run = scenario.simulation(disks)
            var left = times
            run.toServer.tamper = { message in
                guard left > 0, case .content(var content) = message,
                    let index = content.segments.firstIndex(where: { $0.payload.count > 10 }),
                    case .bytes(var bytes, let range) = content.segments[index].payload
                else { return }
                left -= 1
                bytes[range.lowerBound + 5] ^= 0x40
                // All segments of a message lie in one buffer.
                for other in content.segments.indices {
                    guard case .bytes(_, let place) = content.segments[other].payload else { continue }
                    content.segments[other].payload = .bytes(bytes, place)
                }
                message = .content(content)
            }
            run.run()
            if times == 1 {
                expectCopied(run, scenario, disks)
            } else {
                #expect(run.violation == nil && run.isComplete && !run.claimsSuccess)
                #expect(run.failures.contains { $0.contains("mismatch") })
                #expect(scenario.result(disks).items[path("a")] == nil)
                #expect(scenario.result(disks).items[path("b")]?.contents == [1, 2, 3])
            }
            #expect(run.sender.sent[.content] ?? 0 < 20)
        }
    }

    @Test("What cannot be digested differs, and what then cannot be read either fails", arguments: [false, true])
    func undigested(atSource: Bool) {
        let source = TreeSnapshot.plain(many(10))
        for times in [1, 2, 1000] {
            var scenario = scenario(source, source, seed: UInt64(times))
            scenario.plan.options.checksum = true
            let disks = scenario.disks()
            let run = scenario.simulation(disks)
            var left = times
            (atSource ? run.sender : run.receiver).exchange = { effect, result in
                guard left > 0, case .digestFiles(let files, _) = effect else { return result }
                left -= 1
                let problem = FileProblem(.system, errno: 5, doing: "reading")
                return .digested(files.map { _ in .failure(problem) })
            }
            run.run()
            if atSource && times > 1 {
                #expect(run.violation == nil && run.isComplete && !run.claimsSuccess, "\(run.violation ?? run.ends)")
                #expect(scenario.result(disks) == scenario.old)
            } else {
                expectCopied(run, scenario, disks)
            }
            let sent = run.receiver.machine?.summary.contentBytes ?? 0
            #expect((sent > 0) == (!atSource && times > 1), "\(times): \(sent) bytes")
        }
    }

    @Test("A digest of no range, or of one that was not asked about, ends the session", arguments: [0, 1])
    func strangeDigest(variant: Int) {
        let source = TreeSnapshot.plain(many(10))
        var other = source
        other.items[path("f3")]?.contents[0] ^= 1
        var scenario = scenario(source, other)
        scenario.plan.options.checksum = true
        let run = scenario.simulation(scenario.disks())
        run.receiver.distort = { message, weight in
            guard case .rangeDigest(let sequence, let digest) = message else { return [(message, weight)] }
            if variant == 0 { return [(.rangeDigest(sequence: sequence + 100, digest), weight)] }
            return [(message, weight), (message, 1)]
        }
        run.run()
        #expect(run.violation == nil && run.receiver.machine?.end == .broken(.value("rangeDigest.sequence")))
    }

    // MARK: Stops

    @Test("A full disk stops one file early, and two in a row stop all contents")
    func fullDisk() {
        var files = many(3, of: 3 << 20)
        for (name, contents) in many(200, of: 20_000, in: "z") { files[name] = contents }
        let scenario = scenario(TreeSnapshot.plain(files))
        var settings = ModelDisk.Settings()
        settings.byteBudget = 200_000
        let disk = ModelDisk(settings: settings)
        disk.plant(scenario.old, at: path("dst"))
        var disks = scenario.disks()
        disks.destination = ModelFileSystem(disk: disk)
        let run = scenario.simulation(disks)
        var stops: [Stop] = []
        run.sender.watch = { if case .stop(let stop) = $0 { stops.append(stop) } }
        run.run()
        #expect(run.violation == nil && run.isComplete && !run.claimsSuccess, "\(run.violation ?? run.ends)")
        #expect(stops.contains(.contents))
        let bytes = run.receiver.machine?.summary.contentBytes ?? 0
        #expect(bytes < 12 << 20, "\(bytes) bytes were sent to a full disk")
    }

    @Test("A directory that cannot be made stops everything below it, and nothing else", arguments: [false, true])
    func stoppedDirectory(isEmpty: Bool) {
        var source = TreeSnapshot.plain(many(30), directories: ["d", "d/e", "g"])
        source.items.merge(TreeSnapshot.plain(many(30, in: "d/e/")).items) { one, _ in one }
        source.items.merge(TreeSnapshot.plain(many(30, in: "g/")).items) { one, _ in one }
        let scenario = scenario(source, isEmpty ? nil : TreeSnapshot.plain(["old": [1]]))
        let disks = scenario.disks(faults: .from(1, .noSpace, only: [.makeDirectory]))
        let run = scenario.simulation(disks).run()
        #expect(run.violation == nil && run.isComplete && !run.claimsSuccess, "\(run.violation ?? run.ends)")
        #expect(run.receiver.sent[.stop] ?? 0 >= 1)
        let found = scenario.result(disks)
        #expect(found.items[path("d")] == nil && found.items[path("g")] == nil)
        #expect(found.items[path("f7")]?.contents == source.items[path("f7")]?.contents)
    }

    // MARK: Deletion

    @Test("More deletions than allowed: none", arguments: [DeleteMode.after, .before])
    func maxDelete(mode: DeleteMode) {
        // Four of the five names that are there.
        let limits: [(count: UInt64?, percent: UInt8?, isRefused: Bool)] = [
            (3, nil, true), (4, nil, false), (nil, 79, true), (nil, 80, false), (3, 100, true), (.max, 0, true),
        ]
        let old = TreeSnapshot.plain(["a": [1], "b": [2], "m": [6], "x/c": [3]], directories: ["x"])
        for (count, percent, isRefused) in limits {
            var scenario = scenario(TreeSnapshot.plain(["n": [5], "m": [6], "o": [7]]), old)
            scenario.plan.options.delete = mode
            scenario.plan.options.maxDelete = count
            scenario.plan.options.maxDeletePercent = percent
            let disks = scenario.disks()
            let run = scenario.simulation(disks).run()
            #expect(run.violation == nil && run.isComplete)
            #expect(run.receiver.machine?.summary.refusedDeletions == (isRefused ? 4 : 0))
            #expect(run.receiver.machine?.summary.deleted == (isRefused ? 0 : 4))
            scenario.plan.options.maxDelete = isRefused ? 0 : nil
            let differences = scenario.expected(over: old).differences(in: scenario.result(disks))
            #expect(differences.isEmpty)
        }
    }

    @Test("A full directory in the way of a file: told a second time under --force, refused without")
    func secondPass() {
        let old = TreeSnapshot.plain(["a/in": [1], "a/side": [2], "keep": [3]], directories: ["a"])
        for force in [false, true] {
            var scenario = scenario(TreeSnapshot.plain(["a": [9], "b": [8], "c": [7]]), old)
            scenario.plan.options.force = force
            let disks = scenario.disks()
            let run = scenario.simulation(disks).run()
            #expect(run.violation == nil && run.isComplete)
            #expect(run.claimsSuccess == force)
            #expect(run.receiver.sent[.again] ?? 0 == (force ? 1 : 0))
            let differences = scenario.expected(over: old).differences(in: scenario.result(disks))
            #expect(differences.isEmpty)
        }
    }

    @Test("A directory of the source that could not be read whole: nothing is deleted in it")
    func incomplete() throws {
        let old = TreeSnapshot.plain(
            ["d/gone": [1], "d/a": [2], "d/b": [3], "d/c": [3], "e/gone": [4]], directories: ["d", "e"])
        let source = TreeSnapshot.plain(["d/a": [2], "d/b": [3], "d/c": [3], "e/x": [1]], directories: ["d", "e"])
        var scenario = scenario(source, old)
        scenario.plan.options.delete = .after
        let traced = scenario.disks()
        traced.source.isTracing = true
        scenario.simulation(traced).run()
        let call = try #require(
            traced.source.trace.first { $0.operation == .status && $0.name == path("b") }?.number)
        let disks = scenario.disks(sourceFaults: .single(call, .fail(.io)))
        let run = scenario.simulation(disks).run()
        #expect(run.violation == nil && run.isComplete && !run.claimsSuccess)
        let found = scenario.result(disks)
        #expect(found.items[path("d/gone")] != nil && found.items[path("d/b")] != nil)
        #expect(found.items[path("e/gone")] == nil && found.items[path("e/x")] != nil)
    }

    // MARK: Telling

    @Test("A directory that is new at the destination is told before the sender knows it", arguments: 1...5)
    func converted(seed: Int) {
        var source = TreeSnapshot.plain(many(10), directories: ["n", "n/p", "n/p/q", "z"])
        for place in ["n/", "n/p/", "n/p/q/", "z/"] {
            source.items.merge(TreeSnapshot.plain(many(40, in: place)).items) { one, _ in one }
        }
        source.items.merge(TreeSnapshot.plain(["n/p/large": Array(repeating: 3, count: 200_000)]).items) { one, _ in one
        }
        var scenario = scenario(
            source, TreeSnapshot.plain(["old": [1], "z/f1": [2]], directories: ["z"]), seed: UInt64(seed))
        scenario.plan.latency = 50_000_000
        scenario.plan.capacity = 1 << 30
        scenario.plan.outputBuffer = 1 << 20
        scenario.plan.clientLimits = SessionPlan.smallestLimits
        scenario.plan.serverLimits = SessionPlan.smallestLimits
        let disks = scenario.disks()
        let run = scenario.simulation(disks)
        var wishes = 0
        run.sender.watch = { if case .subtree(let subtree) = $0, subtree.wish == .contents { wishes += 1 } }
        expectCopied(run.run(), scenario, disks)
        // Only the topmost needs a wish: what is below it is promised with it.
        #expect(wishes == 1)
    }

    // MARK: Time

    @Test("Minutes of silence are bridged by Ping and Pong")
    func keepalive() {
        var scenario = scenario(TreeSnapshot.plain(many(5), directories: ["d"]))
        scenario.plan.lateEffects = 1
        let disks = scenario.disks()
        let run = scenario.simulation(disks).run()
        expectCopied(run, scenario, disks)
        #expect((run.client.sent[.ping] ?? 0) + (run.server.sent[.ping] ?? 0) > 0)
        #expect((run.client.sent[.pong] ?? 0) + (run.server.sent[.pong] ?? 0) > 0)
    }

    @Test("A peer that hangs is given up after 300 s, or sooner where the job says so", arguments: [nil, 30, 900])
    func silence(timeout: UInt32?) {
        var scenario = scenario(TreeSnapshot.plain(many(50, of: 5000)))
        scenario.plan.options.timeout = timeout
        let run = scenario.simulation(scenario.disks())
        var frozenAt: UInt64 = 0
        run.beforeStep = { run in
            if run.steps == 60 {
                run.server.freeze()
                frozenAt = run.now
            }
        }
        run.run()
        #expect(run.violation == nil && run.client.machine?.end == .silent)
        let waited = (run.now - frozenAt) / 1_000_000_000
        #expect(waited <= UInt64(min(timeout ?? 300, 300)) && waited + 1 >= UInt64(min(timeout ?? 300, 300)))
    }

    @Test("Cancelled at one end, told at the other")
    func cancel() {
        let scenario = scenario(TreeSnapshot.plain(many(50, of: 5000)))
        let run = scenario.simulation(scenario.disks())
        run.disturbance = .cancel(client: true, step: 60)
        run.run()
        #expect(run.violation == nil && run.client.machine?.end == .cancelled)
        guard case .aborted(let abort) = run.server.machine?.end else {
            Issue.record("\(run.ends)")
            return
        }
        #expect(abort.exit == 20)
    }
}
