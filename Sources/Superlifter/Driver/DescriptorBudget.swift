// How many descriptors a session may hold for longer than one call. Half of what the process has beyond its streams is
// left to the workers, which open and close within an effect.

import LifterSystem

enum DescriptorBudget {
    /// Standard streams, the connection, wake-ups, roots, and a few for whoever else is in the process.
    private static let base = 24

    private static var free: Int { max(0, Environment.openFileLimit.current - base) }

    /// Directories kept open.
    static var directories: Int { min(64, max(2, free / 4)) }

    /// Directories being built, and files being staged: so many of each.
    static var work: Int { min(64, max(1, free / 8)) }
}
