// Names that stand for one file (hard links), as a listing keeps them.
//
// Only names of files with several names are noted, beside the listing's records. When a directory is listed, `seal`
// tells of each whether all names of its file are in this listing. If so, a digest of all of them stands for the group;
// it is part of what is compared, so either every name of the group is the same at both ends or every one differs.

/// Which file a name stands for, where the file has several names.
package struct FileIdentity: Hashable, Sendable {
    /// The file system, in its host's own numbers; on the wire an index that the sender gives it.
    package var device: UInt64
    package var inode: UInt64
    /// How many names the file has, those outside of the job included; at least 2.
    package var names: UInt32

    package init(device: UInt64, inode: UInt64, names: UInt32) {
        self.device = device
        self.inode = inode
        self.names = names
    }

    package func isSameFile(as other: FileIdentity) -> Bool { device == other.device && inode == other.inode }

    /// Without the number of names, which may change while others work on the tree.
    var key: LinkKey { LinkKey(device: device, inode: inode) }
}

/// A group of names at the sender.
package struct LinkKey: Hashable, Sendable {
    package var device: UInt64
    package var inode: UInt64
    /// In `device`: told in the second pass.
    package static let secondPass: UInt64 = 1 << 40
    package init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }
}

/// What a listing knows of one name with others.
package struct LinkedName: Sendable {
    package enum Standing: UInt8, Sendable {
        /// Its other names are not in this listing, which at the receiver is as good as having none, as long as no
        /// other name in this tree has the file.
        case alone = 0
        /// All names are in this listing; `digest` stands for them.
        case whole = 1
        /// Names are outside of this listing; the sender's and the receiver's mark differ, so that such never agree.
        case outsideAtSender = 2
        case outsideAtReceiver = 3
    }
    package let index: UInt32
    package let identity: FileIdentity
    package var standing = Standing.outsideAtSender
    package var digest = ContentDigest(low: 0, high: 0)
}

extension Entry {
    /// Whether its contents may be promised. Of a file with several names they are asked for, under one of them.
    var mayBePromised: Bool { attributes.kind == .regular && link == nil }
}

extension Listing {
    var hasLinks: Bool { !links.isEmpty }

    /// What is known of an entry with several names; nil for all others.
    package func linkedName(at index: Int) -> LinkedName? {
        linkPosition(of: index).map { links[$0] }
    }

    func linkPosition(of index: Int) -> Int? {
        if links.isEmpty { return nil }
        let low = links.partitionPoint { $0.index >= index }
        return low < links.count && links[low].index == index ? low : nil
    }

    /// Finds the groups, once all entries are in. `key` is the session's digest key.
    package mutating func seal(isSender: Bool, key: UInt64) {
        if links.isEmpty { return }
        var order = Array(links.indices)
        order.sort { left, right in
            let (one, other) = (links[left].identity, links[right].identity)
            return (one.device, one.inode, left) < (other.device, other.inode, right)
        }
        var start = 0
        while start < order.count {
            var end = start + 1
            let identity = links[order[start]].identity
            while end < order.count, links[order[end]].identity.isSameFile(as: identity) { end += 1 }
            settle(order[start..<end], isSender, key)
            start = end
        }
    }

    private mutating func settle(_ group: ArraySlice<Int>, _ isSender: Bool, _ key: UInt64) {
        guard let first = group.first else { return }
        var standing = isSender ? LinkedName.Standing.outsideAtSender : .outsideAtReceiver
        var digest = ContentDigest(low: 0, high: 0)
        let identity = links[first].identity
        if group.count > 1, group.count == Int(identity.names) {
            standing = .whole
            var bytes: [UInt8] = []
            for position in group {
                let name = name(at: Int(links[position].index))
                bytes.append(UInt8(truncatingIfNeeded: name.count))
                bytes.append(UInt8(truncatingIfNeeded: name.count >> 8))
                bytes.append(contentsOf: name)
            }
            digest = ContentDigest.keyed(bytes, key)
        } else if !isSender, group.count == 1 {
            standing = .alone
        }
        for position in group { setStanding(standing, digest, at: position) }
    }

    /// At the receiver: names of a range that are alone here, and where they stand among those with others.
    func namesAlone(in range: Range<Int>) -> (names: [(name: [UInt8], file: FileIdentity)], positions: [Int]) {
        var (names, positions): ([(name: [UInt8], file: FileIdentity)], [Int]) = ([], [])
        var position = links.partitionPoint { $0.index >= range.lowerBound }
        while position < links.count, links[position].index < range.upperBound {
            if links[position].standing == .alone {
                names.append((Array(name(at: Int(links[position].index))), links[position].identity))
                positions.append(position)
            }
            position += 1
        }
        return (names, positions)
    }
}

extension Array {
    /// The first index from which on a condition holds; it holds for all behind one that it holds for.
    fileprivate func partitionPoint(_ holds: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = low + (high - low) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
