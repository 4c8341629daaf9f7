// Files that the receiver has the beginning of. Before such a file stands in line its beginning is compared, step by
// step and one file at a time, beside the contents of others; if it is the same, only the rest is sent.

/// A beginning to be compared.
struct PrefixTask: Sendable {
    var item: ContentItem
    var resume: Resume
    /// Otherwise the receiver asks in another way.
    var isOnly: Bool
}

extension SenderMachine {
    mutating func advanceChecks() {
        while !isChecking, checkedWaiting < Tuning.checkedAhead, let task = checks.popFirst() {
            guard !contentsStopped, let (entry, directory) = lookUp(task.item.id) else {
                // Refused in its turn, like any other.
                requested.append(task.item)
                continue
            }
            isChecking = true
            run(.openSource(id: task.item.id, directory: directory, entry: entry), as: .openChecked(task))
        }
    }

    mutating func openedForCheck(_ task: PrefixTask, _ result: Result<(any SourceFile)?, FileProblem>) {
        switch result {
        case .success: check(task)
        case .failure(let problem): endCheck(task, .failed(problem))
        }
    }

    private mutating func check(_ task: PrefixTask) {
        run(.checkPrefix(id: task.item.id, task.resume), as: .checkPrefix(task))
    }

    mutating func checkedPrefix(_ task: PrefixTask, _ result: Result<PrefixCheck, FileProblem>) {
        let isWanted = !contentsStopped && open[task.item.id] != nil
        switch result {
        case .success(.more) where isWanted: check(task)
        case .success(.same):
            if task.resume.length == lookUp(task.item.id)?.0.attributes.size {
                summary.matchedBytes &+= task.resume.length
            }
            endCheck(task, .open(task.resume.length))
        case .success(.different) where task.isOnly:
            run(.closeSource(id: task.item.id), as: .closeSource)
            endCheck(task, .failed(FileProblem(.mismatch, doing: "continuing what an earlier run left")))
        case .success(.more), .success(.different): endCheck(task, .open(0))
        case .failure(let problem):
            run(.closeSource(id: task.item.id), as: .closeSource)
            endCheck(task, .failed(problem))
        }
    }

    private mutating func endCheck(_ task: PrefixTask, _ start: ContentItem.Start) {
        isChecking = false
        var item = task.item
        item.start = start
        if case .open = start { checkedWaiting += 1 }
        requested.append(item)
    }
}
