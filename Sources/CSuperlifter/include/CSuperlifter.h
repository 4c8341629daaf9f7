// What Swift cannot call by itself: variadic functions, system calls without a wrapper in older C libraries,
// macros. Each function here is one call; those marked `sl_` and returning a signed number return the
// negated errno where they fail, so that no other call can come between a failure and its reason.

#ifndef CSUPERLIFTER_H
#define CSUPERLIFTER_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

extern char **environ;

static inline long sl_outcome(long result) { return result < 0 ? -(long)errno : result; }

// Opening. The numbers are those of linux/openat2.h, which older header packages lack.

#define SL_SYS_openat2 437
#define SL_SYS_fchmodat2 452
#define SL_SYS_pidfd_open 434

/// openat(2).
static inline int sl_openat(int directory, const char *path, int flags, uint32_t mode) {
    return (int)sl_outcome(openat(directory, path, flags, mode));
}

/// openat2(2) with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS.
static inline int sl_openat2_beneath(int directory, const char *path, int flags, uint32_t mode) {
    struct { uint64_t flags, mode, resolve; } how = {
        (uint64_t)(uint32_t)flags, (flags & O_CREAT) ? mode : 0, 0x08 | 0x04 | 0x02};
    return (int)sl_outcome(syscall(SL_SYS_openat2, directory, path, &how, sizeof how));
}

static inline int sl_fcntl(int descriptor, int command, long argument) {
    return (int)sl_outcome(fcntl(descriptor, command, argument));
}

// What is on the disk.

/// statx(2) reduced to what a tree needs; device numbers are major << 32 | minor.
struct sl_status {
    uint32_t mode, user, group;
    uint64_t size, links, inode, device, special_device, blocks;
    int64_t modified_seconds, changed_seconds, accessed_seconds;
    uint32_t modified_nanoseconds, changed_nanoseconds, accessed_nanoseconds;
};

static inline int sl_statx(int directory, const char *path, int flags, struct sl_status *status) {
    struct statx raw;
    if (statx(directory, path, flags, STATX_BASIC_STATS, &raw) < 0) return -errno;
    status->mode = raw.stx_mode;
    status->user = raw.stx_uid;
    status->group = raw.stx_gid;
    status->size = raw.stx_size;
    status->links = raw.stx_nlink;
    status->inode = raw.stx_ino;
    status->device = (uint64_t)raw.stx_dev_major << 32 | raw.stx_dev_minor;
    status->special_device = (uint64_t)raw.stx_rdev_major << 32 | raw.stx_rdev_minor;
    status->blocks = raw.stx_blocks;
    status->modified_seconds = raw.stx_mtime.tv_sec;
    status->modified_nanoseconds = raw.stx_mtime.tv_nsec;
    status->changed_seconds = raw.stx_ctime.tv_sec;
    status->changed_nanoseconds = raw.stx_ctime.tv_nsec;
    status->accessed_seconds = raw.stx_atime.tv_sec;
    status->accessed_nanoseconds = raw.stx_atime.tv_nsec;
    return 0;
}

static inline int sl_fstatfs(int descriptor, int64_t *type, uint64_t *available, uint64_t *block_size) {
    struct statfs raw;
    if (fstatfs(descriptor, &raw) < 0) return -errno;
    *type = (int64_t)(uint32_t)raw.f_type;
    *available = raw.f_bavail;
    *block_size = (uint64_t)(raw.f_frsize ? raw.f_frsize : raw.f_bsize);
    return 0;
}

static inline long sl_getdents(int descriptor, void *buffer, size_t size) {
    return sl_outcome(syscall(SYS_getdents64, descriptor, buffer, size));
}

// Changing it.

static inline int sl_renameat2(int from, const char *old, int to, const char *new_, unsigned flags) {
    return (int)sl_outcome(syscall(SYS_renameat2, from, old, to, new_, flags));
}

static inline int sl_fchmodat2(int directory, const char *path, uint32_t mode, int flags) {
    return (int)sl_outcome(syscall(SL_SYS_fchmodat2, directory, path, mode, flags));
}

static inline int sl_mknodat(int directory, const char *path, uint32_t mode, uint32_t major_, uint32_t minor_) {
    return (int)sl_outcome(mknodat(directory, path, mode, makedev(major_, minor_)));
}

/// FICLONERANGE. A length of 0 would mean "to the end": the caller sorts that out.
static inline int sl_clone_range(
    int source, uint64_t source_offset, uint64_t length, int target, uint64_t target_offset) {
    struct { int64_t descriptor; uint64_t source_offset, length, target_offset; } range = {
        source, source_offset, length, target_offset};
    return (int)sl_outcome(ioctl(target, _IOW(0x94, 13, range), &range));
}

/// A write lock over the whole file that belongs to the open file description (F_OFD_SETLK); does not wait.
static inline int sl_lock_file(int descriptor) {
    struct flock lock;
    memset(&lock, 0, sizeof lock);
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return (int)sl_outcome(fcntl(descriptor, F_OFD_SETLK, &lock));
}

// Errors.

static inline const char *sl_errno_name(int number) { return strerrorname_np(number); }
static inline const char *sl_errno_text(int number) { return strerrordesc_np(number); }

// Processes, signals, memory.

static inline int sl_pidfd_open(pid_t process) {
    return (int)sl_outcome(syscall(SL_SYS_pidfd_open, process, 0));
}

static inline int sl_eventfd(void) { return (int)sl_outcome(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

/// Leaves nothing above standard error open in the child, where the C library can say so.
static inline int sl_spawn_close_from(posix_spawn_file_actions_t *actions, int first) {
#if __GLIBC_PREREQ(2, 34)
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
#else
    (void)actions;
    (void)first;
    return 0;
#endif
}

/// Has `number` written as one byte into the pipe set by `sl_watch_into`, whichever thread it reaches.
/// With `once`, the default action is back as soon as it has come.
int sl_watch_signal(int number, int once);
void sl_watch_into(int descriptor);
int sl_signal_default(int number);
int sl_signal_ignore(int number);

static inline char **sl_environ(void) { return environ; }

static inline int sl_mallopt_arena_max(int value) { return mallopt(M_ARENA_MAX, value); }
static inline int sl_mallopt_mmap_threshold(int value) { return mallopt(M_MMAP_THRESHOLD, value); }
static inline int sl_mallopt_trim_threshold(int value) { return mallopt(M_TRIM_THRESHOLD, value); }
static inline int sl_malloc_trim(size_t pad) { return malloc_trim(pad); }

#endif
