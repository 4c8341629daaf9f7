// The command line that starts a server through a remote shell.
//
//     ssh OPTIONS [-4|-6] [-b ADDRESS] [-o ConnectTimeout=N] [-l USER] [-p PORT] -- HOST superlifter serve --inetd
//     RSH OPTIONS [-l USER] HOST superlifter serve --inetd --unconfined
//
// The first form is for ssh, known by the last name of the program; the second, in rsync's manner, for anything else
// (`docker exec -i`, a test's stand-in). The server's arguments are always the same, so that one line in
// authorized_keys can pin them: the whole job travels inside the stream. A server that did not come by ssh wants to
// be told that its user's own paths are meant; whoever can run RSH could have said so too, hence `--unconfined`.

import LifterSystem

package enum SSHCommand {
    /// The words to start for `authority`; checked host and user make them safe.
    package static func words(for authority: Authority, _ context: ConnectContext) throws(ConnectFailure) -> [[UInt8]] {
        guard let program = context.rshCommand.first, !program.isEmpty else {
            throw ConnectFailure(.usage, "the remote shell command is empty")
        }
        let user = authority.user ?? context.user
        let port = authority.port ?? context.port
        let isSSH = isSSH(program)
        var words = context.rshCommand
        if isSSH {
            switch context.addressFamily {
            case .any: break
            case .ipv4: words.append(Array("-4".utf8))
            case .ipv6: words.append(Array("-6".utf8))
            }
            if let address = context.localAddress { words += [Array("-b".utf8), address.bytes] }
            if let seconds = context.connectTimeout, seconds > 0 {
                words += [Array("-o".utf8), Array("ConnectTimeout=\(seconds)".utf8)]
            }
        }
        if let user { words += [Array("-l".utf8), user.bytes] }
        if let port {
            guard isSSH else {
                throw ConnectFailure(
                    .usage, "a port cannot be told to \(Display.escaped(program)); write it into --rsh instead")
            }
            words += [Array("-p".utf8), Array(String(port).utf8)]
        }
        if isSSH { words.append(Array("--".utf8)) }
        words.append(authority.host.bytes)
        return words + (try server(context, unconfined: !isSSH))
    }

    /// Whether a program is ssh, by the last component of its name.
    package static func isSSH(_ program: [UInt8]) -> Bool {
        (program.split(separator: UInt8(ascii: "/")).last ?? []).elementsEqual("ssh".utf8)
    }

    /// The words of `command:`. Where they visibly start a server of ours, it is told that it may serve its user's own
    /// paths; a program that merely carries the stream (`socat ...`) is left as it was written.
    package static func words(forCommand words: [[UInt8]], _ context: ConnectContext) -> [[UInt8]] {
        let unconfined = Array("--unconfined".utf8)
        guard let serve = words.firstIndex(of: Array("serve".utf8)),
            words[serve...].contains(Array("--inetd".utf8))
        else { return words }
        let added = words.contains(unconfined) || context.extraServerArguments.contains(unconfined) ? [] : [unconfined]
        return words + context.extraServerArguments + added
    }

    /// `superlifter serve --inetd` and what comes behind, each word fit for the far side's shell.
    private static func server(_ context: ConnectContext, unconfined: Bool) throws(ConnectFailure) -> [[UInt8]] {
        guard !context.remotePath.isEmpty, !context.remotePath.contains(0) else {
            throw ConnectFailure(.usage, "--remote-path is empty or holds a NUL byte")
        }
        // A program's name that begins with a dash would be an option to some shells.
        let program = quoted(context.remotePath, always: context.remotePath.first == UInt8(ascii: "-"))
        var words = [program, Array("serve".utf8), Array("--inetd".utf8)]
        words += context.extraServerArguments.map { quoted($0) }
        let flag = Array("--unconfined".utf8)
        if unconfined, !context.extraServerArguments.contains(flag) { words.append(flag) }
        return words
    }

    /// One word for the far side's shell: as it is when no shell would touch it, else in single quotes. `~` is left
    /// to the shell, since `~/bin/superlifter` should mean the home directory over there.
    package static func quoted(_ word: [UInt8], always: Bool = false) -> [UInt8] {
        if !always, !word.isEmpty, word.allSatisfy(isHarmless) { return word }
        let quote = UInt8(ascii: "'")
        var result = [quote]
        for byte in word {
            result += byte == quote ? Array("'\\''".utf8) : [byte]
        }
        return result + [quote]
    }

    private static func isHarmless(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: Array("._/~+-".utf8).contains(byte)
        }
    }
}
