// As whom files are touched: `--uid` and `--gid`, and the keys of the same names in a configuration.

import LifterSystem

package struct Identity: Hashable, Sendable {
    package let user: UInt32
    package let group: UInt32

    /// From names or numbers. Without a group it is the user's own; that of a number without an account must be said.
    package static func resolve(user: [UInt8], group: [UInt8]?) throws(ServeRefusal) -> Identity {
        let shown = Display.escaped(user, limit: 100)
        var id = try number(user)
        if id == nil { id = try find(user) { (name) throws(Errno) in try Users.userID(name) } }
        guard let id else {
            throw ServeRefusal(message: "there is no user '\(shown)'", exitCode: 1)
        }
        if let group {
            var number = try number(group)
            if number == nil { number = try find(group) { (name) throws(Errno) in try Users.groupID(name) } }
            guard let number else {
                throw ServeRefusal(
                    message: "there is no group '\(Display.escaped(group, limit: 100))'", exitCode: 1)
            }
            return Identity(user: id, group: number)
        }
        let own = try find(user) { (_) throws(Errno) in try Users.primaryGroup(ofUser: id) }
        guard let own else {
            throw ServeRefusal(message: "user \(shown) has no account, so its group must be given, too", exitCode: 1)
        }
        return Identity(user: id, group: own)
    }

    /// Becomes it, for good. To be called before anything of the client's is opened.
    package func assume() throws(ServeRefusal) {
        do throws(Errno) {
            try Privileges.become(user: user, group: group)
        } catch {
            throw ServeRefusal(
                message: "cannot become user \(user) and group \(group): \(error) (only root can)", exitCode: 5)
        }
    }

    private static func number(_ text: [UInt8]) throws(ServeRefusal) -> UInt32? {
        guard !text.isEmpty, text.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        // The largest number means "none" to the kernel.
        guard let value = UInt32(String(decoding: text, as: UTF8.self)), value != .max else {
            throw ServeRefusal(message: "\(Display.escaped(text, limit: 40)) is no user's number", exitCode: 1)
        }
        return value
    }

    private static func find(
        _ name: [UInt8], _ look: ([UInt8]) throws(Errno) -> UInt32?
    ) throws(ServeRefusal) -> UInt32? {
        do throws(Errno) {
            return try look(name)
        } catch {
            throw ServeRefusal(message: "looking up '\(Display.escaped(name, limit: 100))': \(error)", exitCode: 11)
        }
    }
}
