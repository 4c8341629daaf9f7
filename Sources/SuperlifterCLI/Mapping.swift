// `SOURCE -> resulting path`: what becomes of what, told before anything moves, so that nobody has to guess what a
// trailing slash meant.

enum Mapping {
    static func rows(_ request: TransferRequest) -> [(source: [UInt8], path: [UInt8])] {
        if request.action == .list { return [] }
        return request.sources.map { ($0, result($0, request)) }
    }

    private static func result(_ source: [UInt8], _ request: TransferRequest) -> [UInt8] {
        let slash = UInt8(ascii: "/")
        let destination = request.destination
        let path = pathPart(source)
        let last = path.split(separator: slash).last.map { Array($0) } ?? []
        let isContents = path.isEmpty || path.last == slash || last == [0x2e] || last == [0x2e, 0x2e]
        if isContents { return destination }
        let inside =
            destination.last == slash || destination.last == UInt8(ascii: ":")
            ? destination + last : destination + [slash] + last
        // One source that is no directory may get DESTINATION as its new name; only the receiver knows.
        let mayRename = request.sources.count == 1 && destination.last != slash
        guard mayRename, !LocalKind.isDirectory(source), !LocalKind.isDirectory(destination) else { return inside }
        return LocalKind.exists(source) ? destination : inside
    }

    /// What `%f` of a format puts before each path: where the one source of a push lies.
    static func prefix(_ request: TransferRequest) -> [UInt8] {
        guard request.action == .push, request.sources.count == 1, let source = request.sources.first else { return [] }
        let slash = UInt8(ascii: "/")
        let last = source.split(separator: slash).last.map { Array($0) } ?? []
        if source.last == slash { return source }
        if last == [0x2e] || last == [0x2e, 0x2e] { return source + [slash] }
        return source.lastIndex(of: slash).map { Array(source[...$0]) } ?? []
    }

    /// What stands behind the colon of a remote location; all of a local one.
    private static func pathPart(_ location: [UInt8]) -> [UInt8] {
        guard let colon = location.firstIndex(of: UInt8(ascii: ":")) else { return location }
        if let slash = location.firstIndex(of: UInt8(ascii: "/")), slash < colon { return location }
        return Array(location[(colon + 1)...])
    }
}
