import SuperlifterCLI
import Testing

@Suite struct OptionTableTests {
    @Test func noNameOrLetterStandsForTwoOptions() {
        let longs = OptionTable.all.compactMap(\.long)
        #expect(Set(longs).count == longs.count)
        let shorts = OptionTable.all.compactMap(\.short)
        #expect(Set(shorts).count == shorts.count)
        let names = Set(longs)
        for row in OptionTable.elsewhere where row.name.utf8.count > 1 {
            #expect(!names.contains(row.name), "\(row.name) is an option and has advice")
        }
        for row in OptionTable.elsewhere where row.name.utf8.count == 1 {
            #expect(!shorts.contains(row.name.utf8.first ?? 0), "-\(row.name) is an option and has advice")
        }
    }

    @Test func everyEffectHasAnOption() {
        let reachable = Set(OptionTable.all.flatMap { [$0.status.id, $0.negated?.id].compactMap { $0 } })
        for id in OptionID.allCases { #expect(reachable.contains(id), "\(id) cannot be typed") }
    }

    @Test func helpLinesFitATerminal() {
        for option in OptionTable.all { #expect(option.help.utf8.count <= 76, "\(option.name): \(option.help)") }
    }

    @Test(arguments: [
        "-X", "-A", "-U", "-L", "-k", "-K", "-E", "-J", "-b", "-x", "-d", "-0",
        "--temp-dir", "--delay-updates", "--link-dest", "--copy-dest", "--compare-dest", "--fsync",
        "--verify", "--backup", "--backup-dir", "--suffix", "--remove-source-files",
        "--password-file",
        "--gitignore", "--files-from", "--from0", "--max-size", "--min-size", "--modify-window", "--chmod", "--chown",
        "--usermap", "--groupmap", "--fake-super", "--super", "--no-super", "--copy-unsafe-links", "--safe-links",
    ])
    func plannedOptionsAreRefusedByName(_ option: String) throws {
        let refused = try #require(failure { () throws(UsageFailure) in try parse("push \(option) a b") })
        #expect(refused.status == .unsupported)
        #expect(refused.message.hasPrefix("\(option): "))
    }

    @Test(arguments: [
        "-a", "-avz", "-rlptgoD", "-avP", "--partial", "--no-partial", "-S", "--sparse", "--inplace",
        "--append-verify", "--info=progress2", "--delete-after", "--delete-during",
        "--delete-delay", "--del", "--protect-args", "-s", "--no-H", "--no-hard-links", "--no-inplace", "-W",
        "--whole-file", "--no-whole-file", "--no-W", "-B700", "--refine=never", "--no-i-r", "--archive", "--recursive",
        "--specials", "--no-motd", "--contimeout=5", "-y", "--fuzzy", "--no-detect-renames", "--detect-renames",
        "--compress-choice=zlib", "--ignore-non-existing", "-avh", "--cc=xxh128", "--partial-dir=.parts", "--no-o",
        "--no-owner", "--secluded-args",
    ])
    func habitsFromRsyncAreAccepted(_ option: String) throws {
        let request = try plan("push \(option) a b")
        guard case .transfer = request else { throw UsageFailure("no transfer") }
    }
}
