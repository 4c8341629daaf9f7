// One primitive call, as a trace shows it: named like the system call that `KernelFileSystem` makes, so that a trace
// of the model can be laid beside one of strace.

import LifterSystem

struct ModelCall: Sendable {
    enum Operation: String, Sendable, CaseIterable {
        case openRoot = "openat root"
        case open = "openat"
        case reopen = "openat ."
        case close
        case status = "statx"
        case facts = "fstatfs"
        case readNames = "getdents64"
        case readLink = "readlinkat"
        case read = "pread64"
        case write = "pwrite64"
        case makeDirectory = "mkdirat"
        case makeLink = "symlinkat"
        case makeNode = "mknodat"
        case makeHardLink = "linkat"
        case remove = "unlinkat"
        case rename = "renameat"
        case setModeOpen = "fchmod"
        case setMode = "fchmodat2"
        case setOwnerOpen = "fchown"
        case setOwner = "fchownat"
        case setModified = "utimensat"
        case truncate = "ftruncate"
        case reserve = "fallocate"
        case clone = "ioctl"
        case sync = "fsync"
        case lock = "fcntl"
        case lockDirectory = "flock"

        /// Whether the call changes what is on the disk (opening may: it creates and truncates).
        var changesDisk: Bool {
            switch self {
            case .reopen, .close, .status, .facts, .readNames, .readLink, .read, .sync, .lock, .lockDirectory: false
            case .openRoot, .open, .write, .makeDirectory, .makeLink, .makeNode, .makeHardLink, .remove, .rename,
                .setModeOpen, .setMode, .setOwnerOpen, .setOwner, .setModified, .truncate, .reserve, .clone:
                true
            }
        }
    }

    /// Counted from 1.
    var number = 0
    var operation: Operation
    /// The descriptor the call is about, or that its name is looked up in.
    var descriptor: RawDescriptor?
    /// Where that descriptor points, as far as it is known; kept with a trace only.
    var place: [UInt8]?
    var name: [UInt8]?
    var otherDescriptor: RawDescriptor?
    var otherName: [UInt8]?
    /// Further arguments in words.
    var detail = ""
    var fault: Fault?
    /// nil: it was carried out (or is just being so).
    var failure: Errno?
    var descriptorMade: RawDescriptor?

    init(
        _ operation: Operation, _ descriptor: RawDescriptor? = nil, _ name: ArraySlice<UInt8>? = nil,
        other: RawDescriptor? = nil, otherName: ArraySlice<UInt8>? = nil, detail: String = ""
    ) {
        self.operation = operation
        self.descriptor = descriptor
        self.name = name.map(Array.init)
        self.otherDescriptor = other
        self.otherName = otherName.map(Array.init)
        self.detail = detail
    }
}

extension ModelCall: CustomStringConvertible {
    var description: String {
        var arguments: [String] = []
        if let descriptor {
            arguments.append("\(descriptor)" + (place.map { "<\(Display.escaped($0))>" } ?? ""))
        }
        if let name { arguments.append("\"\(Display.escaped(name))\"") }
        if let otherDescriptor { arguments.append("\(otherDescriptor)") }
        if let otherName { arguments.append("\"\(Display.escaped(otherName))\"") }
        if !detail.isEmpty { arguments.append(detail) }
        let result = failure.map { "-1 \($0.name)" } ?? descriptorMade.map { "\($0)" } ?? "0"
        let fault = fault.map { "  [\($0)]" } ?? ""
        return "#\(number) \(operation.rawValue)(\(arguments.joined(separator: ", "))) = \(result)\(fault)"
    }
}
