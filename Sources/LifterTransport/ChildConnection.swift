// A program of this machine whose standard input and output are the stream: ssh, a remote shell, or `command:`.
//
// One socket pair carries both directions, since ssh and shells are used to it and its buffers are generous; two
// pipes are the fallback, and what `--ssh-pipes` asks for. Standard error is inherited: ssh asks for passwords and
// complains there. The child starts with SIGPIPE at its default, nothing blocked, and no other descriptor of ours.

import LifterSystem

package enum ChildConnection {
    /// Bytes the socket may hold unread in each direction: the usual system-wide limit.
    private static let socketBuffer: Int32 = 208 * 1024
    /// The same for pipes: what an unprivileged user may have.
    private static let pipeSize = 1024 * 1024

    /// Starts the program (looked up in PATH) and connects to it. That it started says nothing about the far side.
    package static func open(_ words: [[UInt8]], usesPipes: Bool) throws(ConnectFailure) -> Connection {
        guard let program = words.first, !program.isEmpty else { throw ConnectFailure(.usage, "the command is empty") }
        guard !words.contains(where: { $0.contains(0) }) else {
            throw ConnectFailure(.usage, "the command holds a NUL byte")
        }
        let name = Array(Display.escaped(program).utf8)
        let ends = try Ends.make(usesPipes: usesPipes)
        do {
            return try ends.connect(words, peer: .child(command: name))
        } catch {
            let missing = error == .noEntry || error == .access || error == .notDirectory || error == .notExecutable
            throw ConnectFailure(
                missing ? .programNotFound : .socket,
                "cannot start \(Display.escaped(program)): \(error)" + (missing ? "; name another with --rsh" : ""))
        }
    }

    /// Both ends of the stream, before the child has taken its own.
    private enum Ends: ~Copyable {
        case socket(ours: Descriptor, theirs: Descriptor)
        case pipes(input: Descriptor, output: Descriptor, theirInput: Descriptor, theirOutput: Descriptor)

        static func make(usesPipes: Bool) throws(ConnectFailure) -> Ends {
            if !usesPipes, let ends = try? Streams.makeSocketPair().release() {
                try? StreamCalls.setSendBuffer(ChildConnection.socketBuffer, of: ends.reading)
                try? StreamCalls.setSendBuffer(ChildConnection.socketBuffer, of: ends.writing)
                return .socket(ours: Descriptor(owning: ends.reading), theirs: Descriptor(owning: ends.writing))
            }
            do {
                let upward = try Streams.makePipe()
                let downward = try Streams.makePipe()
                try? StreamCalls.setPipeSize(ChildConnection.pipeSize, of: upward.writing.raw)
                try? StreamCalls.setPipeSize(ChildConnection.pipeSize, of: downward.writing.raw)
                let (input, theirOutput) = upward.release()
                let (theirInput, output) = downward.release()
                return .pipes(
                    input: Descriptor(owning: input), output: Descriptor(owning: output),
                    theirInput: Descriptor(owning: theirInput), theirOutput: Descriptor(owning: theirOutput))
            } catch {
                throw ConnectFailure(.socket, "no pipe to a child: \(error)")
            }
        }

        /// Starts the child on its ends, which are closed here whether that succeeds or not.
        consuming func connect(_ words: [[UInt8]], peer: PeerFacts) throws(Errno) -> Connection {
            switch consume self {
            case .socket(let ours, let theirs):
                let end = ChildStream.descriptor(theirs.raw)
                let child = try ChildProcess(words, input: end, output: end)
                return Connection(duplex: StreamEnd(ours), peer: peer, child: child)
            case .pipes(let input, let output, let theirInput, let theirOutput):
                let child = try ChildProcess(
                    words, input: .descriptor(theirInput.raw), output: .descriptor(theirOutput.raw))
                return Connection(input: StreamEnd(input), output: StreamEnd(output), peer: peer, child: child)
            }
        }
    }
}
