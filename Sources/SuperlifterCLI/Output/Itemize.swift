// The itemised list: rsync's eleven characters YXcstpoguax, then the name. Scripts read them, so they are exact.
//
//     Y  what is done: < sent, > received, c made here, h hard link, . attributes only
//     X  the kind: f file, d directory, L link, D device, S special file
//     c  contents or target differ     s  size     t  mtime (T: set to the time of transfer)
//     p  permissions     o  owner     g  group     u  access time     a  ACL     x  extended attributes

package struct ItemizedChange: Equatable, Sendable {
    package enum Action: Equatable, Sendable {
        /// Contents go to the far side.
        case sent
        /// Contents come from the far side, or from another place on this machine.
        case received
        /// Made or changed in place, without contents: directories, links, devices.
        case local
        case hardLink
        /// At most attributes change.
        case attributes
        case deleted
    }

    package enum Kind: Equatable, Sendable {
        case file, directory, link, device, special
    }

    package enum Time: Equatable, Sendable {
        case same
        case set
        /// The destination gets the time of the transfer, since times are not kept.
        case now
    }

    package var action: Action
    package var kind: Kind
    package var isNew = false
    package var contents = false
    package var size = false
    package var time = Time.same
    package var perms = false
    package var owner = false
    package var group = false
    package var accessTime = false
    package var acl = false
    package var xattrs = false

    package init(_ action: Action, _ kind: Kind) {
        self.action = action
        self.kind = kind
    }

    /// The eleven characters.
    package var code: String {
        if action == .deleted { return "*deleting  " }
        let lead = "\(actionLetter)\(kindLetter)"
        if isNew { return lead + "+++++++++" }
        let flags: [(Bool, Character)] = [
            (contents, "c"), (size && kind != .link, "s"), (time != .same, time == .now ? "T" : "t"), (perms, "p"),
            (owner, "o"), (group, "g"), (accessTime, "u"), (acl, "a"), (xattrs, "x"),
        ]
        let rest = String(flags.map { $0.0 ? $0.1 : "." })
        // What was not transferred and has not changed is shown with blanks, so that the eye passes over it.
        let isTransfer = action == .sent || action == .received
        return !isTransfer && rest == "........." ? lead + "         " : lead + rest
    }

    private var actionLetter: Character {
        switch action {
        case .sent: "<"
        case .received: ">"
        case .local: "c"
        case .hardLink: "h"
        case .attributes: "."
        case .deleted: "*"
        }
    }

    private var kindLetter: Character {
        switch kind {
        case .file: "f"
        case .directory: "d"
        case .link: "L"
        case .device: "D"
        case .special: "S"
        }
    }
}
