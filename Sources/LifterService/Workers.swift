// The processes that serve connections, one each: started, watched, reaped, ended.

import LifterSystem
import LifterTransport

struct Workers {
    /// A process that has ended.
    struct Ended {
        let process: Int32
        let peer: String
        let status: ChildStatus
    }

    private final class Worker {
        var child: ChildProcess
        let peer: String
        /// In the last list of awaited descriptors.
        var place = -1

        init(_ child: consuming ChildProcess, _ peer: String) {
            self.child = child
            self.peer = peer
        }

        func mayHaveEnded(_ seen: Poller) -> Bool {
            child.pollable == nil || place >= 0 && !seen.events(at: place).isEmpty
        }
    }

    private var running: [Worker] = []
    private let words: [[UInt8]]
    private let program: [UInt8]?
    private let environment: [[UInt8]]

    /// `words` start a worker, behind the program's name.
    init(_ words: [[UInt8]]) {
        self.words = [Array("superlifter".utf8)] + words
        program = Environment.ownProgram
        // Whoever started the listener may have logged in; those who connect to it have not.
        environment = Environment.variables.filter { !$0.starts(with: "SSH_".utf8) }
    }

    var count: Int { running.count }
    var isEmpty: Bool { running.isEmpty }

    /// Starts a worker on a connection, which stays the caller's to close; gives the process's number.
    mutating func start(
        _ connection: RawDescriptor, peer: String, handshakeTime: UInt64
    ) throws(Errno) -> Int32 {
        let milliseconds = String(handshakeTime / 1_000_000 % 1000)
        let padded = String(repeating: "0", count: 3 - milliseconds.count) + milliseconds
        let time = "--handshake-timeout=\(handshakeTime / 1_000_000_000).\(padded)"
        let stream = ChildStream.descriptor(connection)
        let child = try ChildProcess(
            words + [Array(time.utf8)], program: program, environment: environment, input: stream, output: stream)
        let process = child.processID
        running.append(Worker(child, peer))
        return process
    }

    /// Whether some can only be found ended by asking: kernels before 5.3 have no descriptors for processes.
    var needsLooking: Bool { running.contains { $0.child.pollable == nil } }

    func add(to poller: inout Poller) {
        for worker in running { worker.place = poller.add(worker.child.pollable ?? -1, .readable) }
    }

    /// Those that have ended, by the news of the poller and, where it cannot know, by asking.
    mutating func reap(_ seen: Poller) -> [Ended] {
        guard running.contains(where: { $0.mayHaveEnded(seen) }) else { return [] }
        var ended: [Ended] = []
        running.removeAll { worker in
            guard worker.mayHaveEnded(seen) else { return false }
            do throws(Errno) {
                guard let status = try worker.child.wait(timeout: 0) else { return false }
                ended.append(Ended(process: worker.child.processID, peer: worker.peer, status: status))
            } catch {
                // Somebody else has its status; it is gone all the same.
            }
            return true
        }
        return ended
    }

    /// Asks all of them to end; each tells its client.
    func endAll() {
        for worker in running { try? worker.child.send(.terminate) }
    }

    /// Ends those that would not go; they are killed and reaped as they are let go.
    mutating func killAll() { running.removeAll() }
}

extension PeerFacts {
    /// For messages, fit for a terminal.
    package var text: String {
        switch self {
        case .tcp(let address): Display.escaped(address)
        case .unix(let user?): "user \(user) on a Unix socket"
        case .unix(nil): "a Unix socket"
        case .pipe: "a pipe"
        case .child(let command): Display.escaped(command)
        }
    }
}
