import LifterTransport
import Testing

private func words(_ text: String) throws -> [String] {
    try CommandWords.split(Array(text.utf8)).map { String(decoding: $0, as: UTF8.self) }
}

struct CommandWordsTests {
    @Test(arguments: [
        ("ssh", ["ssh"]), ("  ssh   -p  22 ", ["ssh", "-p", "22"]), ("a 'b c' d", ["a", "b c", "d"]),
        ("a \"b c\"d'e f'", ["a", "b cde f"]), ("a 'it''s'", ["a", "it's"]), ("a \"x\"\"y\"", ["a", "x\"y"]),
        ("a '' b", ["a", "", "b"]), ("a\\ b", ["a\\", "b"]), ("a '\"' \"'\"", ["a", "\"", "'"]),
        ("a\tb\n", ["a\tb\n"]), ("a ''''", ["a", "'"]), ("$(id) `id` ~ *", ["$(id)", "`id`", "~", "*"]),
    ])
    func table(text: String, expected: [String]) throws {
        #expect(try words(text) == expected)
    }

    @Test(arguments: ["", "   ", "a 'b", "a \"b", "'", "''", "a '''", "a\0b"])
    func malformed(text: String) {
        #expect(throws: LocationError.self) { try words(text) }
    }
}

struct SSHCommandTests {
    private func command(_ hint: String, _ change: (inout ConnectContext) -> Void = { _ in }) throws -> String {
        guard case .ssh(let authority) = try Hint.parse(Array(hint.utf8), from: .local) else { return "" }
        var context = ConnectContext()
        change(&context)
        return CommandWords.display(try SSHCommand.words(for: authority, context))
    }

    @Test func plain() throws {
        #expect(try command("ssh:h") == "ssh -- h superlifter serve --inetd")
        #expect(try command("ssh:u@[::1]:2222") == "ssh -l u -p 2222 -- ::1 superlifter serve --inetd")
    }

    @Test func contextFillsInWhatTheHintLeavesOpen() throws {
        let user = try UserName(Array("ann".utf8))
        let set: (inout ConnectContext) -> Void = {
            $0.user = user
            $0.port = 7
            $0.addressFamily = .ipv6
            $0.connectTimeout = 9
            $0.rshCommand = [Array("/usr/bin/ssh".utf8), Array("-v".utf8)]
        }
        let full = "/usr/bin/ssh -v -6 -o ConnectTimeout=9 -l ann -p 7 -- h superlifter serve --inetd"
        #expect(try command("ssh:h", set) == full)
        #expect(try command("ssh:bob@h:8", set).contains("-l bob -p 8 --"))
    }

    @Test func otherRemoteShells() throws {
        let docker: (inout ConnectContext) -> Void = {
            $0.rshCommand = ["docker", "exec", "-i"].map { Array($0.utf8) }
            $0.connectTimeout = 9
        }
        #expect(try command("ssh:box", docker) == "docker exec -i box superlifter serve --inetd --unconfined")
        #expect(try command("ssh:u@box", docker) == "docker exec -i -l u box superlifter serve --inetd --unconfined")
        #expect(throws: ConnectFailure.self) { try command("ssh:box:22", docker) }
        #expect(!SSHCommand.isSSH(Array("/usr/bin/ssh-wrapper".utf8)))
        #expect(SSHCommand.isSSH(Array("/opt/x/ssh".utf8)))
        let twice = try command("ssh:box") {
            docker(&$0)
            $0.extraServerArguments = [Array("--unconfined".utf8)]
        }
        #expect(twice == "docker exec -i box superlifter serve --inetd --unconfined")
    }

    @Test(arguments: [
        ("/opt/s-l/bin/superlifter+2", "/opt/s-l/bin/superlifter+2"), ("~/bin/superlifter", "~/bin/superlifter"),
        ("/a b/s", "'/a b/s'"), ("x;id", "'x;id'"), ("it's", "'it'\\''s'"), ("-x", "'-x'"), ("$(id)", "'$(id)'"),
    ])
    func remotePath(path: String, shown: String) throws {
        let line = try command("ssh:h") { $0.remotePath = Array(path.utf8) }
        #expect(line == "ssh -- h \(shown) serve --inetd")
        #expect(throws: ConnectFailure.self) { try command("ssh:h") { $0.remotePath = [] } }
    }

    @Test func commandsThatServeAreToldWhosePaths() throws {
        func complete(_ text: String) throws -> String {
            CommandWords.display(
                SSHCommand.words(forCommand: try CommandWords.split(Array(text.utf8)), ConnectContext()))
        }
        #expect(try complete("superlifter serve --inetd") == "superlifter serve --inetd --unconfined")
        #expect(try complete("x serve --inetd --unconfined") == "x serve --inetd --unconfined")
        #expect(try complete("socat - TCP:h:1") == "socat - TCP:h:1")
    }
}

struct WrongProtocolTests {
    @Test(arguments: [
        ("", WrongProtocol.nothing), ("HTTP/1.1 400 Bad Request\r\n", .http), ("<html>", .http),
        ("GET / HTTP/1.1", .http),
        ("SSH-2.0-OpenSSH_9.2p1\r\n", .ssh), ("@RSYNCD: 31.0 sha512\n", .rsync), ("\u{15}\u{3}\u{3}\u{0}\u{2}", .tls),
        ("\u{16}\u{3}\u{1}", .tls), ("bash: line 1: superlifter: command not found\n", .commandNotFound),
        ("sh: 1: superlifter: not found\n", .commandNotFound), ("Unknown host", .noise),
        ("Welcome to host!\n", .noise), ("SSH", .noise), ("\0\0\0\u{4}", .noise),
        ("\u{d3}SLF\r\n^Z\r\n^C^@^@", .terminalEcho), ("^C^@^@~\u{1}", .terminalEcho),
    ])
    func named(first: String, expected: WrongProtocol) {
        let bytes = Array(first.utf8)
        #expect(WrongProtocol.name(of: bytes) == expected)
        let text = expected.explanation(firstBytes: bytes, from: .shell)
        #expect(!text.utf8.contains { $0 < 0x20 })
    }

    @Test func everyExplanationSaysWhatToDo() {
        #expect(WrongProtocol.commandNotFound.explanation(firstBytes: [], from: .shell).contains("--remote-path"))
        #expect(WrongProtocol.terminalEcho.explanation(firstBytes: [], from: .shell).contains("RequestTTY"))
        #expect(WrongProtocol.ssh.explanation(firstBytes: [], from: .shell).contains("host:path"))
        let long = [UInt8](repeating: 0x41, count: 5_000)
        #expect(WrongProtocol.noise.explanation(firstBytes: long, from: .shell).contains("4800 bytes more"))
    }
}
