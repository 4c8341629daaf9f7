// The calls of CSuperlifter.h, in its order, and a signal handler that is safe to run at any instruction.

#define _GNU_SOURCE 1

#include "CSuperlifter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

// Call numbers that older header packages lack; the same on every architecture that came after 2019.
enum { call_pidfd_open = 434, call_openat2 = 437, call_fchmodat2 = 452 };

static inline long outcome(long result) { return result < 0 ? -(long)errno : result; }

// Opening.

const int sl_O_PATH = O_PATH, sl_O_NOATIME = O_NOATIME, sl_AT_EMPTY_PATH = AT_EMPTY_PATH,
          sl_AT_NO_AUTOMOUNT = AT_NO_AUTOMOUNT, sl_SEEK_DATA = SEEK_DATA;

int sl_openat(int directory, const char *path, int flags, uint32_t mode) {
    return (int)outcome(openat(directory, path, flags, mode));
}

int sl_openat2_beneath(int directory, const char *path, int flags, uint32_t mode) {
    // struct open_how and RESOLVE_{BENEATH,NO_SYMLINKS,NO_MAGICLINKS} of linux/openat2.h.
    struct { uint64_t flags, mode, resolve; } how = {
        (uint64_t)(uint32_t)flags, (flags & O_CREAT) ? mode : 0, 0x08 | 0x04 | 0x02};
    return (int)outcome(syscall(call_openat2, directory, path, &how, sizeof how));
}

// What is on the disk.

int sl_statx(int directory, const char *path, int flags, struct sl_status *status) {
    struct statx raw;
    if (statx(directory, path, flags, STATX_BASIC_STATS, &raw) < 0) return -errno;
    *status = (struct sl_status){
        .mode = raw.stx_mode,
        .user = raw.stx_uid,
        .group = raw.stx_gid,
        .size = raw.stx_size,
        .links = raw.stx_nlink,
        .inode = raw.stx_ino,
        .device = (uint64_t)raw.stx_dev_major << 32 | raw.stx_dev_minor,
        .special_device = (uint64_t)raw.stx_rdev_major << 32 | raw.stx_rdev_minor,
        .blocks = raw.stx_blocks,
        .modified_seconds = raw.stx_mtime.tv_sec,
        .modified_nanoseconds = raw.stx_mtime.tv_nsec,
        .changed_seconds = raw.stx_ctime.tv_sec,
        .changed_nanoseconds = raw.stx_ctime.tv_nsec,
        .accessed_seconds = raw.stx_atime.tv_sec,
        .accessed_nanoseconds = raw.stx_atime.tv_nsec,
    };
    return 0;
}

int sl_fstatfs(int descriptor, int64_t *type, uint64_t *available, uint64_t *block_size) {
    struct statfs raw;
    if (fstatfs(descriptor, &raw) < 0) return -errno;
    *type = (int64_t)(uint32_t)raw.f_type;
    *available = raw.f_bavail;
    *block_size = (uint64_t)(raw.f_frsize ? raw.f_frsize : raw.f_bsize);
    return 0;
}

long sl_getdents(int descriptor, void *buffer, size_t size) {
    return outcome(syscall(SYS_getdents64, descriptor, buffer, size));
}

// Changing it.

const unsigned sl_RENAME_NOREPLACE = RENAME_NOREPLACE, sl_RENAME_EXCHANGE = RENAME_EXCHANGE;
const long sl_UTIME_OMIT = UTIME_OMIT;

int sl_renameat2(int from, const char *old_name, int to, const char *new_name, unsigned flags) {
    return (int)outcome(syscall(SYS_renameat2, from, old_name, to, new_name, flags));
}

int sl_fchmodat2(int directory, const char *name, uint32_t mode, int flags) {
    return (int)outcome(syscall(call_fchmodat2, directory, name, mode, flags));
}

int sl_mknodat(int directory, const char *name, uint32_t mode, uint32_t major_number, uint32_t minor_number) {
    return (int)outcome(mknodat(directory, name, mode, makedev(major_number, minor_number)));
}

