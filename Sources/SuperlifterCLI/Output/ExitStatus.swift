// The exit codes: rsync's table, so that scripts written for rsync keep their meaning.

/// How the program ends. `compare` has a table of its own below.
package enum ExitStatus: Int32, CaseIterable, Sendable {
    case success = 0
    case usage = 1
    case incompatibleProtocol = 2
    case fileSelection = 3
    case unsupported = 4
    case startOfProtocol = 5
    case socket = 10
    case fileIO = 11
    case protocolStream = 12
    case signal = 20
    case partial = 23
    case vanished = 24
    case tooManyDeletions = 25
    case timeout = 30
    case connectTimeout = 35
    case remoteProgramNotFound = 127

    /// What the manual says about the code.
    package var meaning: String {
        switch self {
        case .success: "all is done"
        case .usage: "the command line is wrong; nothing was started"
        case .incompatibleProtocol: "the two ends have no version of the protocol in common"
        case .fileSelection: "a SOURCE or DESTINATION cannot be what was asked of it"
        case .unsupported: "an option or action that this release does not have"
        case .startOfProtocol: "the far side refused, or did not speak our protocol"
        case .socket: "a connection could not be made or was lost"
        case .fileIO: "a file could not be read or written, and the run stopped there"
        case .protocolStream: "the stream ended early, or was damaged"
        case .signal: "stopped by a signal"
        case .partial: "some files failed; all others are done"
        case .vanished: "some source files vanished while they were read; all others are done"
        case .tooManyDeletions: "--max-delete refused the deletions; transfers are done"
        case .timeout: "the peer was silent for too long"
        case .connectTimeout: "no connection in time"
        case .remoteProgramNotFound: "superlifter was not found on the far side"
        }
    }
}

/// How `compare` ends: as diff does, so that `if superlifter compare A B` reads well.
package enum CompareStatus: Int32, Sendable {
    case same = 0
    case different = 1
    case trouble = 2

    /// What a comparison ends with: any trouble outweighs what was found.
    package init(_ status: ExitStatus, differences: UInt64) {
        self = status != .success ? .trouble : differences > 0 ? .different : .same
    }
}
