/// What a frame carries: the first byte of its header.
package enum MessageKind: UInt8, Sendable, CaseIterable {
    // Session. Exempt from credit.
    case hello = 0x01
    case job = 0x02
    case ready = 0x03
    case abort = 0x04
    case ping = 0x05
    case pong = 0x06
    case credit = 0x07
    case stop = 0x08
    case summary = 0x09
    case goodbye = 0x0a
    // Listing, from the sender.
    case roots = 0x10
    case owners = 0x11
    case directory = 0x12
    case range = 0x13
    case entries = 0x14
    case listingEnd = 0x15
    case rangeDigest = 0x16
    case fileDigests = 0x17
    case sourceProblem = 0x18
    // Answers, from the receiver.
    case same = 0x20
    case expand = 0x21
    case subtree = 0x22
    case request = 0x23
    case outcomes = 0x24
    case digestRequest = 0x25
    case again = 0x26
    case deleted = 0x27
    case targetProblem = 0x28
    // Content, from the sender.
    case content = 0x30
    case delta = 0x31
    // Signatures: from the receiver, and what the sender asks of them.
    case signature = 0x38
    case refine = 0x39

    /// The class whose credit a message uses; nil for the exempt ones.
    package var creditClass: CreditClass? {
        switch self {
        case .hello, .job, .ready, .abort, .ping, .pong, .credit, .stop, .summary, .goodbye: nil
        case .roots, .owners, .directory, .range, .entries, .listingEnd, .rangeDigest, .fileDigests, .sourceProblem:
            .listing
        case .same, .expand, .subtree, .request, .outcomes, .digestRequest, .again, .deleted, .targetProblem:
            .answer
        case .content, .delta: .content
        case .signature, .refine: .signature
        }
    }

    /// Whether a peer that does not know the kind may not go on. All kinds of protocol 1 are critical but Ping,
    /// whose loss costs nothing, and the problem reports, which inform only.
    package var isCritical: Bool {
        switch self {
        case .ping, .pong, .sourceProblem, .targetProblem: false
        case .hello, .job, .ready, .abort, .credit, .stop, .summary, .goodbye, .roots, .owners, .directory, .range,
            .entries, .listingEnd, .rangeDigest, .fileDigests, .same, .expand, .subtree, .request, .outcomes,
            .digestRequest, .again, .deleted, .content, .delta, .signature, .refine:
            true
        }
    }
}

/// Flow is controlled per class and direction.
package enum CreditClass: UInt8, Sendable, CaseIterable {
    case content = 1
    case listing = 2
    case answer = 3
    case signature = 4

    /// Several messages of it may share a frame.
    var isPacked: Bool { self == .listing || self == .answer }

    package var name: String {
        switch self {
        case .content: "content"
        case .listing: "listing"
        case .answer: "answers"
        case .signature: "signatures"
        }
    }
}
