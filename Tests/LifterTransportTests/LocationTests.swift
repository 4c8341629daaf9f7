import LifterTransport
import Testing

/// What a location means, as one text, so that a table can hold it.
private func meaning(_ written: [UInt8], via: Bool = false) -> String {
    do {
        switch try Location.parse(written, via: via) {
        case .local(let path):
            return "local \(String(decoding: path, as: UTF8.self))"
        case .remote(let remote):
            let path = String(decoding: remote.path, as: UTF8.self)
            return switch remote.reach {
            case .ssh(let authority): "ssh \(describe(authority)) <\(path)>"
            case .tcp(let authority): "tcp \(describe(authority)) <\(path)>"
            case .hints(let name): "via \(name.text) <\(path)>"
            }
        }
    } catch {
        return "error"
    }
}

private func describe(_ authority: Authority) -> String {
    func text(_ bytes: [UInt8]?) -> String { bytes.map { String(decoding: $0, as: UTF8.self) } ?? "-" }
    return "\(text(authority.user?.bytes)) \(text(authority.host.bytes)) \(authority.port.map(String.init) ?? "-")"
}

struct LocationTests {
    @Test(arguments: [
        // Here.
        ("path", "local path"), ("./a:b", "local ./a:b"), ("/abs", "local /abs"), ("a/b:c", "local a/b:c"),
        (".", "local ."), ("[x]", "local [x]"), ("a//b/../c/", "local a//b/../c/"), ("-n", "local -n"),
        ("[a/b]:c", "local [a/b]:c"), ("/ssh://x", "local /ssh://x"),
        // Over ssh, as rsync and scp write it.
        ("host:path", "ssh - host - <path>"), ("host:/abs", "ssh - host - </abs>"), ("host:", "ssh - host - <>"),
        ("u@host:a:b", "ssh u host - <a:b>"), ("u@d.org@host:x", "ssh u@d.org host - <x>"),
        ("[::1]:x", "ssh - ::1 - <x>"), ("u@[fe80::1%eth0]:/x", "ssh u fe80::1%eth0 - </x>"),
        ("h:a@b:c", "ssh - h - <a@b:c>"), ("u@d@[::1]:x", "ssh u@d ::1 - <x>"), ("h:./:x", "ssh - h - <./:x>"),
        ("h: x ", "ssh - h - < x >"), ("host:~/x", "ssh - host - <~/x>"), ("h:a//b/..", "ssh - h - <a//b/..>"),
        // As a URL.
        ("ssh://host/p", "ssh - host - </p>"), ("ssh://u@host:2222/p", "ssh u host 2222 </p>"),
        ("ssh://[::1]:22/p", "ssh - ::1 22 </p>"), ("ssh://h/~/x", "ssh - h - <x>"), ("ssh://h/~", "ssh - h - <>"),
        ("ssh://h/~u/x", "ssh - h - </~u/x>"), ("ssh://h", "ssh - h - <>"), ("ssh://h/", "ssh - h - </>"),
        ("ssh://h//a/%20", "ssh - h - <//a/%20>"), ("ssh://h:1/a:b@c", "ssh - h 1 </a:b@c>"),
        ("tcp://h/m", "tcp - h - <m>"), ("tcp://h:1/m/p/", "tcp - h 1 <m/p/>"), ("tcp://[::1]/m", "tcp - ::1 - <m>"),
        ("tcp://h", "tcp - h - <>"), ("tcp://h/", "tcp - h - <>"), ("tcp://h:65535/m", "tcp - h 65535 <m>"),
    ])
    func table(written: String, expected: String) {
        #expect(meaning(Array(written.utf8)) == expected)
    }

    @Test(arguments: [
        "", ":x", "@h:x", "u@:x", "host::module", "rsync://h/m", "ssh://", "ssh:///p", "ssh://h:/p", "ssh://h:0/p",
        "ssh://h:65536/p", "ssh://h:70000/p", "ssh://h:99999999999999999999/p", "ssh://h:+1/p", "ssh://h: 1/p",
        "ssh://h:1x/p", "ssh://::1/p", "ssh://[::1/p", "ssh://[::1]x/p", "tcp://h:0/m", "tcp:///m",
        "ssh://u@/p", "ssh://@h/p",
    ])
    func malformed(written: String) {
        #expect(meaning(Array(written.utf8)) == "error")
    }

