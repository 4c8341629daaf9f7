// Signals, threads, users, randomness, clocks and what the process was given.

import Glibc
import LifterSystem
import Synchronization
import Testing

@Suite(.serialized) struct SignalTests {
    @Test func signalsBecomeReadable() throws {
        let watch = try SignalWatch([.hangUp, .terminate])
        #expect(throws: Errno.busy) { _ = try SignalWatch([.hangUp]) }
        #expect(watch.next() == nil)
        try Signals.send(.hangUp, to: getpid())
        var poller = Poller()
        poller.add(watch.raw, .readable)
        while try poller.wait(timeout: 5_000_000_000) == 0 {}
        #expect(watch.next() == .hangUp && watch.next() == nil)
        try Signals.send(.terminate, to: getpid())
        while try poller.wait(timeout: 5_000_000_000) == 0 {}
        #expect(watch.next() == .terminate)
    }

    @Test func secondSignalIsFatal() async {
        await #expect(processExitsWith: .signal(SIGTERM)) {
            let watch = try SignalWatch([.terminate], secondIsFatal: true)
            try Signals.send(.terminate, to: getpid())
            var poller = Poller()
            poller.add(watch.raw, .readable)
            while try poller.wait(timeout: nil) == 0 {}
            try #require(watch.next() == .terminate)
            try Signals.send(.terminate, to: getpid())
            Clock.sleep(nanoseconds: 5_000_000_000)
        }
    }

    @Test func dyingOfASignal() async {
        await #expect(processExitsWith: .signal(SIGINT)) {
            let watch = try SignalWatch([.interrupt])
            #expect(watch.raw >= 0)
            Signals.die(of: .interrupt)
        }
    }
}

@Suite struct ProcessTests {
    @Test func threadsRunAndJoin() throws {
        let sum = Mutex(0)
        let threads = try (1...8).map { number in
            try Thread(name: "adder-\(number)-with-a-long-name", stackSize: 100_000) { sum.withLock { $0 += number } }
        }
        for thread in threads { thread.join() }
        threads[0].join()
        #expect(sum.withLock { $0 } == 36)
        #expect(Thread.processorCount >= 1)
    }

    @Test func usersAndGroups() throws {
        #expect(try Users.userName(0) == "root".bytes)
        #expect(try Users.userID("root".bytes) == 0)
        #expect(try Users.groupName(0) == "root".bytes)
        #expect(try Users.groupID("root".bytes) == 0)
        #expect(try Users.home(ofUser: 0)?.first == UInt8(ascii: "/"))
        #expect(try Users.userName(4_000_000_123) == nil)
        #expect(try Users.groupName(4_000_000_123) == nil)
        for name in ["", "no-such-user-here", "ro\0ot", "\u{ff}"] {
            #expect(try Users.userID(name.bytes) == nil && Users.groupID(name.bytes) == nil)
        }
        #expect(Users.effectiveUser == geteuid())
        _ = try Users.groups()
    }

    @Test func randomBytesDiffer() throws {
        #expect(try Random.bytes(0) == [])
        let (one, two) = (try Random.bytes(1000), try Random.bytes(1000))
        #expect(one.count == 1000 && one != two)
        #expect(try Random.number() != Random.number())
    }

    @Test func clocks() {
        let start = Clock.monotonic
        Clock.sleep(nanoseconds: 3_000_000)
        #expect(Clock.monotonic - start >= 3_000_000)
        #expect(Clock.wall.seconds > 1_600_000_000 && Clock.wall.nanoseconds < 1_000_000_000)
    }

    @Test func surroundings() throws {
        #expect(Environment.arguments.count == Int(CommandLine.argc))
        #expect(Environment.variable("PATH") == getenv("PATH").map { Array(String(cString: $0).utf8) })
        #expect(Environment.variable("NO_SUCH_VARIABLE_HERE") == nil)
        #expect(Environment.variables.contains { $0.starts(with: "PATH=".utf8) })
        #expect(try Environment.currentDirectory().first == UInt8(ascii: "/"))
        #expect(!Environment.hostName.isEmpty && Environment.processID == getpid())
        #expect(Environment.openFileLimit.current > 3)
        #expect(Environment.openFileLimit.maximum >= Environment.openFileLimit.current)
    }
}
