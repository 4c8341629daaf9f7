// Error numbers as people and programs read them.

import LifterSystem
import Testing

@Suite struct ErrnoTests {
    @Test func namesAndWords() {
        #expect(Errno.noEntry.name == "ENOENT")
        #expect(Errno.noEntry.description == "No such file or directory")
        #expect(Errno.noSpace.name == "ENOSPC")
        #expect(Errno(rawValue: 4711).description == "Unknown error 4711")
        #expect(Errno(rawValue: 4711).name == "E4711")
        #expect(Errno(rawValue: 0x7fff_ffff).name == "E2147483647")
    }
}
