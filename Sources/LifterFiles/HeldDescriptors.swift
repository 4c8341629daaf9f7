// Descriptors that stay open as long as the roots they belong to.

import LifterSystem
import Synchronization

final class HeldDescriptors: Sendable {
    private let fileSystem: any FileSystem
    private let held = Mutex<[RawDescriptor]>([])

    init(_ fileSystem: any FileSystem) { self.fileSystem = fileSystem }

    deinit { for descriptor in held.withLock({ $0 }) { fileSystem.close(descriptor) } }

    /// Takes a descriptor over.
    @discardableResult
    func hold(_ descriptor: RawDescriptor) -> RawDescriptor {
        held.withLock { $0.append(descriptor) }
        return descriptor
    }

    var first: RawDescriptor? { held.withLock { $0.first } }
}
