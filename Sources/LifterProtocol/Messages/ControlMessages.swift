// Messages that keep the session itself going. They use no credit and are handled in constant memory.

/// The session ends here, and why. `exit` is the exit code that the other side should end with.
package struct Abort: Hashable, Sendable {
    package var exit: UInt8
    package var errno: Int32
    package var text: String
    package init(exit: UInt8, errno: Int32 = 0, text: String) {
        self.exit = exit
        self.errno = errno
        self.text = text
    }

    func encode(into writer: inout ByteWriter) {
        writer.u8(exit)
        writer.varint(UInt64(UInt32(bitPattern: errno)))
        writer.text(text)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        exit = try reader.u8("abort.exit")
        errno = Int32(bitPattern: try reader.varint32("abort.errno"))
        text = try reader.text("abort.text")
    }
}

/// More bytes of one class may be sent.
package struct Credit: Hashable, Sendable {
    package var creditClass: CreditClass
    package var amount: UInt32
    package init(creditClass: CreditClass, amount: UInt32) {
        self.creditClass = creditClass
        self.amount = amount
    }

    func encode(into writer: inout ByteWriter) {
        writer.u8(creditClass.rawValue)
        writer.u32(amount)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        guard let creditClass = CreditClass(rawValue: try reader.u8("credit.class")) else {
            throw .value("credit.class")
        }
        self.creditClass = creditClass
        amount = try reader.u32("credit.amount")
    }
}

/// The receiver wants no more of a subject.
package enum Stop: Hashable, Sendable {
    /// Of one file's contents.
    case file(FileID)
    /// Of everything below a directory.
    case directory(DirectoryID)
    /// Of all contents (the disk is full).
    case contents

    func encode(into writer: inout ByteWriter) {
        switch self {
        case .file(let id):
            writer.u8(1)
            writer.varint(id)
        case .directory(let id):
            writer.u8(2)
            writer.varint(UInt64(id))
        case .contents: writer.u8(3)
        }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        switch try reader.u8("stop.kind") {
        case 1: self = .file(try reader.varint("stop.id"))
        case 2: self = .directory(try reader.varint32("stop.id"))
        case 3: self = .contents
        default: throw .value("stop.kind")
        }
    }
}

/// What a side did, told before its Goodbye.
package struct Summary: Hashable, Sendable {
    /// Entries looked at, themselves included.
    package var entries: UInt64 = 0
    /// Ids put in place or changed.
    package var settled: UInt64 = 0
    package var failed: UInt64 = 0
    package var vanished: UInt64 = 0
    package var deleted: UInt64 = 0
    /// Bytes of file contents that were sent or received.
    package var contentBytes: UInt64 = 0
    /// Regular files whose contents were transferred.
    package var files: UInt64 = 0
    /// Deletions that `--max-delete` refused.
    package var refusedDeletions: UInt64 = 0
    /// Names that differ from the other side's (`compare`).
    package var differing: UInt64 = 0
    /// Sizes of these together.
    package var totalBytes: UInt64 = 0
    /// Names that became further names of a file.
    package var links: UInt64 = 0
    /// Bytes of files that were taken from what the receiver had.
    package var matchedBytes: UInt64 = 0
    /// Of the source: bytes of all its regular files, and its directories.
    package var sourceBytes: UInt64 = 0
    package var directories: UInt64 = 0

    package init() {}

    func encode(into writer: inout ByteWriter) {
        var list = AttributeListWriter()
        let values = [
            entries, settled, failed, vanished, deleted, contentBytes, files, refusedDeletions, differing, totalBytes,
            links,
        ]
        for (index, value) in values.enumerated() where value != 0 { list.number(UInt64(index + 1) * 2, value) }
        if matchedBytes != 0 { list.number(30, matchedBytes) }
        if sourceBytes != 0 { list.number(40, sourceBytes) }
        if directories != 0 { list.number(42, directories) }
        list.encode(into: &writer)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        var list = try AttributeListReader(from: &reader, "summary")
        while let tag = try list.next() {
            switch tag {
            case 2: entries = try list.number()
            case 4: settled = try list.number()
            case 6: failed = try list.number()
            case 8: vanished = try list.number()
            case 10: deleted = try list.number()
            case 12: contentBytes = try list.number()
            case 14: files = try list.number()
            case 16: refusedDeletions = try list.number()
            case 18: differing = try list.number()
            case 20: totalBytes = try list.number()
            case 22: links = try list.number()
            case 30: matchedBytes = try list.number()
            case 40: sourceBytes = try list.number()
            case 42: directories = try list.number()
            default: try list.skip(tag)
            }
        }
    }
}
