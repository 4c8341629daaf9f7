/// The receiver's map between the sender's owner numbers and its own: by name where both know the name, else by
/// number. 0 is always 0. With numeric ids every number stands for itself.
package struct OwnerMap: Sendable {
    private let isNumeric: Bool
    private var users: [UInt32: UInt32] = [:]
    private var groups: [UInt32: UInt32] = [:]
    /// Own id -> the sender's; nil inside marks an id that two of the sender's map to (no inverse).
    private var inverseUsers: [UInt32: UInt32?] = [:]
    private var inverseGroups: [UInt32: UInt32?] = [:]

    package init(isNumeric: Bool) { self.isNumeric = isNumeric }

    /// An owner as announced, and this host's id for its name (nil: the name is unknown here).
    package mutating func announce(_ owner: OwnerName, local: UInt32?) {
        let own = owner.id == 0 ? 0 : local ?? owner.id
        if owner.isGroup {
            Self.enter(owner.id, own, &groups, &inverseGroups)
        } else {
            Self.enter(owner.id, own, &users, &inverseUsers)
        }
    }

    private static func enter(
        _ theirs: UInt32, _ own: UInt32, _ map: inout [UInt32: UInt32], _ inverse: inout [UInt32: UInt32?]
    ) {
        guard map[theirs] == nil else { return }
        map[theirs] = own
        inverse.updateValue(inverse.keys.contains(own) ? nil : theirs, forKey: own)
    }

    /// This host's id for one of the sender's.
    package func local(for id: UInt32, isGroup: Bool) -> UInt32 {
        if isNumeric { return id }
        return (isGroup ? groups[id] : users[id]) ?? id
    }

    /// The sender's id that maps to this host's; nil when there is none, or more than one.
    package func announced(for id: UInt32, isGroup: Bool) -> UInt32? {
        if isNumeric { return id }
        return (isGroup ? inverseGroups[id] : inverseUsers[id]) ?? nil
    }
}
