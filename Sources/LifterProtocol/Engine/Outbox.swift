// Messages on their way out, in one queue per class. Control overtakes everything; answers and listings overtake
// contents; within a class order is kept. What credit does not cover waits here, and only here.
//
// Short listing messages leave together in one frame, and so do answers: runs that find little to do consist of them.

/// A message ready to leave: encoded for a stream, or as it is for a peer in this process.
package enum OutgoingMessage: Sendable {
    case encoded(EncodedMessage)
    case value(Message, weight: Int)

    package var kind: MessageKind {
        switch self {
        case .encoded(let message): message.kind
        case .value(let message, _): message.kind
        }
    }
}

package struct Outbox {
    private let encodes: Bool
    private var control = Queue<OutgoingMessage>()
    private var answers = Queue<Waiting>()
    private var signatures = Queue<Waiting>()
    private var listings = Queue<Waiting>()
    private var contents = Queue<Waiting>()
    private var credit: [Int64] = [0, 0, 0, 0, 0]
    /// Listing messages that were queued, and that have left; contents wait for the listing that defines them.
    private(set) var listingsQueued: UInt64 = 0
    private(set) var listingsLeft: UInt64 = 0
    private var listingBytes = 0
    private var signatureBytes = 0
    /// More listing messages will be queued as soon as the disk has answered: a few bytes may wait for them.
    var expectsListings = false

    private struct Waiting {
        var message: OutgoingMessage
        var weight: Int
    }

    init(encodes: Bool, peer: Limits) {
        self.encodes = encodes
        credit[Int(CreditClass.content.rawValue)] = Int64(peer.contentWindow)
        credit[Int(CreditClass.listing.rawValue)] = Int64(peer.listingWindow)
        credit[Int(CreditClass.answer.rawValue)] = Int64(peer.answerWindow)
        credit[Int(CreditClass.signature.rawValue)] = Int64(peer.signatureWindow)
    }

    mutating func send(_ message: Message) throws(WireError) {
        let outgoing: OutgoingMessage
        let weight: Int
        if encodes {
            let encoded = try EncodedMessage(message)
            weight = encoded.payloadLength
            outgoing = .encoded(encoded)
        } else {
            weight = message.weight
            outgoing = .value(message, weight: weight)
        }
        switch message.kind.creditClass {
        case nil: control.append(outgoing)
        case .answer: answers.append(Waiting(message: outgoing, weight: weight))
        case .signature:
            signatures.append(Waiting(message: outgoing, weight: weight))
            signatureBytes += weight
        case .listing:
            listings.append(Waiting(message: outgoing, weight: weight))
            listingsQueued += 1
            listingBytes += weight
        case .content: contents.append(Waiting(message: outgoing, weight: weight))
        }
    }

    /// More credit from the peer. An overflowing sum is its mistake.
    mutating func grant(_ credit: Credit) throws(WireError) {
        let index = Int(credit.creditClass.rawValue)
        self.credit[index] += Int64(credit.amount)
        guard self.credit[index] <= Int64(UInt32.max) else { throw .value("credit.amount") }
    }

    /// The next message that may leave now.
    mutating func next() -> OutgoingMessage? {
        if let message = control.popFirst() { return message }
        if fits(answers, .answer), let taken = Self.takeTogether(&answers, .answer, &credit) { return taken.message }
        if mayListingsLeave, let taken = Self.takeTogether(&listings, .listing, &credit) {
            listingsLeft += taken.count
            listingBytes -= taken.bytes
            return taken.message
        }
        if let signature = Self.take(&signatures, .signature, &credit) {
            signatureBytes -= signature.weight
            return signature.message
        }
        return Self.take(&contents, .content, &credit)?.message
    }

    /// The first message of a queue, if credit covers it.
    private static func take(
        _ queue: inout Queue<Waiting>, _ creditClass: CreditClass, _ credit: inout [Int64]
    ) -> Waiting? {
        guard let first = queue.first, credit[Int(creditClass.rawValue)] >= Int64(first.weight) else { return nil }
        credit[Int(creditClass.rawValue)] -= Int64(first.weight)
        return queue.popFirst()
    }

    private var mayListingsLeave: Bool { fits(listings, .listing) && !holdsListings }

    /// Some listings wait for others.
    var holdsListings: Bool {
        encodes && expectsListings && !listings.isEmpty && listingBytes < Tuning.worthAFrame
    }

    /// The first message of a queue; with it, where they are short, those behind it that credit covers. `bytes`: what
    /// all of them weighed while they waited.
    private static func takeTogether(
        _ queue: inout Queue<Waiting>, _ creditClass: CreditClass, _ credit: inout [Int64]
    ) -> (message: OutgoingMessage, count: UInt64, bytes: Int)? {
        guard let first = take(&queue, creditClass, &credit) else { return nil }
        var taken = (message: first.message, count: UInt64(1), bytes: first.weight)
        guard case .encoded(let short) = first.message, first.weight < Tuning.shortMessage else { return taken }
        var messages = [short]
        let left = first.weight + Int(credit[Int(creditClass.rawValue)])
        var room = min(ProtocolConstants.longestPacked, left) - first.weight - EncodedMessage.packingOverhead
        while let next = queue.first, case .encoded(let message) = next.message, next.weight < Tuning.shortMessage,
            room >= next.weight + EncodedMessage.packingOverhead
        {
            room -= next.weight + EncodedMessage.packingOverhead
            messages.append(message)
            taken.bytes += next.weight
            taken.count += 1
            _ = queue.popFirst()
        }
        if messages.count == 1 { return taken }
        let packed = EncodedMessage(packing: messages)
        credit[Int(creditClass.rawValue)] -= Int64(packed.payloadLength - first.weight)
        taken.message = .encoded(packed)
        return taken
    }

    /// Whether the next message could leave now.
    var canSend: Bool {
        if !control.isEmpty { return true }
        return fits(answers, .answer) || mayListingsLeave || fits(signatures, .signature) || fits(contents, .content)
    }

    /// Whether more of the listing should be made: few messages wait, or only short ones.
    var wantsListings: Bool { listings.count < 4 || listingBytes < ProtocolConstants.longestPacked / 2 }

    private func fits(_ queue: Queue<Waiting>, _ creditClass: CreditClass) -> Bool {
        guard let first = queue.first else { return false }
        return credit[Int(creditClass.rawValue)] >= Int64(first.weight)
    }

    var isEmpty: Bool {
        control.isEmpty && answers.isEmpty && listings.isEmpty && signatures.isEmpty && contents.isEmpty
    }

    /// Signature credit that is left when everything queued has gone.
    var signatureCredit: Int64 { credit[Int(CreditClass.signature.rawValue)] - Int64(signatureBytes) }

    /// Messages of a class that have not left yet; more of it is made only when few wait.
    func waiting(_ creditClass: CreditClass) -> Int {
        switch creditClass {
        case .answer: answers.count
        case .signature: signatures.count
        case .listing: listings.count
        case .content: contents.count
        }
    }

    /// The session ends: only control goes out.
    mutating func dropAllButControl() {
        answers.removeAll()
        signatures.removeAll()
        signatureBytes = 0
        listings.removeAll()
        listingBytes = 0
        contents.removeAll()
    }
}
