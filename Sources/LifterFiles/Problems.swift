// The system's reasons, told as problems of one subject.

package import LifterProtocol
package import LifterSystem

extension FileProblem {
    /// `doing` says in words what was being done ("opening", "reading the directory").
    package init(_ errno: Errno, doing: String) {
        self.init(.system, errno: errno.rawValue, doing: doing)
    }
}

/// Runs calls of the file system and names what they were for where they fail.
@inline(__always)
func attempting<Result>(_ doing: String, _ call: () throws(Errno) -> Result) throws(FileProblem) -> Result {
    do throws(Errno) {
        return try call()
    } catch {
        throw FileProblem(error, doing: doing)
    }
}
