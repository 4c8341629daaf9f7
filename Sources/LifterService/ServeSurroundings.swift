// What a server can tell about how it was started, gathered once for `ServeMode` to judge.

package import LifterSystem

/// What the process found itself started with.
package struct ServeSurroundings: Sendable {
    package var input: DescriptorKind
    package var output: DescriptorKind
    /// Standard input and output are one and the same socket.
    package var sameSocket: Bool
    /// A service manager passed sockets to this very process (LISTEN_FDS, with LISTEN_PID naming it).
    package var socketsPassed: Bool
    /// The configuration names listeners.
    package var listenersConfigured: Bool

    package init(
        input: DescriptorKind, output: DescriptorKind, sameSocket: Bool, socketsPassed: Bool,
        listenersConfigured: Bool
    ) {
        self.input = input
        self.output = output
        self.sameSocket = sameSocket
        self.socketsPassed = socketsPassed
        self.listenersConfigured = listenersConfigured
    }

    /// What is true of this process. To be asked before the standard streams are taken over, and before anything is
    /// opened that could fall into a closed one's place.
    package static func ofThisProcess(listenersConfigured: Bool) -> ServeSurroundings {
        let input = DescriptorKind(of: 0)
        var sameSocket = false
        if case .socket = input { sameSocket = DescriptorKind.areSameObject(0, 1) }
        return ServeSurroundings(
            input: input, output: DescriptorKind(of: 1), sameSocket: sameSocket,
            socketsPassed: socketsPassed(to: Environment.processID) { Environment.variable($0) },
            listenersConfigured: listenersConfigured)
    }

    /// The service manager's protocol: LISTEN_FDS counts only where LISTEN_PID names this process, since both are
    /// inherited by whatever it starts.
    package static func socketsPassed(to process: Int32, _ lookUp: (String) -> [UInt8]?) -> Bool {
        guard let count = lookUp("LISTEN_FDS"), !count.isEmpty, count != Array("0".utf8) else { return false }
        return lookUp("LISTEN_PID") == Array(String(process).utf8)
    }
}
