// Names for the numbers of owners, each asked for once: a directory service may take its time.

import LifterProtocol
import LifterSystem
import Synchronization

final class OwnerNames: Sendable {
    private struct Key: Hashable {
        var isGroup: Bool
        var id: UInt32
    }

    private let known = Mutex<[Key: [UInt8]]>([:])

    /// An empty name means that this host knows none, or could not find out just now.
    func owner(isGroup: Bool, id: UInt32) -> OwnerName {
        let key = Key(isGroup: isGroup, id: id)
        if let name = known.withLock({ $0[key] }) { return OwnerName(isGroup: isGroup, id: id, name: name) }
        // Without the lock: two threads may ask for the same name, and get the same answer.
        let name: [UInt8]
        do throws(Errno) {
            name = try (isGroup ? Users.groupName(id) : Users.userName(id)) ?? []
        } catch {
            return OwnerName(isGroup: isGroup, id: id, name: [])
        }
        known.withLock { $0[key] = name }
        return OwnerName(isGroup: isGroup, id: id, name: name)
    }
}

extension OwnerNames {
    /// This host's number for a sender's owner, by name. Nil where the sender knew no name, this host does not
    /// know it, or it could not be found out: the caller keeps the sender's number. Root is root everywhere.
    static func number(of owner: OwnerName) -> UInt32? {
        if owner.id == 0 { return 0 }
        if owner.name.isEmpty { return nil }
        do throws(Errno) {
            return try owner.isGroup ? Users.groupID(owner.name) : Users.userID(owner.name)
        } catch {
            return nil
        }
    }
}

/// The owners that occur in one directory, each once. Nearly always one user and one group.
struct OwnerSet {
    private(set) var users: [UInt32] = []
    private(set) var groups: [UInt32] = []
    private var knownUsers: Set<UInt32> = []
    private var knownGroups: Set<UInt32> = []

    mutating func insert(user: UInt32, group: UInt32) {
        if users.last != user && knownUsers.insert(user).inserted { users.append(user) }
        if groups.last != group && knownGroups.insert(group).inserted { groups.append(group) }
    }
}
