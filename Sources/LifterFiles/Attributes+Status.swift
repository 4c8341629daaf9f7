// What the disk says of an object, in the words of a listing.

package import LifterProtocol
package import LifterSystem

extension EntryKind {
    package init(_ kind: FileKind) {
        switch kind {
        case .regular: self = .regular
        case .directory: self = .directory
        case .symlink: self = .symlink
        case .fifo: self = .fifo
        case .socket: self = .socket
        case .characterDevice: self = .characterDevice
        case .blockDevice: self = .blockDevice
        }
    }
}

extension Timestamp {
    package init(_ time: FileTime) {
        self.init(seconds: time.seconds, nanoseconds: time.nanoseconds)
    }
}

extension Attributes {
    package init(_ status: FileStatus) {
        let size: UInt64
        switch status.kind {
        case .regular: size = status.size
        case .characterDevice, .blockDevice: size = status.specialDevice
        case .directory, .symlink, .fifo, .socket: size = 0
        }
        self.init(
            kind: EntryKind(status.kind), mode: UInt16(truncatingIfNeeded: status.mode & 0o7777),
            userID: status.userID, groupID: status.groupID, size: size, modified: Timestamp(status.modified))
    }
}

extension FileKind {
    package init(_ kind: EntryKind) {
        switch kind {
        case .regular: self = .regular
        case .directory: self = .directory
        case .symlink: self = .symlink
        case .fifo: self = .fifo
        case .socket: self = .socket
        case .characterDevice: self = .characterDevice
        case .blockDevice: self = .blockDevice
        }
    }
}
