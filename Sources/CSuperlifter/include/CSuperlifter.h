// What Swift cannot call by itself: variadic functions, macros, and calls that C headers show to _GNU_SOURCE only.
// The header draws in no system header but the plainest, so that it cannot disagree with Swift's view of them.
//
// Every function is one call. Those returning a signed number return the negated errno where they fail, so that
// nothing can come between a failure and its reason.

#ifndef CSUPERLIFTER_H
#define CSUPERLIFTER_H

#include <stddef.h>
#include <stdint.h>

// Opening.

extern const int sl_O_PATH, sl_O_NOATIME, sl_AT_EMPTY_PATH, sl_AT_NO_AUTOMOUNT,
    sl_SEEK_DATA;

/// openat(2).
int sl_openat(int directory, const char *path, int flags, uint32_t mode);
/// openat2(2) with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS.
int sl_openat2_beneath(int directory, const char *path, int flags, uint32_t mode);

// What is on the disk.

/// statx(2) reduced to what a tree needs; device numbers are major << 32 | minor.
struct sl_status {
    uint32_t mode, user, group;
    uint64_t size, links, inode, device, special_device, blocks;
    int64_t modified_seconds, changed_seconds, accessed_seconds;
    uint32_t modified_nanoseconds, changed_nanoseconds, accessed_nanoseconds;
};

int sl_statx(int directory, const char *path, int flags, struct sl_status *status);
/// fstatfs(2): magic number, blocks free to this user, bytes in a block.
int sl_fstatfs(int descriptor, int64_t *type, uint64_t *available, uint64_t *block_size);
/// getdents64(2).
long sl_getdents(int descriptor, void *buffer, size_t size);

// Changing it.

extern const unsigned sl_RENAME_NOREPLACE, sl_RENAME_EXCHANGE;
extern const long sl_UTIME_OMIT;

int sl_renameat2(int from, const char *old_name, int to, const char *new_name, unsigned flags);
int sl_fchmodat2(int directory, const char *name, uint32_t mode, int flags);
int sl_mknodat(int directory, const char *name, uint32_t mode, uint32_t major_number, uint32_t minor_number);
/// Whether the file's file system is tmpfs or ramfs: 1 or 0.
int sl_is_in_memory(int descriptor);
/// fallocate(2) with FALLOC_FL_KEEP_SIZE, from the start of the file.
int sl_reserve(int descriptor, int64_t size);
/// FICLONERANGE. A length of 0 would mean "to the end": the caller sorts that out.
int sl_clone_range(int source, uint64_t source_offset, uint64_t length, int target, uint64_t target_offset);
/// A write lock over the whole file that belongs to the open file description (F_OFD_SETLK); does not wait.
int sl_lock_file(int descriptor);
/// The same over one byte.
int sl_lock_byte(int descriptor, int64_t offset);

// Errors: untranslated words and the constant's name; NULL for a number unknown.

const char *sl_errno_name(int number);
const char *sl_errno_text(int number);

// Streams.

/// fcntl(2) with an integer argument.
int sl_fcntl(int descriptor, int command, long argument);
extern const int sl_F_SETPIPE_SZ, sl_F_DUPFD_CLOEXEC;
/// pipe2(2) with O_CLOEXEC.
int sl_pipe(int ends[2]);
/// socketpair(2): two connected local stream sockets, close-on-exec.
int sl_socketpair(int ends[2]);
/// accept4(2): the next connection of a listening socket, close-on-exec.
int sl_accept(int listener);
/// ppoll(2) without a signal mask. `entries` are struct pollfd; a negative timeout waits for ever.
int sl_ppoll(void *entries, size_t count, int64_t timeout_nanoseconds);
/// eventfd(2), close-on-exec and non-blocking.
int sl_eventfd(void);
/// Whether the object is the null device.
int sl_is_null_device(int descriptor);

// Processes, signals, threads, memory.

int sl_pidfd_open(int process);
/// Has a child keep nothing from `first` on, where the C library can say so. `actions` is
/// posix_spawn_file_actions_t. Returns a positive errno, like its relatives.
int sl_spawn_close_from(void *actions, int first);
/// Has `number` written as one byte to the pipe set by `sl_watch_into`, whichever thread it reaches.
/// With `once`, the default action is back as soon as it has come.
int sl_watch_signal(int number, int once);
void sl_watch_into(int descriptor);
int sl_signal_default(int number);
int sl_signal_ignore(int number);
char **sl_environment(void);
/// getrandom(2), blocking until the kernel has entropy.
long sl_random(void *buffer, size_t size);
/// Names the calling thread; the kernel keeps 15 bytes.
int sl_name_thread(const char *name);
/// mallopt(3): blocks of so many bytes and more are mapped one by one, and so many free bytes stay with each heap.
void sl_malloc_thresholds(int mapped, int kept);

#endif
