// Nothing but what the job is about: a sender that tells of other names, or of kinds that are not kept, would have the
// receiver write where the user did not point.

extension ReceiverMachine {
    /// A name in a root that is made of items must be one of them. One that gets another name here is no directory:
    /// what is below it would be looked for, under its old name, beside the destination.
    func checkItem(_ name: [UInt8], _ kind: EntryKind) throws(WireError) {
        guard let rootKinds, agreement.job.purpose != .list else { return }
        guard rootKinds[name] != nil else { throw .unexpected("a name that is not among the sources") }
        if renamedTo != nil, kind == .directory { throw .unexpected("a directory where a file was announced") }
    }

    /// Why an entry of a kind that this job leaves out is not made.
    func unasked(_ kind: EntryKind) -> FileProblem? {
        let isKept =
            switch kind {
            case .regular, .directory: true
            case .symlink: options.keepLinks
            case .fifo, .socket: options.keepSpecials
            case .characterDevice, .blockDevice: options.keepDevices
            }
        return isKept ? nil : FileProblem(.refused, doing: "making what this job leaves out")
    }
}

extension RootShape {
    /// Nil for the contents of a directory, where any name may occur.
    var kindsByName: [[UInt8]: EntryKind]? {
        switch self {
        case .contents: nil
        case .items(let items): Dictionary(items.map { ($0.name, $0.kind) }) { first, _ in first }
        }
    }
}
