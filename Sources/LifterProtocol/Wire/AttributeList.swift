// Tagged attribute lists: how options and limits grow. An odd tag must be understood by who reads it; an even one
// may be skipped. Tags rise strictly, so that a list has one encoding and none can be given twice.

struct AttributeListWriter {
    private var entries: [(tag: UInt64, value: [UInt8])] = []

    mutating func bytes(_ tag: UInt64, _ value: [UInt8]) { entries.append((tag, value)) }

    mutating func number(_ tag: UInt64, _ value: UInt64) {
        var writer = ByteWriter()
        writer.varint(value)
        bytes(tag, writer.bytes)
    }

    /// Nothing is written for false.
    mutating func flag(_ tag: UInt64, _ value: Bool) {
        if value { bytes(tag, []) }
    }

    func encode(into writer: inout ByteWriter) {
        writer.varint(UInt64(entries.count))
        for entry in entries.sorted(by: { $0.tag < $1.tag }) {
            writer.varint(entry.tag)
            writer.string(entry.value)
        }
    }
}

struct AttributeListReader {
    private let field: String
    private var entries: [(tag: UInt64, value: ArraySlice<UInt8>)] = []
    private var index = -1

    init(from reader: inout ByteReader, _ field: String) throws(WireError) {
        self.field = field
        let count = try reader.count(field, each: 2, upTo: 256)
        var last: UInt64?
        for _ in 0..<count {
            let tag = try reader.varint(field)
            if let last, tag <= last { throw .value(field) }
            last = tag
            entries.append((tag, try reader.string(field, upTo: ProtocolConstants.longestPath)))
        }
    }

    /// The next tag; its value is read by one of the functions below.
    mutating func next() throws(WireError) -> UInt64? {
        index += 1
        return index < entries.count ? entries[index].tag : nil
    }

    func bytes() -> [UInt8] { Array(entries[index].value) }

    func number() throws(WireError) -> UInt64 {
        var reader = ByteReader(bytes())
        let value = try reader.varint(field)
        try reader.finish()
        return value
    }

    func number32() throws(WireError) -> UInt32 {
        let value = try number()
        guard value <= UInt64(UInt32.max) else { throw .value(field) }
        return UInt32(value)
    }

    func flag() throws(WireError) -> Bool {
        guard entries[index].value.isEmpty else { throw .value(field) }
        return true
    }

    /// An attribute that this version does not know: fine when even.
    func skip(_ tag: UInt64) throws(WireError) {
        guard tag % 2 == 0 else { throw .value("\(field) (unknown option \(tag))") }
    }
}
