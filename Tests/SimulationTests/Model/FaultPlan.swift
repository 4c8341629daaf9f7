// What goes wrong, and when: decided by the number of the call, counted from 1 for each process.

import LifterSystem

enum Fault: Hashable, Sendable {
    /// The call does nothing and fails.
    case fail(Errno)
    /// The call is carried out after so long; the disk's clock moves on meanwhile.
    case late(nanoseconds: Int64)
    /// A read or write does no more than so many bytes. Other calls are not touched.
    case short(Int)
    /// The call does not happen, and the process makes no further one: every call fails with EIO from now on and
    /// `ModelFileSystem.crashed` is true. `kill` or `crash` then tells what is found by the next process.
    case crash
}

struct FaultPlan: Sendable {
    /// Faults of single calls.
    var at: [Int: Fault] = [:]
    /// Every call from this one on fails so (a full disk, a dead disk).
    var from: (call: Int, errno: Errno)?
    /// Faults by chance, about one call in so many; 0 for none.
    var oneIn = 0
    /// What chance chooses from.
    var choices: [Fault] = FaultPlan.everydayFaults
    /// Only these calls are counted in for `from` and chance; nil for all.
    var only: Set<ModelCall.Operation>?
    private var random = SeededRandom(seed: 0)

    static let none = FaultPlan()

    /// One fault at one call.
    static func single(_ call: Int, _ fault: Fault) -> FaultPlan {
        var plan = FaultPlan()
        plan.at[call] = fault
        return plan
    }

    /// From one call on the same failure, for all calls or for some.
    static func from(_ call: Int, _ errno: Errno, only: Set<ModelCall.Operation>? = nil) -> FaultPlan {
        var plan = FaultPlan()
        plan.from = (call, errno)
        plan.only = only
        return plan
    }

    static func random(
        seed: UInt64, oneIn: Int, choices: [Fault] = FaultPlan.everydayFaults,
        only: Set<ModelCall.Operation>? = nil
    ) -> FaultPlan {
        var plan = FaultPlan()
        plan.random = SeededRandom(seed: seed)
        plan.oneIn = oneIn
        plan.choices = choices
        plan.only = only
        return plan
    }

    /// The errnos that a disk call may meet on a bad day, short transfers and delays.
    static let everydayFaults: [Fault] =
        everydayErrnos.map { .fail($0) } + [.short(1), .short(4095), .late(nanoseconds: 30_000_000_000)]

    static let everydayErrnos: [Errno] = [
        .io, .noSpace, .quota, .tooManyOpen, .tooManyOpenSystem, .access, .permission, .readOnly, .interrupted,
        .again, .noMemory, .loop, .stale, .textBusy, .crossDevice,
    ]

    mutating func fault(at call: Int, _ operation: ModelCall.Operation) -> Fault? {
        if let fault = at[call] { return fault }
        if let only, !only.contains(operation) { return nil }
        if let from, call >= from.call { return .fail(from.errno) }
        if oneIn > 0 && random.below(oneIn) == 0 && !choices.isEmpty { return random.pick(choices) }
        return nil
    }
}
