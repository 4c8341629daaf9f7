import LifterService
import LifterTransport
import Testing

struct ConfigurationTests {
    private func parse(_ text: String) throws(ConfigurationFailure) -> Configuration {
        try ConfigurationReader.parse(Array(text.utf8), path: Array("conf".utf8))
    }

    /// The lines that are complained about, as they would be printed.
    private func problems(_ text: String) -> [String] {
        do throws(ConfigurationFailure) {
            _ = try parse(text)
            return []
        } catch {
            return error.lines
        }
    }

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test func everything() throws {
        let read = try parse(
            """
            listen = ["tcp:0", "unix:/run/x"]   # a comment
            max-connections = 7
            lock-directory = "/run/locks"
            [modules.pub]
            path = "/srv/pub"
            comment = "for äll"
            [modules."with space"]
            path = '/srv/in'
            access = "write"
            insecure = true
            list = false
            uid = 1000
            gid = 1001
            max-connections = 3
            hosts-allow = ["192.0.2.0/24", "local"]
            hosts-deny = ["192.0.2.7"]
            exclude = ["*.key"]
            timeout = 60
            """)
        #expect(read.listen == [.tcp(host: nil, port: 0), .unix(path: bytes("/run/x"))])
        #expect(read.maxConnections == 7 && read.lockDirectory == bytes("/run/locks"))
        #expect(read.modules.map(\.name) == [bytes("pub"), bytes("with space")])
        let pub = try #require(read.module(named: bytes("pub")))
        #expect(pub.path == bytes("/srv/pub") && pub.comment == "for äll" && pub.line == 4)
        // Who says nothing gives little away.
        #expect(pub.access == .read && !pub.isInsecure && pub.isListed && pub.identity == nil)
        #expect(pub.allow == nil && pub.deny.isEmpty && pub.exclude.isEmpty && pub.maxConnections == nil)
        let other = try #require(read.module(named: bytes("with space")))
        #expect(other.access == .write && other.isInsecure && !other.isListed && other.timeout == 60)
        #expect(other.identity?.user == 1000 && other.identity?.group == 1001 && other.maxConnections == 3)
        #expect(other.allow?.count == 2 && other.deny.count == 1 && other.exclude == [bytes("*.key")])
        #expect(read.module(named: bytes("nothing")) == nil)
        let append = try parse("[modules.a]\npath = \"/\"\naccess = \"append\"")
        #expect(append.modules.first?.access == .append)
        #expect(try parse("listen = \"tcp:1\"\n[modules.a]\npath = \"/\"").listen == [.tcp(host: nil, port: 1)])
    }

    /// Each is one mistake in an otherwise right file, its line, and a word that helps.
    @Test(arguments: [
        ("frobs = 1", 4, "max-connections"), ("pth = \"/x\"", 4, "hosts-allow"),
        ("access = \"rw\"", 4, "\"append\" or \"write\""), ("access = true", 4, "string"),
        ("list = \"no\"", 4, "true or false"),
        ("timeout = 0", 4, "1 to 300"), ("timeout = 1.5", 4, "number"), ("max-connections = -1", 4, "number"),
        ("uid = \"nobody-at-all\"", 4, "no user"), ("uid = 4294967295", 4, "number"), ("uid = 12345678", 4, "group"),
        ("gid = 1", 4, "uid"), ("hosts-allow = \"all\"", 4, "list"),
        ("hosts-allow = [\"example.org\"]", 4, "not looked up"),
        ("hosts-deny = [1]", 4, "numeric"), ("exclude = [\"a/b\"]", 4, "slash"), ("exclude = [\"\"]", 4, "patterns"),
        ("comment = 1979-05-27", 4, "string"), ("path = \"/y\"", 4, "redefine"), ("path.x = 1", 4, "redefine"),
        ("[modules.\"a/b\"]\npath = \"/\"", 4, "slash"), ("[modules.b]", 4, "has no path"),
        ("[modules.b]\npath = \"x\"", 5, "begin with /"), ("[modules.\"..\"]\npath = \"/\"", 4, "name"),
        ("x = ", 4, "value"), ("x = \"\u{1}\"", 4, "control"), ("[modules.b", 4, "']'"), ("nonsense", 4, "="),
    ])
    func mistakesAreNamedWithTheirLine(_ mistake: String, _ line: Int, _ word: String) {
        let found = problems("listen = [\"tcp:0\"]\n[modules.a]\npath = \"/x\"\n\(mistake)\n")
        #expect(found.count == 1, "\(found)")
        #expect(found.first?.hasPrefix("conf:\(line): ") == true, "\(found)")
        #expect(found.first?.contains(word) == true, "\(found)")
    }

