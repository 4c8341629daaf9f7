// New files that may be here already, under other names: what was renamed, moved or copied at the source since the last
// run. The first of them has the tree looked through once; until that is done they wait, while everything else goes on.
//
//     indexTree   the file layer notes where files of which size and time are
//     search      of files that are new it digests those that agree in both
//     Request     says so, as if an earlier run had left all of it: the sender compares, and sends either nothing more
//                 than an end, or the whole
//
// What agrees is copied when the end has come, and its digest is looked at once more. Deletions come later than that.
// Under `--fuzzy` what is not found may be like a file with a similar name in the same directory.

/// What is known of the tree.
enum TreeIndexing: Sendable {
    /// Nothing; nobody has asked.
    case none
    case underway
    case done
}

extension ReceiverMachine {
    /// Asks for contents that an earlier run has left nothing of.
    mutating func askOrSearch(_ id: FileID) {
        guard let entry = open[id], isSought(entry) else { return askLikeOthers(id) }
        open[id]?.state = .searching
        let attributes = entry.entry.attributes
        searching.append(
            SoughtFile(
                id: id, name: entry.entry.name, size: attributes.size,
                modified: attributes.modified.truncated(to: rules.granularity)))
    }

    private func isSought(_ entry: ReceivedEntry) -> Bool {
        agreement.detectsRenames && rootExists && !rootIsNew && !isFirstCopy && entry.changes.contains(.created)
            && entry.entry.attributes.size >= agreement.smallestMoved
    }

    // MARK: Searching

    mutating func advanceSearches() {
        guard !searching.isEmpty else { return }
        switch treeIndex {
        case .none: readTree()
        case .underway: break
        case .done:
            while searchesOut < Tuning.searchesAhead, !searching.isEmpty {
                var files: [SoughtFile] = []
                while files.count < Tuning.soughtFiles, let file = searching.popFirst() { files.append(file) }
                searchesOut += 1
                run(.search(files), as: .search(files))
            }
        }
    }

    /// In a root of named items only those are looked into, and what stands beside them.
    private mutating func readTree() {
        treeIndex = .underway
        let directories = rootKinds.map { kinds in kinds.filter { $0.value == .directory }.map(\.key) }
        run(.indexTree(smallest: agreement.smallestMoved, directories: directories), as: .indexTree)
    }

    mutating func indexedTree(_ more: Bool) {
        if more { readTree() } else { treeIndex = .done }
    }

    mutating func searched(_ files: [SoughtFile], _ results: [SearchResult]) {
        var unfinished: [SoughtFile] = []
        for (file, result) in zip(files, results) {
            switch result {
            case .more: unfinished.append(file)
            case .found(let found, let digest):
                open[file.id]?.state = .awaiting
                open[file.id]?.found = found
                ask(file.id, resume: Resume(length: file.size, digest: digest))
            case .absent:
                open[file.id]?.state = .awaiting
                askLikeOthers(file.id)
            }
        }
        if unfinished.isEmpty {
            searchesOut -= 1
        } else {
            run(.search(unfinished), as: .search(unfinished))
        }
    }

    // MARK: Copying

    /// Whether contents begin where a file ends that was found: then it is the same.
    func isSame(_ offset: UInt64, _ entry: ReceivedEntry) -> Bool {
        entry.found != nil && offset == entry.entry.attributes.size
    }

    /// All of a file is to be copied from what was found.
    mutating func copyWhole(_ entry: ReceivedEntry, _ staging: inout Staging) {
        let size = entry.entry.attributes.size
        staging.received = size
        staging.waiting.append(.basis(offset: 0, length: size))
    }

    // MARK: Similar names

    private mutating func askLikeOthers(_ id: FileID) {
        if let entry = open[id], entry.basis == nil {
            let basis = similar(to: entry)
            open[id]?.basis = basis
        }
        ask(id)
    }

    /// A file in the same directory whose name has at least half of a new one's at its beginning and its end.
    private func similar(to received: ReceivedEntry) -> Basis? {
        guard options.fuzzy, agreement.usesDelta, options.writing == .aside, received.changes.contains(.created),
            let listing = directories[received.directory]?.ownListing
        else { return nil }
        let wanted = received.entry
        let place = listing.lowerBound(of: wanted.name[...])
        var best: (score: Int, index: Int)?
        for index in max(0, place - Tuning.neighbours)..<min(listing.count, place + Tuning.neighbours) {
            let attributes = listing.attributes(at: index)
            guard attributes.kind == .regular, mayServe(attributes, for: wanted.attributes) else { continue }
            let name = listing.name(at: index)
            let score = Self.shared(name, wanted.name[...])
            guard score * 2 >= max(name.count, wanted.name.count), score > best?.score ?? 0 else { continue }
            best = (score, index)
        }
        guard let best else { return nil }
        return Basis(size: listing.attributes(at: best.index).size, name: Array(listing.name(at: best.index)))
    }

    /// Bytes that two names share at their beginnings and, of the rest, at their ends.
    private static func shared(_ one: ArraySlice<UInt8>, _ other: ArraySlice<UInt8>) -> Int {
        let front = zip(one, other).prefix { $0 == $1 }.count
        let back = zip(one.dropFirst(front).reversed(), other.dropFirst(front).reversed()).prefix { $0 == $1 }.count
        return front + back
    }
}
