// The path that is kept from one question to the next, against one that is made anew each time.

import Testing

@testable import LifterProtocol

@Suite struct LastPathTests {
    private struct Node: TreeNode {
        var parent: DirectoryID
        var name: [UInt8]
    }

    private func plainPath(_ wanted: DirectoryID, _ name: [UInt8], _ nodes: [DirectoryID: Node]) -> [UInt8] {
        var path = name
        var place = wanted
        while place != 0, let node = nodes[place] {
            path = node.name + [UInt8(ascii: "/")] + path
            place = node.parent
        }
        return path
    }

    /// Up, down, across, to the root, and the same again; names of one letter, so that many are the beginning or the end
    /// of others.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func anyWayThroughATree(_ seed: UInt64) {
        var state = seed
        func random(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(limit))
        }
        var nodes: [DirectoryID: Node] = [:]
        for id in 1...60 {
            // Some trees are deep, others are wide.
            let parent = seed % 2 == 0 ? max(0, id - 1 - random(3)) : random(id)
            let name = [UInt8](repeating: UInt8(ascii: "a") + UInt8(random(2)), count: 1 + random(2))
            nodes[DirectoryID(id)] = Node(parent: DirectoryID(parent), name: name)
        }
        var last = LastPath()
        var place: DirectoryID = 0
        for step in 0..<500 {
            switch random(4) {
            case 0: place = nodes[place]?.parent ?? 0
            case 1: place = (1...60).first { nodes[$0]?.parent == place } ?? place
            case 2: place = DirectoryID(random(61))
            default: break
            }
            let name = [UInt8(ascii: "f")]
            #expect(last.path(place, name, nodes) == plainPath(place, name, nodes), "step \(step)")
        }
    }
}
