// What was renamed, moved or copied at the source since the destination was like it, and what only looks so: files of
// the same size and time under other names that hold something else.

import LifterProtocol
import LifterSystem

extension Scenario {
    /// Moves some of the old tree to other names. Its own numbers are drawn, so that all else of a seed stays.
    mutating func moveSome() {
        var random = SeededRandom(seed: seed &* 0x9e37_79b9 &+ 5)
        plan.smallestMoved = random.pick([1, 1, 1000, 32 << 10])
        plan.options.detectRenames = random.chance(85)
        plan.options.fuzzy = random.chance(30)
        plan.knowsRenames = random.chance(95)
        guard old.items.count > 1, random.chance(60) else { return }
        for number in 0..<random.within(0...3) { moveDirectory("was-\(number)", &random) }
        let files = source.paths.filter { source.items[$0]?.kind == .regular }
        for (number, path) in files.enumerated() where random.chance(30) {
            plantElsewhere(path, Array("file-was-\(number)".utf8), &random)
        }
        // Names that are like those of the source, with other contents.
        for path in files where random.chance(10) {
            guard let item = source.items[path], !item.contents.isEmpty else { continue }
            var other = item
            other.contents[random.below(other.contents.count)] ^= 1
            other.modified.seconds -= 1
            plant(other, at: path + Array("~".utf8))
        }
    }

    /// Whether a path, or something below it, has other names.
    private func hasLinks(_ path: [UInt8]) -> Bool {
        old.links.keys.contains { $0 == path || $0.starts(with: path + [ModelPath.slash]) }
    }

    private mutating func moveDirectory(_ name: String, _ random: inout SeededRandom) {
        let directories = old.paths.filter { !$0.isEmpty && old.items[$0]?.kind == .directory && !hasLinks($0) }
        guard !directories.isEmpty else { return }
        let moved = random.pick(directories)
        let inside = moved + [ModelPath.slash]
        let places = [[]] + directories.filter { $0 != moved && !$0.starts(with: inside) }
        let target = TreeSnapshot.path(random.pick(places), Array(name.utf8))
        guard old.items[target] == nil else { return }
        let items = old.items
        for (path, item) in items where path == moved || path.starts(with: inside) {
            old.items[path] = nil
            old.items[target + path.dropFirst(moved.count)] = item
        }
    }

    /// A file of the source's is under another name; or one that has its size and its time, and nothing else of it.
    private mutating func plantElsewhere(_ path: [UInt8], _ name: [UInt8], _ random: inout SeededRandom) {
        guard var item = source.items[path] else { return }
        if random.chance(70), old.items[path]?.kind == .regular, old.links[path] == nil { old.items[path] = nil }
        if random.chance(25) {
            for index in item.contents.indices where index % 100 == 0 { item.contents[index] ^= 0x55 }
        }
        let directories = old.paths.filter { old.items[$0]?.kind == .directory }
        guard !directories.isEmpty else { return }
        plant(item, at: TreeSnapshot.path(random.pick(directories), name))
    }

    private mutating func plant(_ item: TreeSnapshot.Item, at path: [UInt8]) {
        guard TreeSnapshot.name(of: path).count <= 255, old.items[path] == nil, source.items[path] == nil,
            old.items[TreeSnapshot.parent(of: path)]?.kind == .directory
        else { return }
        old.items[path] = item
    }
}
