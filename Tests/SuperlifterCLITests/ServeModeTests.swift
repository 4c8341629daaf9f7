import LifterService
import LifterSystem
import Testing

/// A decision without its text.
private enum Verdict: String {
    case serveSayingSo, serve, listen, usage, refuse

    init(_ mode: ServeMode) {
        self =
            switch mode {
            case .inetd(saySo: true): .serveSayingSo
            case .inetd(saySo: false): .serve
            case .listen: .listen
            case .usageError: .usage
            case .refuse: .refuse
            }
    }
}

struct ServeModeTests {
    private static let kinds: [DescriptorKind] = [
        .socket(connected: true, listening: false), .pipe, .terminal, .null,
    ]

    private func decide(
        _ flag: ServeFlag, _ input: DescriptorKind, _ output: DescriptorKind, same: Bool = false, passed: Bool = false,
        configured: Bool = false
    ) -> ServeMode {
        ServeMode.decide(
            flag,
            ServeSurroundings(
                input: input, output: output, sameSocket: same, socketsPassed: passed, listenersConfigured: configured))
    }

    /// Each row is one kind of standard input; the columns are socket, pipe, terminal, /dev/null on standard output.
    private func table(_ flag: ServeFlag, configured: Bool, same: Bool) -> [[Verdict]] {
        Self.kinds.map { input in
            Self.kinds.map { Verdict(decide(flag, input, $0, same: same, configured: configured)) }
        }
    }

    @Test func withoutFlagOrListeners() {
        #expect(
            table(.none, configured: false, same: true) == [
                [.serveSayingSo, .refuse, .usage, .refuse],
                [.refuse, .serveSayingSo, .usage, .refuse],
                [.refuse, .refuse, .usage, .refuse],
                [.refuse, .refuse, .usage, .refuse],
            ])
        #expect(table(.none, configured: false, same: false)[0] == [.refuse, .refuse, .usage, .refuse])
    }

    @Test func withoutFlagButListeners() {
        #expect(
            table(.none, configured: true, same: true) == [
                [.serveSayingSo, .refuse, .usage, .refuse],
                [.refuse, .serveSayingSo, .usage, .refuse],
                [.listen, .listen, .listen, .listen],
                [.listen, .listen, .listen, .listen],
            ])
    }

    @Test func inetdFlag() {
        for same in [false, true] {
            #expect(
                table(.inetd, configured: true, same: same) == [
                    [.serve, .serve, .usage, .serve],
                    [.serve, .serve, .usage, .serve],
                    [.usage, .usage, .usage, .usage],
                    [.serve, .serve, .usage, .serve],
                ])
        }
    }

    @Test func listenFlag() {
        #expect(table(.listen, configured: true, same: true).joined().allSatisfy { $0 == .listen })
    }

    /// A socket unit without `Accept=yes` hands over the listening socket, one way or the other.
    @Test func passedListeners() {
        for flag in [ServeFlag.none, .inetd, .listen] {
            for output in Self.kinds {
                for mode in [
                    decide(flag, .socket(connected: false, listening: true), output, configured: true),
                    decide(flag, .null, output, passed: true, configured: true),
                ] {
                    guard case .refuse(let text) = mode else {
                        Issue.record("\(flag) \(output): \(mode)")
                        continue
                    }
                    #expect(text.contains("Accept=yes"))
                }
            }
        }
    }

    @Test func passedSocketsAreForOneProcess() {
        func passed(_ count: String?, _ process: String?) -> Bool {
            ServeSurroundings.socketsPassed(to: 77) { name in
                (name == "LISTEN_FDS" ? count : process).map { Array($0.utf8) }
            }
        }
        #expect(passed("1", "77"))
        #expect(!passed("1", "78") && !passed("1", nil) && !passed(nil, "77") && !passed("0", "77"))
    }

    @Test func oddDescriptors() {
        let unconnected = DescriptorKind.socket(connected: false, listening: false)
        #expect(Verdict(decide(.none, unconnected, unconnected, same: true)) == .refuse)
        #expect(Verdict(decide(.inetd, unconnected, unconnected, same: true)) == .refuse)
        #expect(Verdict(decide(.inetd, .closed, .pipe)) == .usage)
        #expect(Verdict(decide(.inetd, .pipe, .closed)) == .usage)
        #expect(Verdict(decide(.inetd, .regular, .regular)) == .serve)
        #expect(Verdict(decide(.none, .regular, .regular, configured: true)) == .refuse)
        #expect(Verdict(decide(.none, .closed, .closed, configured: true)) == .refuse)
    }

    @Test func aRefusalNamesTheTwoFlags() {
        for (input, output) in [(DescriptorKind.null, DescriptorKind.pipe), (.terminal, .terminal)] {
            switch decide(.none, input, output) {
            case .refuse(let text), .usageError(let text):
                #expect(text.contains("--inetd") && text.contains("--listen"))
            case .inetd, .listen:
                Issue.record("served unasked")
            }
        }
    }
}

