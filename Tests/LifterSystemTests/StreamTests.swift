// Pipes, sockets, polling, waking, and finding out what a descriptor is.

import Glibc
import LifterSystem
import Testing

@Suite struct StreamTests {
    init() { Signals.prepareProcess() }

    private func read(_ descriptor: RawDescriptor, _ count: Int = 100) throws -> (Transfer, [UInt8]) {
        var buffer = [UInt8](repeating: 0, count: count)
        let result = try buffer.withUnsafeMutableBytes { try Streams.read(descriptor, into: $0) }
        if case .bytes(let count) = result { return (result, Array(buffer[..<count])) }
        return (result, [])
    }

    @Test func pipeFromEndToEnd() throws {
        let pipe = try Streams.makePipe().release()
        let reading = Descriptor(owning: pipe.reading)
        let writing = Descriptor(owning: pipe.writing)
        #expect(fcntl(reading.raw, F_GETFD) & FD_CLOEXEC != 0 && fcntl(writing.raw, F_GETFD) & FD_CLOEXEC != 0)
        #expect(try !Streams.setNonBlocking(true, of: reading.raw))
        #expect(try Streams.setNonBlocking(true, of: reading.raw))
        #expect(try read(reading.raw).0 == .wouldBlock)
        #expect(try read(reading.raw, 0).0 == .bytes(0))

        let (one, two): ([UInt8], [UInt8]) = ([1, 2], [3])
        let sent = try one.withUnsafeBytes { one in
            try two.withUnsafeBytes { two in
                try Streams.write(
                    writing.raw, gathering: [one, UnsafeRawBufferPointer(start: nil, count: 0), two])
            }
        }
        #expect(sent == .bytes(3))
        #expect(try read(reading.raw).1 == [1, 2, 3])

        // Full: the answer is "later", not an error.
        try Streams.setNonBlocking(true, of: writing.raw)
        let block = [UInt8](repeating: 0, count: 65_536)
        var result = Transfer.bytes(0)
        while result != .wouldBlock { result = try block.withUnsafeBytes { try Streams.write(writing.raw, from: $0) } }

        try writing.close()
        while case .bytes = result { result = try read(reading.raw, 1 << 20).0 }
        repeat { result = try read(reading.raw, 1 << 20).0 } while result != .end
        try reading.close()
    }

    @Test func writingToNobodyIsAnError() throws {
        let pipe = try Streams.makePipe().release()
        close(pipe.reading)
        let writing = Descriptor(owning: pipe.writing)
        #expect(throws: Errno.brokenPipe) { try [1].withUnsafeBytes { try Streams.write(writing.raw, from: $0) } }
    }

    @Test func pollSeesWhatHappens() throws {
        let pair = try Streams.makeSocketPair()
        let wake = try WakeUp()
        var poller = Poller()
        let socket = poller.add(pair.reading.raw, .readable)
        let awake = poller.add(wake.raw, .readable)
        let nobody = poller.add(-1, .readable)

        let start = Clock.monotonic
        #expect(try poller.wait(timeout: 20_000_000) == 0)
        #expect(Clock.monotonic - start >= 20_000_000)

        let thread = try Thread(name: "waker") { wake.signal() }
        while try poller.wait(timeout: nil) == 0 {}
        thread.join()
        #expect(poller.events(at: awake) == .readable && poller.events(at: socket).isEmpty)
        wake.signal()
        wake.drain()
        #expect(try poller.wait(timeout: 0) == 0)

        _ = try [7].withUnsafeBytes { try Streams.write(pair.writing.raw, from: $0) }
        #expect(try poller.wait(timeout: nil) == 1)
        #expect(poller.events(at: socket) == .readable && poller.events(at: nobody).isEmpty)
        poller.await([], at: socket)
        #expect(try poller.wait(timeout: 0) == 0)
    }

    @Test func kinds() throws {
        let pipe = try Streams.makePipe()
        let pair = try Streams.makeSocketPair()
        let null = try StreamCalls.openNull()
        #expect(DescriptorKind(of: pipe.reading.raw) == .pipe)
        #expect(DescriptorKind(of: pair.reading.raw) == .socket(connected: true, listening: false))
        #expect(DescriptorKind(of: null.raw) == .null)
        #expect(DescriptorKind(of: 99_999) == .closed)

        let listener = Descriptor(owning: socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0))
        #expect(DescriptorKind(of: listener.raw) == .socket(connected: false, listening: false))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // Autobind: a name of the kernel's choosing, in no directory.
        let bound = withUnsafeBytes(of: &address) {
            bind(listener.raw, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), 2)
        }
        #expect(bound == 0 && listen(listener.raw, 1) == 0)
        #expect(DescriptorKind(of: listener.raw) == .socket(connected: false, listening: true))

        let master = Descriptor(owning: open("/dev/ptmx", O_RDWR | O_NOCTTY))
        #expect(DescriptorKind(of: master.raw) == .terminal)
        let scratch = try Scratch()
        #expect(DescriptorKind(of: scratch.root) == .other)
        try scratch.makeFile("f")
        let file = Descriptor(owning: try scratch.files.open("f".name, in: scratch.root, .read, mode: 0))
        #expect(DescriptorKind(of: file.raw) == .regular)

        let copy = try StreamCalls.duplicate(pair.reading.raw)
        #expect(DescriptorKind.areSameObject(copy.raw, pair.reading.raw))
        #expect(!DescriptorKind.areSameObject(copy.raw, pair.writing.raw))
        #expect(!DescriptorKind.areSameObject(99_999, 99_999))
    }

    @Test func descriptorClosesOnce() throws {
        let raw: RawDescriptor
        do {
            let descriptor = Descriptor(owning: fcntl(0, F_DUPFD_CLOEXEC, 500))
            raw = descriptor.raw
            #expect(DescriptorKind(of: raw) != .closed)
        }
        #expect(DescriptorKind(of: raw) == .closed)
        let kept = Descriptor(owning: fcntl(0, F_DUPFD_CLOEXEC, 500)).release()
        #expect(DescriptorKind(of: kept) != .closed)
        try Descriptor(owning: kept).close()
        #expect(DescriptorKind(of: kept) == .closed)
        #expect(throws: Errno.badDescriptor) { try Descriptor(owning: -1).close() }
    }
}
