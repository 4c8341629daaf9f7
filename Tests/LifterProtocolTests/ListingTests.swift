import LifterProtocol
import Testing

@Suite struct ListingTests {
    private func listing(_ names: [String]) -> Listing {
        var listing = Listing()
        for name in names { listing.append(name: Array(name.utf8)[...], Samples.attributes(.fifo, 0)) }
        return listing
    }

    @Test func entriesComeBack() {
        var listing = Listing()
        listing.reserve(count: 2, bytes: 20)
        let link = Samples.entry("l", Samples.attributes(.symlink, 0o777), target: "../t")
        let file = Samples.entry("name", Samples.attributes(.regular, 0o644, size: 9))
        for entry in [link, file] {
            let isTaken = listing.append(name: entry.name[...], entry.attributes, target: entry.target[...])
            #expect(isTaken)
        }
        #expect(listing.count == 2 && !listing.isEmpty)
        #expect(listing.entry(at: 0) == link)
        #expect(listing.entry(at: 1) == file)
        #expect(listing.footprint > 9)
    }

    @Test func whatIsTooLongIsNotTaken() {
        var listing = Listing()
        let long = [UInt8](repeating: 1, count: 65_536)
        let link = Samples.attributes(.symlink, 0)
        let taken = [
            listing.append(name: long[...], link), listing.append(name: [1], link, target: long[...]),
            listing.append(name: long[1...], link, target: long[1...]),
        ]
        #expect(taken == [false, false, true])
        #expect(listing.count == 1)
    }

    @Test func lookingUp() {
        let listing = listing(["b", "bb", "d"])
        for (name, bound, index) in [
            ("a", 0, nil), ("b", 0, 0), ("ba", 1, nil), ("bb", 1, 1), ("c", 2, nil), ("d", 2, 2), ("e", 3, nil),
        ] as [(String, Int, Int?)] {
            #expect(listing.lowerBound(of: Array(name.utf8)[...]) == bound)
            #expect(listing.index(of: Array(name.utf8)[...]) == index)
        }
        #expect(listing.lowerBound(of: [0x61], from: 2) == 2)
        #expect(Listing().index(of: [0x61]) == nil)
    }

    @Test(
        arguments: [
            (1, 7, 123_456_789, 7, 123_456_789), (0, 7, 5, 7, 5), (1000, 7, 123_456_789, 7, 123_456_000),
            (1_000_000_000, 7, 999_999_999, 7, 0), (2_000_000_000, 7, 1, 6, 0), (2_000_000_000, 8, 1, 8, 0),
            (2_000_000_000, -1, 1, -2, 0), (2_000_000_000, -2, 1, -2, 0), (10_000_000, -1, 19_999_999, -1, 10_000_000),
            (2_000_000_000, Int64.min, 1, Int64.min, 0), (4_000_000_000, Int64.max, 1, Int64.max - 3, 0),
        ] as [(UInt32, Int64, UInt32, Int64, UInt32)])
    func timesAreRoundedDown(
        _ granularity: UInt32, _ seconds: Int64, _ nanoseconds: UInt32, _ expected: Int64, _ rest: UInt32
    ) {
        let time = Samples.time(seconds, nanoseconds)
        #expect(time.truncated(to: granularity) == Samples.time(expected, rest))
    }

    @Test func timesAreOrdered() {
        #expect(Samples.time(-1, 5) < Samples.time(0, 0))
        #expect(Samples.time(1, 5) < Samples.time(1, 6))
        #expect(!(Samples.time(1, 6) < Samples.time(1, 6)))
    }
}
