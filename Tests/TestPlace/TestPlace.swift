// Where the tests make their trees: below TMPDIR, else below /tmp. contrib/test names a place in memory, where there
// is a roomy one: quicker than a disk, and never full by surprise.

import Glibc

package enum TestPlace {
    package struct NoRoom: Error, CustomStringConvertible {
        package let description: String
    }

    /// Without a slash at its end.
    package static let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"

    /// A fresh, empty directory with mode 0700, named after what it is for. Whoever asks removes it.
    package static func makeDirectory(for purpose: String) throws(NoRoom) -> String {
        var template = Array("\(base)/superlifter-\(purpose)-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else {
            throw NoRoom(description: "no directory for tests below \(base): \(String(cString: strerror(errno)))")
        }
        return String(cString: made)
    }
}