    @Test func mistakesAtTheTop() {
        #expect(problems("").first?.contains("[modules.NAME]") == true)
        #expect(problems("modules = 3").first?.hasPrefix("conf:1: modules are tables") == true)
        #expect(problems("modules.a = 3").first?.hasPrefix("conf:1: a module is a table") == true)
        #expect(problems("listen = [\"udp:1\"]\n[modules.a]\npath=\"/\"").first?.hasPrefix("conf:1: listen") == true)
        #expect(problems("listen = [1]\n[modules.a]\npath=\"/\"").first?.hasPrefix("conf:1: listen") == true)
        #expect(problems("lock-directory = \"x\"\n[modules.a]\npath=\"/\"").first?.contains("begin with /") == true)
        // All of them at once, in the order of the lines.
        #expect(problems("b = 1\na = 2\n[modules.a]\n").count == 3)
        #expect(problems("b = 1\na = 2\n[modules.a]\n").first?.hasPrefix("conf:1: unknown key 'b'") == true)
    }

    /// Whatever the bytes are, they end in values or in reasons.
    @Test func randomBytes() {
        var generator = SystemRandomNumberGenerator()
        let words = Array("[]=\"'#\n{},.modules apth\\u\u{0}".utf8)
        for _ in 0..<3000 {
            let text = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
                Bool.random(using: &generator) ? words.randomElement(using: &generator)! : UInt8.random(in: 0...255)
            }
            do throws(ConfigurationFailure) {
                _ = try ConfigurationReader.parse(text, path: [])
            } catch {
                #expect(!error.lines.isEmpty, "\(text)")
            }
        }
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
        #expect(throws: ConfigurationFailure.self) {
            try ConfigurationReader.parse(Array("a = ".utf8) + deep, path: [])
        }
    }
}

struct HostRuleTests {
    private func rule(_ text: String) -> HostRule? { HostRule(Array(text.utf8)) }

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false), ("192.0.2.0/24", "192.0.2.255", true),
        ("192.0.2.0/24", "192.0.3.0", false), ("0.0.0.0/0", "203.0.113.9", true), ("0.0.0.0/0", "::1", false),
        ("192.0.2.128/25", "192.0.2.127", false), ("192.0.2.128/25", "192.0.2.200", true),
        ("2001:db8::/32", "2001:db8:1::1", true), ("2001:db8::/32", "2001:db9::1", false), ("::/0", "::1", true),
        ("fe80::/10", "fe80::1%eth0", true), ("::ffff:192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1", "::ffff:192.0.2.1", true), ("local", "192.0.2.1", false),
    ])
    func matches(_ text: String, _ address: String, _ expected: Bool) throws {
        #expect(try #require(rule(text)).matches(Array(address.utf8)) == expected)
    }

    @Test(arguments: [
        "", "example.org", "192.0.2", "192.0.2.1/33", "192.0.2.1/24", "192.0.2.0/", "192.0.2.0/-1", "2001:db8::/129",
        "192.0.2.0/024x", "10", "*", "Local", "192.0.2.1 ",
    ])
    func refused(_ text: String) {
        #expect(rule(text) == nil)
    }

    @Test func bothLists() {
        let net = [rule("192.0.2.0/24")!]
        let one = [rule("192.0.2.7")!]
        func admits(_ address: String?, _ allow: [HostRule]?, _ deny: [HostRule]) -> Bool {
            HostRule.admits(address.map { Array($0.utf8) }, allow: allow, deny: deny)
        }
        #expect(admits("192.0.2.1", nil, []) && admits(nil, nil, []))
        #expect(admits("192.0.2.1", net, one) && !admits("192.0.2.7", net, one))
        // Named in neither list: where somebody is allowed by name, nobody else is.
        #expect(!admits("203.0.113.1", net, one) && admits("203.0.113.1", nil, one))
        #expect(!admits(nil, net, []) && admits(nil, net + [.local], []) && !admits(nil, nil, [.local]))
        // An empty list allows nobody; an address that cannot be read slips past no rule.
        #expect(!admits("192.0.2.1", [], []) && !admits("what", nil, one) && !admits("what", net, []))
    }
}
