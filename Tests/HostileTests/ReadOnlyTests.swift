// A read-only server asks the kernel for nothing that changes anything: every call it makes while being pulled from
// is on a list, and every open is for reading.

import Glibc
import LifterSystem
import Superlifter
import Testing

@Suite struct ReadOnlyTests {
    /// Calls that cannot change a file, its attributes or its directory.
    private static let harmless: Set<String> = [
        "read", "pread64", "readv", "preadv", "write", "writev", "close", "fstat", "stat", "lstat", "newfstatat",
        "statx",
        "fstatfs", "statfs", "getdents64", "readlink", "readlinkat", "lseek", "access", "faccessat", "faccessat2",
        "open", "openat", "openat2", "fcntl", "dup", "dup2", "dup3", "poll", "ppoll", "pipe2", "eventfd2", "socketpair",
        "shutdown", "getsockopt", "setsockopt", "getpeername", "getsockname", "recvfrom", "sendto", "recvmsg",
        "sendmsg",
        "connect", "socket", "ioctl", "fadvise64", "getxattr", "fgetxattr", "flistxattr", "getcwd", "umask",
        "mmap", "munmap", "mprotect", "mremap", "madvise", "brk", "futex", "clone", "clone3", "set_robust_list", "rseq",
        "set_tid_address", "arch_prctl", "prctl", "prlimit64", "getrlimit", "rt_sigaction", "rt_sigprocmask",
        "rt_sigreturn", "sigaltstack", "sched_getaffinity", "sched_setaffinity", "sched_yield", "getrandom", "gettid",
        "getpid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getgroups", "uname", "sysinfo", "clock_gettime",
        "clock_nanosleep", "nanosleep", "execve", "exit", "exit_group", "restart_syscall", "tgkill", "pidfd_open",
        "timerfd_create", "signalfd4", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "setrlimit",
        "membarrier", "getpriority", "get_robust_list", "kill",
    ]

    @Test("Pulled from, a read-only server changes nothing", .enabled(if: access("/usr/bin/strace", X_OK) == 0))
    func pull() throws {
        let arena = try Arena()
        let (trace, copy) = (arena.top + "/trace", arena.top + "/copy")
        var before = Arena.identities(of: arena.destination)
        for checksum in [false, true] {
            let ending = try RealEnd.client(
                [
                    "strace", "-f", "-qq", "-o", trace, RealEnd.binary, "serve", "--inetd", "--root", arena.destination,
                    "--read-only",
                ]
            ) { (descriptor) throws(SuperlifterError) in
                var client = Client()
                if checksum { client.options.comparison = .checksum }
                _ = try client.pull([bytes("/")], to: bytes(copy), input: descriptor, output: descriptor) { _ in }
            }
            #expect(!ending.isFailure && ending.isSafe, "\(ending)")
            let lines = String(decoding: try #require(Arena.contents(of: trace)), as: UTF8.self).split(separator: "\n")
            #expect(lines.count > 50)
            for line in lines { try Self.check(line) }
        }
        let after = Arena.identities(of: arena.destination)
        for (path, identity) in after { #expect(before.removeValue(forKey: path) == identity, "\(path)") }
        #expect(before.isEmpty && arena.harm() == nil)
    }

    private static func check(_ line: Substring) throws {
        // "123 openat(5, \"name\", O_RDONLY) = 7"; signals and the ends of interrupted calls have other forms.
        let call = line.drop { $0.isNumber }.drop { $0 == " " }
        guard let parenthesis = call.firstIndex(of: "("), !call.hasPrefix("<"), !call.hasPrefix("-"),
            !call.hasPrefix("+")
        else { return }
        let name = String(call[..<parenthesis])
        #expect(harmless.contains(name), "\(line)")
        guard name.hasPrefix("open") else { return }
        let flags = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_TMPFILE", "O_APPEND"]
        // The program's own start may open a terminal or /dev/null.
        let isTree = !call.contains("\"/dev/")
        #expect(!isTree || !flags.contains { call.contains($0) }, "\(line)")
    }
}
