// What this job compares, and the digest of exactly that. A digest may falsely differ, never falsely agree; so both
// ends write the same canonical bytes for an entry that they hold to be the same.
//
//   attribute      under the digest when
//   name, kind     always
//   size           regular files; devices' numbers where devices are kept
//   mode           permissions are kept (set-id bits only where the receiver can keep them; never for links)
//   mtime          times are kept, cut to the coarser granularity (directories: unless times are omitted; links too);
//                  of regular files also where it decides whether contents are sent (neither by size alone nor by
//                  checksum)
//   owner, group   they are kept and the receiver can; in the sender's numbers
//   target         links
//   names          hard links are kept: all names of the file, where they are in one directory; else such never agree

import LifterCodec

package struct CompareRules: Sendable {
    package var permissions: Bool
    package var times: Bool
    /// Times of regular files are compared, whether they are kept or not.
    package var fileTimes: Bool
    package var directoryTimes: Bool
    package var user: Bool
    package var group: Bool
    package var setIDs: Bool
    package var hardLinks: Bool
    package var granularity: UInt32
    package var key: UInt64

    package init(_ options: JobOptions, abilities: Abilities, granularity: UInt32, key: UInt64) {
        permissions = options.keepPermissions
        times = options.keepTimes
        fileTimes = options.keepTimes || !(options.sizeOnly || options.checksum)
        directoryTimes = options.keepTimes && !options.omitDirectoryTimes
        user = options.keepUser && abilities.contains(.owners)
        group = options.keepGroup && abilities.contains(.owners)
        setIDs = abilities.contains(.setIDs)
        hardLinks = options.keepHardLinks
        self.granularity = granularity
        self.key = key
    }

    /// What a directory of this job's making gets.
    package var directorySet: AttributeSet {
        var set = AttributeSet()
        if permissions { set.insert(.mode) }
        if directoryTimes { set.insert(.times) }
        if user { set.insert(.user) }
        if group { set.insert(.group) }
        return set
    }

    private func comparesTime(_ kind: EntryKind) -> Bool {
        switch kind {
        case .regular: fileTimes
        case .directory: directoryTimes
        case .symlink, .fifo, .socket, .characterDevice, .blockDevice: times
        }
    }

    /// The mode as far as it is compared.
    func comparedMode(_ mode: UInt16) -> UInt16 { setIDs ? mode : mode & 0o1777 }

    /// Appends an entry's canonical bytes. `owner` gives its ids in the sender's numbers; nil: they have none there,
    /// so the entry must differ.
    func append(
        _ listing: Listing, _ index: Int, user ownUser: UInt32?, group ownGroup: UInt32?, isByItself: Bool = false,
        to bytes: inout [UInt8]
    ) {
        let attributes = listing.attributes(at: index)
        let name = listing.name(at: index)
        Self.append(UInt64(name.count), 2, to: &bytes)
        bytes.append(contentsOf: name)
        bytes.append(attributes.kind.rawValue)
        switch attributes.kind {
        case .regular, .characterDevice, .blockDevice: Self.append(attributes.size, 8, to: &bytes)
        case .symlink:
            let target = listing.target(at: index)
            Self.append(UInt64(target.count), 4, to: &bytes)
            bytes.append(contentsOf: target)
        case .directory, .fifo, .socket: break
        }
        if permissions && attributes.kind != .symlink {
            Self.append(UInt64(comparedMode(attributes.mode)), 2, to: &bytes)
        }
        if comparesTime(attributes.kind) {
            let time = attributes.modified.truncated(to: granularity)
            Self.append(UInt64(bitPattern: time.seconds), 8, to: &bytes)
            Self.append(UInt64(time.nanoseconds), 4, to: &bytes)
        }
        if user { Self.appendOwner(ownUser, to: &bytes) }
        if group { Self.appendOwner(ownGroup, to: &bytes) }
        if hardLinks && attributes.kind != .directory {
            Self.appendLink(listing.linkedName(at: index), isByItself, to: &bytes)
        }
    }

    /// By itself a name whose file may be another's agrees with nothing, so that it is told and asks for its file.
    private static func appendLink(_ link: LinkedName?, _ isByItself: Bool, to bytes: inout [UInt8]) {
        var standing = link?.standing ?? .alone
        if link != nil && standing == .alone && isByItself { standing = .outsideAtReceiver }
        bytes.append(standing.rawValue)
        guard standing == .whole, let link else { return }
        append(link.digest.low, 8, to: &bytes)
        append(link.digest.high, 8, to: &bytes)
    }

    private static func appendOwner(_ id: UInt32?, to bytes: inout [UInt8]) {
        bytes.append(id == nil ? 0 : 1)
        append(UInt64(id ?? 0), 4, to: &bytes)
    }

    private static func append(_ value: UInt64, _ count: Int, to bytes: inout [UInt8]) {
        for shift in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift * 8))) }
    }

    /// The digest of a range. `owners` translates this side's ids into the sender's (nil at the sender itself).
    package func digest(_ listing: Listing, _ range: Range<Int>, owners: OwnerMap?) -> ContentDigest {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count * 48)
        for index in range {
            let attributes = listing.attributes(at: index)
            append(
                listing, index, user: translated(attributes.userID, false, owners),
                group: translated(attributes.groupID, true, owners), to: &bytes)
        }
        let digest = XXH3.hash128(bytes, seed: key)
        return ContentDigest(low: digest.low, high: digest.high)
    }

    /// A short hash of one entry, for finding which entries of a range differ.
    package func hash(_ listing: Listing, _ index: Int, owners: OwnerMap?) -> UInt64 {
        var bytes: [UInt8] = []
        let attributes = listing.attributes(at: index)
        append(
            listing, index, user: translated(attributes.userID, false, owners),
            group: translated(attributes.groupID, true, owners), isByItself: true, to: &bytes)
        return XXH3.hash64(bytes, seed: key)
    }

    private func translated(_ id: UInt32, _ isGroup: Bool, _ owners: OwnerMap?) -> UInt32? {
        guard let owners else { return id }
        return owners.announced(for: id, isGroup: isGroup)
    }
}

extension ContentDigest {
    /// XXH3-128 of some bytes, seeded with the session's key.
    static func keyed(_ bytes: [UInt8], _ key: UInt64) -> ContentDigest {
        let digest = XXH3.hash128(bytes, seed: key)
        return ContentDigest(low: digest.low, high: digest.high)
    }
}
