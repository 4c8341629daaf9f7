// From what the command line says about connecting to the library's options.

import Superlifter

extension ConnectOptions {
    /// - Parameter timeout: seconds; nil where the command line says nothing.
    init(_ connection: Connecting, timeout: UInt32?) {
        self.init()
        remoteShell = connection.remoteShell
        remotePath = connection.remotePath
        usesPipes = connection.usesPipes
        hints = connection.hints
        localAddress = connection.address
        addressFamily =
            switch connection.addressFamily {
            case .any: .any
            case .ipv4: .ipv4
            case .ipv6: .ipv6
            }
        self.timeout = timeout
        retries = connection.retries
    }
}
