// The two kinds of name that belong to this program in a destination.
//
// A part name holds something of ours that is not whole yet; it follows from the final name, so that the next run
// finds it. A displaced name holds something of the user's that was swapped out. Both also come in private
// variants with random digits, for when the usual one is taken.

import LifterCodec
import LifterProtocol
import LifterSystem

package enum PartName {
    private static let digits = 16

    /// Where `name` is staged: the prefix and 16 lower-case hexadecimal digits of XXH3-64 (seed 0) of its bytes.
    package static func part(of name: [UInt8]) -> [UInt8] { Names.part(of: name) }

    /// Where a further name of a file is made before it becomes `name`. A name of its own: what is there is a whole
    /// file of the user's, and nothing that could be written on.
    package static func linkPart(of name: [UInt8]) -> [UInt8] {
        part(of: name + [UInt8(ascii: "/")])
    }

    /// Where what an earlier run left of `name` is kept while it is copied from; its usual name is the new contents'.
    package static func priorPart(of name: [UInt8]) -> [UInt8] { Names.priorPart(of: name) }

    /// Where something of the user's that was called `name` is put while it is being replaced.
    package static func displaced(of name: [UInt8]) -> [UInt8] {
        Names.displacedPrefix + Names.hexadecimal(XXH3.hash64(name, seed: 0))
    }

    /// A part name nobody else uses.
    static func randomPart(_ fileSystem: any FileSystem) -> [UInt8] {
        Names.partPrefix + Names.hexadecimal(fileSystem.unpredictableNumber())
    }

    static func randomDisplaced(_ fileSystem: any FileSystem) -> [UInt8] {
        Names.displacedPrefix + Names.hexadecimal(fileSystem.unpredictableNumber())
    }

    package static func isPart(_ name: ArraySlice<UInt8>) -> Bool {
        matches(name, Names.partPrefix)
    }

    package static func isDisplaced(_ name: ArraySlice<UInt8>) -> Bool {
        matches(name, Names.displacedPrefix)
    }

    private static func matches(_ name: ArraySlice<UInt8>, _ prefix: [UInt8]) -> Bool {
        guard name.count == prefix.count + digits, name.starts(with: prefix) else { return false }
        return name.dropFirst(prefix.count).allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
        }
    }
}
