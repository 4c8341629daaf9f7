// The job is data: what is to become of what, with every option, in one message. Nothing of it travels in
// arguments, and the side that serves takes no option from anywhere else.

package enum Purpose: UInt8, Sendable {
    case transfer = 1
    /// Changes nothing, reports every difference.
    case compare = 2
    /// The sender lists one directory; the receiver shows it.
    case list = 3
}

/// Which end has the source tree.
package enum Direction: UInt8, Sendable {
    /// The client sends.
    case push = 1
    /// The server sends.
    case pull = 2
}

package struct Job: Hashable, Sendable {
    package var direction: Direction
    package var purpose: Purpose
    /// Paths at the server, as the client's user wrote them: sources of a pull (or list), destination of a push.
    package var paths: [[UInt8]]
    package var options: JobOptions
    /// Ordered filter rules, each `+ PATTERN` or `- PATTERN`.
    package var rules: [[UInt8]]
    /// What a pushing client has to send; nil in a pull.
    package var shape: RootShape?
    /// What a pulling client knows of its destination; nil in a push.
    package var destination: Ready?

    package init(
        direction: Direction, purpose: Purpose, paths: [[UInt8]], options: JobOptions, rules: [[UInt8]],
        shape: RootShape?, destination: Ready?
    ) {
        self.direction = direction
        self.purpose = purpose
        self.paths = paths
        self.options = options
        self.rules = rules
        self.shape = shape
        self.destination = destination
    }

    func encode(into writer: inout ByteWriter) {
        writer.u8(direction.rawValue)
        writer.u8(purpose.rawValue)
        writer.varint(UInt64(paths.count))
        for path in paths { writer.string(path) }
        options.encode(into: &writer)
        writer.varint(UInt64(rules.count))
        for rule in rules { writer.string(rule) }
        writer.u8(shape == nil ? 0 : 1)
        shape?.encode(into: &writer)
        writer.u8(destination == nil ? 0 : 1)
        destination?.encode(into: &writer)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        guard let direction = Direction(rawValue: try reader.u8("job.direction")) else { throw .value("job.direction") }
        guard let purpose = Purpose(rawValue: try reader.u8("job.purpose")) else { throw .value("job.purpose") }
        self.direction = direction
        self.purpose = purpose
        paths = []
        for _ in 0..<(try reader.count("job.paths", each: 1, upTo: 4096)) {
            let path = try reader.string("job.path", upTo: ProtocolConstants.longestPath)
            guard !path.contains(0) else { throw .value("job.path") }
            paths.append(Array(path))
        }
        options = try JobOptions(from: &reader)
        rules = []
        for _ in 0..<(try reader.count("job.rules", each: 1, upTo: 65_536)) {
            rules.append(Array(try reader.string("job.rule", upTo: ProtocolConstants.longestPath)))
        }
        shape = try reader.flag("job.hasShape") ? try RootShape(from: &reader) : nil
        destination = try reader.flag("job.hasDestination") ? try Ready(from: &reader) : nil
        guard !paths.isEmpty, direction == .pull || paths.count == 1 else { throw .value("job.paths") }
        guard (shape != nil) == (direction == .push), (destination != nil) == (direction == .pull) else {
            throw .value("job.direction")
        }
        guard purpose != .list || direction == .pull else { throw .value("job.purpose") }
    }
}

/// What the sources are, which decides how the destination is understood.
package enum RootShape: Hashable, Sendable {
    /// One `SOURCE/`: the contents of a directory, whose own attributes count too.
    case contents(Attributes)
    /// One or more named things that go inside the destination (or, for a single non-directory, become it).
    case items([Item])

    package struct Item: Hashable, Sendable {
        package var name: [UInt8]
        package var kind: EntryKind
        package init(name: [UInt8], kind: EntryKind) {
            self.name = name
            self.kind = kind
        }
    }

    func encode(into writer: inout ByteWriter) {
        switch self {
        case .contents(let attributes):
            writer.u8(1)
            attributes.encode(into: &writer)
        case .items(let items):
            writer.u8(2)
            writer.varint(UInt64(items.count))
            for item in items {
                writer.u8(item.kind.rawValue)
                writer.string(item.name)
            }
        }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        switch try reader.u8("shape.kind") {
        case 1:
            let attributes = try Attributes(from: &reader)
            guard attributes.kind == .directory else { throw .value("shape.attributes") }
            self = .contents(attributes)
        case 2:
            var items: [Item] = []
            for _ in 0..<(try reader.count("shape.items", each: 2, upTo: 65_536)) {
                guard let kind = EntryKind(rawValue: try reader.u8("shape.item.kind")) else {
                    throw .value("shape.item.kind")
                }
                let name = try reader.string("shape.item.name", upTo: Names.longest)
                guard Names.isAcceptable(name) else { throw .value("shape.item.name") }
                items.append(Item(name: Array(name), kind: kind))
            }
            guard !items.isEmpty else { throw .value("shape.items") }
            self = .items(items)
        default: throw .value("shape.kind")
        }
    }
}

/// The receiver's destination, once it is open.
package struct Ready: Hashable, Sendable {
    /// It held nothing (or did not exist): everything may be sent without being asked for.
    package var isEmpty: Bool
    /// Timestamps there are multiples of this many nanoseconds.
    package var timeGranularity: UInt32

    package init(isEmpty: Bool, timeGranularity: UInt32) {
        self.isEmpty = isEmpty
        self.timeGranularity = timeGranularity
    }

    func encode(into writer: inout ByteWriter) {
        writer.u8(isEmpty ? 1 : 0)
        writer.u32(timeGranularity)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        isEmpty = try reader.flag("ready.isEmpty")
        timeGranularity = try reader.u32("ready.timeGranularity")
        guard timeGranularity >= 1, UInt64(timeGranularity) <= 4_000_000_000 else {
            throw .value("ready.timeGranularity")
        }
    }
}