struct ConfinementTests {
    private let stranger = LoginFacts(overSSH: false, originalCommand: nil)
    private let ssh = LoginFacts(overSSH: true, originalCommand: nil)

    private func outcome(_ request: ConfinementRequest, _ login: LoginFacts) -> Result<Confinement, ServeRefusal> {
        Result { () throws(ServeRefusal) in try request.decide(login) }
    }

    private func exitCode(_ request: ConfinementRequest, _ login: LoginFacts) -> Int32 {
        switch outcome(request, login) {
        case .success: 0
        case .failure(let refusal): refusal.exitCode
        }
    }

    @Test func ownPathsNeedALoginOrAWord() {
        #expect(outcome(ConfinementRequest(), ssh) == .success(.unconfined))
        #expect(outcome(ConfinementRequest(unconfined: true), stranger) == .success(.unconfined))
        guard case .failure(let refusal) = outcome(ConfinementRequest(), stranger) else {
            Issue.record("served a stranger")
            return
        }
        #expect(refusal.exitCode == 5)
        for word in ["SSH_CONNECTION", "--root", "--unconfined"] { #expect(refusal.message.contains(word)) }
    }

    @Test func aRootHoldsWhateverElseIsSaid() {
        let root = Array("/srv".utf8)
        for unconfined in [false, true] {
            for login in [stranger, ssh] {
                #expect(
                    outcome(ConfinementRequest(root: root, readOnly: true, unconfined: unconfined), login)
                        == .success(.root(path: root, access: .readOnly)))
                #expect(
                    outcome(ConfinementRequest(root: root, appendOnly: true, unconfined: unconfined), login)
                        == .success(.root(path: root, access: .appendOnly)))
                #expect(
                    outcome(ConfinementRequest(root: root, unconfined: unconfined), login)
                        == .success(.root(path: root, access: .readWrite)))
            }
        }
        #expect(exitCode(ConfinementRequest(root: []), ssh) == 1)
    }

    @Test func restrictionsAreNeverDropped() {
        #expect(exitCode(ConfinementRequest(readOnly: true), ssh) == 1)
        #expect(exitCode(ConfinementRequest(readOnly: true, unconfined: true), ssh) == 1)
        #expect(exitCode(ConfinementRequest(appendOnly: true), ssh) == 1)
        #expect(exitCode(ConfinementRequest(appendOnly: true, unconfined: true), stranger) == 1)
        let both = ConfinementRequest(root: [0x2f], readOnly: true, appendOnly: true)
        #expect(outcome(both, ssh) == .success(.root(path: [0x2f], access: .readOnly)))
    }

    /// The client chooses SSH_ORIGINAL_COMMAND.
    @Test(arguments: ["superlifter serve --unconfined", "--root /", "SSH_CONNECTION=1", "\n--unconfined", "$(id)"])
    func theOriginalCommandDecidesNothing(text: String) {
        let facts = LoginFacts { $0 == "SSH_ORIGINAL_COMMAND" ? Array(text.utf8) : nil }
        #expect(facts.originalCommand == Array(text.utf8))
        #expect(exitCode(ConfinementRequest(), facts) == 5)
        #expect(LoginFacts { $0 == "SSH_CONNECTION" ? [] : nil }.overSSH == false)
        #expect(LoginFacts { $0 == "SSH_CONNECTION" ? [0x31] : nil }.overSSH)
    }
}
