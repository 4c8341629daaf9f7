import Glibc
import SuperlifterCLI
import Testing

@Suite struct ManualTests {
    @Test func theCommittedPageIsTheGeneratedOne() throws {
        let parts = #filePath.split(separator: "/").dropLast(3)
        let path = "/" + parts.joined(separator: "/") + "/Docs/superlifter.1"
        let committed = try ProgramSurroundings.readFile(Array(path.utf8))
        #expect(
            String(decoding: committed, as: UTF8.self) == ManualPage.text,
            "run: contrib/superlifter help --manual > Docs/superlifter.1")
    }

    @Test func everyOptionIsMentioned() {
        let text = ManualPage.text.split(separator: "\\-", omittingEmptySubsequences: false).joined(separator: "-")
        let forgotten = OptionTable.all.map(\.name).filter { !text.contains($0) }
        #expect(forgotten.isEmpty)
    }

    @Test func noLineIsMistakenForARequest() {
        let requests = Set([".\\\"", ".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".nf", ".fi", ".RS", ".RE", ".nh", ".ad"])
        for line in ManualPage.text.split(separator: "\n") where line.hasPrefix(".") || line.hasPrefix("'") {
            let request = line.split(separator: " ").first.map(String.init) ?? ""
            #expect(requests.contains(request), "\(line)")
        }
    }

    @Test func helpFitsAScreen() {
        for command in [nil] + Command.allCases.map(Optional.some) {
            let lines = HelpText.text(for: .screen(command)).split(separator: "\n", omittingEmptySubsequences: false)
            // One row is left for the prompt.
            #expect(lines.count <= 24, "\(String(describing: command))")
            for line in lines { #expect(line.utf8.count <= 80, "\(line)") }
        }
        for command in Command.allCases {
            for line in HelpText.text(for: .full(command)).split(separator: "\n") {
                #expect(line.utf8.count <= 80, "\(line)")
            }
        }
    }
}