int sl_is_in_memory(int descriptor) {
    struct statfs place;
    if (fstatfs(descriptor, &place) < 0) return -errno;
    return place.f_type == TMPFS_MAGIC || place.f_type == RAMFS_MAGIC;
}

int sl_reserve(int descriptor, int64_t size) {
    return (int)outcome(fallocate(descriptor, FALLOC_FL_KEEP_SIZE, 0, size));
}

int sl_clone_range(int source, uint64_t source_offset, uint64_t length, int target, uint64_t target_offset) {
    // struct file_clone_range of linux/fs.h.
    struct range { int64_t source; uint64_t source_offset, length, target_offset; } range = {
        source, source_offset, length, target_offset};
    return (int)outcome(ioctl(target, _IOW(0x94, 13, struct range), &range));
}

int sl_lock_file(int descriptor) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return (int)outcome(fcntl(descriptor, F_OFD_SETLK, &lock));
}

int sl_lock_byte(int descriptor, int64_t offset) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1};
    return (int)outcome(fcntl(descriptor, F_OFD_SETLK, &lock));
}

// Errors.

const char *sl_errno_name(int number) { return strerrorname_np(number); }
const char *sl_errno_text(int number) { return strerrordesc_np(number); }

// Streams.

const int sl_F_SETPIPE_SZ = F_SETPIPE_SZ, sl_F_DUPFD_CLOEXEC = F_DUPFD_CLOEXEC;

int sl_fcntl(int descriptor, int command, long argument) {
    return (int)outcome(fcntl(descriptor, command, argument));
}

int sl_pipe(int ends[2]) { return (int)outcome(pipe2(ends, O_CLOEXEC)); }

int sl_socketpair(int ends[2]) {
    return (int)outcome(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
}

int sl_accept(int listener) { return (int)outcome(accept4(listener, NULL, NULL, SOCK_CLOEXEC)); }

int sl_ppoll(void *entries, size_t count, int64_t timeout_nanoseconds) {
    struct timespec timeout = {
        .tv_sec = timeout_nanoseconds / 1000000000, .tv_nsec = timeout_nanoseconds % 1000000000};
    return (int)outcome(ppoll(entries, count, timeout_nanoseconds < 0 ? NULL : &timeout, NULL));
}

int sl_eventfd(void) { return (int)outcome(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

int sl_is_null_device(int descriptor) {
    struct stat status;
    return fstat(descriptor, &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

// Processes, signals, threads, memory.

int sl_pidfd_open(int process) { return (int)outcome(syscall(call_pidfd_open, process, 0)); }

int sl_spawn_close_from(void *actions, int first) {
#if __GLIBC_PREREQ(2, 34)
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
#else
    return 0;
#endif
}

static volatile sig_atomic_t watch_descriptor = -1;

static void note_signal(int number) {
    int saved = errno;
    int descriptor = watch_descriptor;
    unsigned char byte = (unsigned char)number;
    // A full pipe loses nothing that matters: whoever reads it has signals enough to act upon.
    ssize_t written = descriptor >= 0 ? write(descriptor, &byte, 1) : 0;
    (void)written;
    errno = saved;
}

static int set_action(int number, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigemptyset(&action.sa_mask);
    return (int)outcome(sigaction(number, &action, NULL));
}

int sl_watch_signal(int number, int once) {
    return set_action(number, note_signal, SA_RESTART | (once ? (int)SA_RESETHAND : 0));
}

void sl_watch_into(int descriptor) { watch_descriptor = descriptor; }

int sl_signal_default(int number) { return set_action(number, SIG_DFL, 0); }

int sl_signal_ignore(int number) { return set_action(number, SIG_IGN, 0); }

char **sl_environment(void) { return environ; }

long sl_random(void *buffer, size_t size) { return outcome(getrandom(buffer, size, 0)); }

int sl_name_thread(const char *name) { return (int)outcome(prctl(PR_SET_NAME, name, 0, 0, 0)); }

void sl_malloc_thresholds(int mapped, int kept) {
    mallopt(M_MMAP_THRESHOLD, mapped);
    mallopt(M_TRIM_THRESHOLD, kept);
}
