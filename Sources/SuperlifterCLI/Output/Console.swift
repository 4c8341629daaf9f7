// Standard output and error of a run, and the live line between them: lines for standard output are collected, the live
// line is taken away before anything else is written, and comes again with the next figures.

import Superlifter

final class Console {
    private let cancellation: Cancellation
    private var line = ProgressLine()
    private var isLineShown = false
    private var pending: [UInt8] = []
    private var hasGivenUp = false
    /// Something on standard output was not taken.
    private(set) var isOutputLost = false

    /// Lines are collected up to this many bytes.
    private static let batch = 32 << 10

    /// Once cancelled, output that nobody takes is given up.
    init(_ cancellation: Cancellation) { self.cancellation = cancellation }

    /// A line for standard output.
    func put(_ bytes: [UInt8]) {
        pending += bytes
        if pending.count >= Self.batch || isLineShown { flush() }
    }

    func flush() {
        guard !pending.isEmpty else { return }
        eraseLine()
        if !write(pending, to: .output) { isOutputLost = true }
        pending.removeAll(keepingCapacity: true)
    }

    /// A line for standard error.
    func complain(_ bytes: [UInt8]) {
        flush()
        eraseLine()
        write(bytes, to: .error)
    }

    /// The live line. The terminal is asked for its width each time, so a new size counts from the next line on.
    /// Nothing is written over what somebody types to his shell meanwhile.
    func show(_ figures: ProgressFigures) {
        flush()
        if ProgramSurroundings.isInBackground(of: 2) { return }
        isLineShown = true
        write(line.update(figures, width: ProgramSurroundings.terminalWidth(2) ?? 80), to: .error)
    }

    func eraseLine() {
        guard isLineShown else { return }
        isLineShown = false
        write(ProgressLine.erasure, to: .error)
    }

    @discardableResult
    private func write(_ bytes: [UInt8], to stream: StandardStream) -> Bool {
        // A reader who was given up is not waited for again.
        if hasGivenUp { return false }
        let isWritten = stream.write(bytes) { [cancellation] in cancellation.isCancelled }
        hasGivenUp = !isWritten && cancellation.isCancelled
        return isWritten
    }
}
