// From the library's items to the itemised list's terms.

import Superlifter

extension Item {
    var itemKind: ItemizedChange.Kind {
        switch kind {
        case .file: .file
        case .directory: .directory
        case .symlink: .link
        case .characterDevice, .blockDevice: .device
        case .fifo, .socket: .special
        }
    }
}

extension ItemizedChange {
    init(_ item: Item, _ action: TransferRequest.Action) {
        let doing: Action
        if item.linkedTo != nil {
            doing = .hardLink
        } else if item.kind == .file && item.changes.contains(.content) {
            doing = action == .pull ? .received : action == .push ? .sent : .received
        } else if item.changes.contains(.created) || item.changes.contains(.checksum) {
            doing = .local
        } else {
            doing = .attributes
        }
        self.init(doing, item.itemKind)
        isNew = item.changes.contains(.created)
        contents = item.changes.contains(.checksum)
        size = item.changes.contains(.size)
        time = item.changes.contains(.timeNow) ? .now : item.changes.contains(.time) ? .set : .same
        perms = item.changes.contains(.mode)
        owner = item.changes.contains(.owner)
        group = item.changes.contains(.group)
    }
}

extension TransferRequest.Action {
    var command: Command {
        switch self {
        case .push: .push
        case .pull: .pull
        case .compare: .compare
        case .list: .list
        }
    }
}
