import SuperlifterCLI
import Testing

@Suite struct CompletionTests {
    private static let files: [(Shell, String)] = [
        (.bash, "superlifter.bash"), (.zsh, "_superlifter"), (.fish, "superlifter.fish"),
    ]

    @Test(arguments: files)
    func theCommittedFilesAreTheGeneratedOnes(shell: Shell, name: String) throws {
        let parts = #filePath.split(separator: "/").dropLast(3)
        let path = "/" + parts.joined(separator: "/") + "/contrib/completions/" + name
        let committed = try ProgramSurroundings.readFile(Array(path.utf8))
        #expect(
            String(decoding: committed, as: UTF8.self) == Completions.text(for: shell),
            "run: contrib/superlifter help --completion \(shell.rawValue) > contrib/completions/\(name)")
    }

    @Test(arguments: Shell.allCases)
    func everyOptionThatHelpShowsIsOffered(shell: Shell) {
        let text = Completions.text(for: shell)
        for group in OptionGroup.allCases {
            for option in OptionTable.shown(in: group) {
                guard let long = option.long else { continue }
                let name = (option.showsNegated ? "no-" : "") + long
                #expect(text.contains(shell == .fish ? " -l \(name) " : "--\(name)"), "\(name)")
            }
        }
    }
}
