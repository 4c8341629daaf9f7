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

extension ItemLine {
    init(_ item: Item, _ action: TransferRequest.Action) {
        self.init(ItemizedChange(item, action), path: item.path)
        size = item.kind == .symlink ? UInt64(item.target.count) : item.size
        transferred = item.transferredBytes
        mode = item.mode
        modified = item.modifiedSeconds
        user = item.userID
        group = item.groupID
        target = item.kind == .symlink ? item.target : nil
        linkedTo = item.linkedTo
        isPull = action == .pull
    }
}

extension ProgressFigures {
    init(_ progress: TransferProgress) {
        self.init()
        isScanComplete = progress.isScanned
        filesScanned = progress.entries
        bytesScanned = progress.scannedBytes
        filesToSend = progress.filesToSend
        bytesToSend = progress.bytesToSend
        filesDone = progress.filesDone
        bytesDone = progress.bytesDone
        if progress.isDeleting {
            phase = .deleting
        } else if !progress.isScanned {
            phase = progress.bytesDone > 0 || progress.filesDone > 0 ? .sending : .scanning
        } else {
            phase = progress.filesDone < progress.filesToSend ? .sending : .finishing
        }
    }
}

extension SummaryFigures {
    /// Counts an item as it comes, for a run that does not come to its end.
    mutating func count(_ item: Item) {
        let isNew = item.changes.contains(.created)
        if item.linkedTo != nil {
            linked += 1
            if isNew { created += 1 }
            return
        }
        if isNew { created += 1 }
        if item.kind == .file, item.changes.contains(.content) {
            filesSent += 1
            bytesSent &+= item.size
            literalBytes &+= item.transferredBytes
        } else if !isNew {
            attributesChanged += 1
        }
    }

    /// What the session counted.
    mutating func take(_ summary: TransferSummary) {
        filesScanned = summary.entries
        directoriesScanned = summary.directories
        filesSent = summary.files
        bytesSent = summary.totalBytes
        bytesScanned = summary.sourceBytes
        deleted = summary.deleted
        failed = summary.failed + summary.vanished
        literalBytes = summary.contentBytes
        matchedBytes = summary.matchedBytes
        wireBytesOut = summary.sentBytes
        wireBytesIn = summary.receivedBytes
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
