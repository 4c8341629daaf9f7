// The primitive values: every boundary of every form.

import LifterProtocol
import Testing

@Suite struct ByteCodingTests {
    @Test(
        arguments: [
            (0, [0]), (0x7f, [0x7f]), (0x80, [0x80, 1]), (0x3fff, [0xff, 0x7f]), (0x4000, [0x80, 0x80, 1]),
            (UInt64.max, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
        ] as [(UInt64, [UInt8])])
    func variableLengths(_ value: UInt64, _ bytes: [UInt8]) throws {
        var writer = ByteWriter()
        writer.varint(value)
        #expect(writer.bytes == bytes)
        var reader = ByteReader(bytes)
        #expect(try reader.varint("x") == value)
        try reader.finish()
    }

    @Test func everyLengthOfAVariableLengthIsExact() throws {
        for shift in 0..<64 {
            for value in [1 << UInt64(shift), (1 << UInt64(shift)) - 1, (1 << UInt64(shift)) + 1] as [UInt64] {
                var writer = ByteWriter()
                writer.varint(value)
                var reader = ByteReader(writer.bytes)
                #expect(try reader.varint("x") == value)
                #expect(reader.isAtEnd)
            }
        }
    }

    @Test(
        arguments: [
            [0x80, 0], [0xff, 0], [0x80, 0x80, 0],  // not the shortest form
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2],  // 2^64 and more
            [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1],  // eleven bytes
        ] as [[UInt8]])
    func otherFormsAreRefused(_ bytes: [UInt8]) {
        #expect(throws: WireError.value("x")) {
            var reader = ByteReader(bytes)
            _ = try reader.varint("x")
        }
    }

    @Test(arguments: [[], [0x80], [0xff, 0xff]] as [[UInt8]])
    func unfinishedFormsAreTruncated(_ bytes: [UInt8]) {
        #expect(throws: WireError.truncated("x")) {
            var reader = ByteReader(bytes)
            _ = try reader.varint("x")
        }
    }

    @Test(
        arguments: [
            (0, [0]), (-1, [1]), (1, [2]), (-64, [0x7f]), (64, [0x80, 1]),
            (Int64.max, [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
            (Int64.min, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
        ] as [(Int64, [UInt8])])
    func signs(_ value: Int64, _ bytes: [UInt8]) throws {
        var writer = ByteWriter()
        writer.signed(value)
        #expect(writer.bytes == bytes)
        var reader = ByteReader(bytes)
        #expect(try reader.signed("x") == value)
    }

    @Test func fixedWidthsAreLittleEndian() throws {
        var writer = ByteWriter()
        writer.u8(1)
        writer.u16(0x0203)
        writer.u32(0x0405_0607)
        writer.u64(0x0809_0a0b_0c0d_0e0f)
        #expect(writer.bytes == [1, 3, 2, 7, 6, 5, 4, 15, 14, 13, 12, 11, 10, 9, 8])
        var reader = ByteReader(writer.bytes)
        #expect(try reader.u8("x") == 1)
        #expect(try reader.u16("x") == 0x0203)
        #expect(try reader.u32("x") == 0x0405_0607)
        #expect(try reader.u64("x") == 0x0809_0a0b_0c0d_0e0f)
        #expect(throws: WireError.truncated("end")) { _ = try reader.u8("end") }
    }

    @Test func fixedWidthsNeedAllTheirBytes() {
        for (count, read) in [
            (1, { (reader: inout ByteReader) throws(WireError) in _ = try reader.u16("x") }),
            (3, { (reader: inout ByteReader) throws(WireError) in _ = try reader.u32("x") }),
            (7, { (reader: inout ByteReader) throws(WireError) in _ = try reader.u64("x") }),
        ] {
            #expect(throws: WireError.truncated("x")) {
                var reader = ByteReader([UInt8](repeating: 0, count: count))
                try read(&reader)
            }
        }
    }

    @Test(arguments: [(3, nil), (4, nil), (5, WireError.value("x"))] as [(Int, WireError?)])
    func stringsHaveALimit(_ count: Int, _ expected: WireError?) {
        var writer = ByteWriter()
        writer.string([UInt8](repeating: 7, count: count))
        var reader = ByteReader(writer.bytes)
        var thrown: WireError?
        do throws(WireError) { _ = try reader.string("x", upTo: 4) } catch { thrown = error }
        #expect(thrown == expected)
    }

    @Test func aLengthBeyondTheEndIsTruncated() {
        #expect(throws: WireError.truncated("x")) {
            var reader = ByteReader([5, 1, 2, 3, 4])
            _ = try reader.string("x", upTo: 100)
        }
        #expect(throws: WireError.truncated("x")) {
            var reader = ByteReader([1])
            _ = try reader.raw(-1, "x")
        }
    }

    /// Counts are checked against what can still follow, before memory is taken for them.
    @Test(arguments: [(2, true), (3, false)] as [(UInt8, Bool)])
    func countsAreBoundByWhatFollows(_ count: UInt8, _ fits: Bool) {
        var reader = ByteReader([count] + [UInt8](repeating: 0, count: 8))
        #expect((try? reader.count("x", each: 4)) == (fits ? Int(count) : nil))
        var limited = ByteReader([count] + [UInt8](repeating: 0, count: 8))
        #expect((try? limited.count("x", each: 1, upTo: 2)) == (fits ? Int(count) : nil))
        var huge = ByteReader([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1])
        #expect((try? huge.count("x", each: 0)) == nil)
    }

    @Test func flagsAreZeroOrOne() throws {
        var reader = ByteReader([0, 1, 2])
        #expect(try reader.flag("x") == false)
        #expect(try reader.flag("x") == true)
        #expect(throws: WireError.value("x")) { _ = try reader.flag("x") }
    }

    @Test func numbersHaveLimits() {
        for (value, fits) in [(9, true), (10, true), (11, false)] as [(UInt64, Bool)] {
            var writer = ByteWriter()
            writer.varint(value)
            var reader = ByteReader(writer.bytes)
            #expect(((try? reader.varint("x", upTo: 10)) != nil) == fits)
        }
        for (value, fits) in [(1 << 32 - 1, true), (1 << 32, false)] as [(UInt64, Bool)] {
            var writer = ByteWriter()
            writer.varint(value)
            var reader = ByteReader(writer.bytes)
            #expect(((try? reader.varint32("x")) != nil) == fits)
        }
    }

    @Test func leftoversAreRefused() {
        #expect(throws: WireError.trailing) { try ByteReader([0]).finish() }
    }

    /// Text is cut between characters, and damaged text is still shown.
    @Test func textIsCutAndRepaired() throws {
        for limit in 0...8 {
            var writer = ByteWriter()
            writer.text("aäöb€", upTo: limit)
            var reader = ByteReader(writer.bytes)
            let text = try reader.text("x")
            #expect("aäöb€".hasPrefix(text))
            #expect(text.utf8.count <= limit && text.utf8.count + 3 > min(limit, 9))
        }
        var reader = ByteReader([3, 0x61, 0xff, 0x62])
        #expect(try reader.text("x") == "a\u{fffd}b")
    }
}