    /// Each would otherwise become an option or a piece of shell on this machine.
    @Test(arguments: [
        "-oProxyCommand=x", "-h", "--", "h o", "h;id", "h$(id)", "h`id`", "h'", "h\"", "h\\", "h|x", "h&", "h\n", "h\t",
        "h\u{1b}[2J", "höst", "h*", "h?x", "h#", "h!", "h=", "h,", "h+", "h~", "h<", "h>", "h(", "h{",
    ])
    func hostileNames(name: String) {
        let written = [
            "\(name):p", "u@\(name):p", "\(name)@h:p", "ssh://\(name)/p", "ssh://\(name)@h/p", "tcp://\(name)/p",
            "ssh://\(name):22/p",
        ]
        for location in written {
            #expect(meaning(Array(location.utf8)) == "error", "\(location.debugDescription)")
        }
        #expect(meaning(Array("\(name):p".utf8), via: true) == "error")
        #expect(throws: LocationError.self) { try Hint.parse(Array("ssh:\(name)".utf8), from: .received) }
        #expect(throws: LocationError.self) { try Hint.parse(Array("tcp:\(name):1".utf8), from: .received) }
    }

    @Test(arguments: ["\u{1b}[2J:p", "ssh://a\nb/p", "ssh://h:\u{7}/p", "\u{9b}x@h:p"])
    func errorsNeverCarryControlBytes(written: String) {
        do {
            _ = try Location.parse(Array(written.utf8))
            Issue.record("accepted \(written.debugDescription)")
        } catch {
            #expect(!error.message.unicodeScalars.contains { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) })
        }
    }

    @Test func bytesStayBytes() throws {
        #expect(try Location.parse([0xff, 0x2f, 0x3a]) == .local(path: [0xff, 0x2f, 0x3a]))
        let host = try HostName(Array("h".utf8))
        let expected = RemoteLocation(reach: .ssh(Authority(user: nil, host: host, port: nil)), path: [0xff, 0x0a])
        #expect(try Location.parse(Array("h:".utf8) + [0xff, 0x0a]) == .remote(expected))
        #expect(meaning([0x61, 0]) == "error")
    }

    @Test func afterVia() {
        #expect(meaning(Array("name:module/p".utf8), via: true) == "via name <module/p>")
        #expect(meaning(Array("./x".utf8), via: true) == "local ./x")
        #expect(meaning(Array(":m".utf8), via: true) == "error")
    }

    @Test func ownHint() throws {
        func hint(_ written: String) throws -> String? {
            guard case .remote(let remote) = try Location.parse(Array(written.utf8)) else { return nil }
            return remote.hint?.text
        }
        #expect(try hint("tcp://h/m") == "tcp:h:8730")
        #expect(try hint("tcp://[::1]:1/m") == "tcp:[::1]:1")
        #expect(try hint("ssh://u@h:2/p") == "ssh:u@h:2")
        #expect(try hint("h:p") == "ssh:h")
    }
}

struct HintTests {
    @Test(arguments: [
        ("tcp:h:1", "tcp:h:1"), ("tcp:[::1]:8730", "tcp:[::1]:8730"), ("ssh:h", "ssh:h"), ("ssh:u@h:22", "ssh:u@h:22"),
        ("unix:/run/x y", "unix:/run/x y"), ("tor:abc.onion:1", "tor:abc.onion:1"), ("x-y:", "x-y:"),
        ("command:sh -c 'a  b'", "command:sh -c a  b"),
    ])
    func accepted(written: String, text: String) throws {
        #expect(try Hint.parse(Array(written.utf8), from: .local).text == text)
    }

    @Test(arguments: [
        "", "h", ":h", "TCP:h:1", "tcp:h", "tcp:h:", "tcp:h:70000", "tcp:u@h:1", "tcp:::1:1", "ssh:", "ssh:h:0",
        "unix:",
        "command:", "command: ", "command:'a", "1x:y", "a b:c", "ssh:h o", "ssh:h\n", "ssh:h%20x@", "tcp:-h:1",
    ])
    func refused(written: String) {
        #expect(throws: LocationError.self) { try Hint.parse(Array(written.utf8), from: .local) }
    }

    @Test func commandsNeverComeFromElsewhere() {
        #expect(throws: LocationError.self) { try Hint.parse(Array("command:id".utf8), from: .received) }
    }
}
