// The least that a delta asks of the system, for `changes --bare`: what a program would take that did nothing else.
//
//     bare NEW OLD    replaces OLD, as if of NEW hardly anything had to be told
//
// As with a remote shell there is a child at the other end of a pair of sockets. It reads the old version for its
// signature, on two processors; then this process reads the new version, and tells piece by piece what to copy; the
// child reads that from the old version, writes it to a file beside it, and gives that the old name. No byte is hashed,
// compared or checked, so what comes out is not NEW: only the time counts.

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { piece = 256 << 10, told = 4 << 20, signature = 64 << 10 };

static void must(int holds, const char *doing) {
    if (holds) return;
    perror(doing);
    exit(1);
}

static char *buffer(void) {
    char *bytes = aligned_alloc(4096, piece);
    must(bytes != NULL, "memory");
    return bytes;
}

struct half {
    int descriptor;
    off_t start, end;
};

static void *read_half(void *argument) {
    struct half *half = argument;
    char *bytes = buffer();
    for (off_t at = half->start; at < half->end; at += piece)
        must(pread(half->descriptor, bytes, piece, at) >= 0, "reading the old version");
    free(bytes);
    return NULL;
}

static void sign(int old, off_t size) {
    struct half halves[] = {{old, 0, size / 2}, {old, size / 2, size}};
    pthread_t other;
    must(pthread_create(&other, NULL, read_half, &halves[1]) == 0, "a thread");
    read_half(&halves[0]);
    pthread_join(other, NULL);
}

static void serve(int stream, const char *name) {
    char part[4096];
    snprintf(part, sizeof part, "%s.part", name);
    int old = open(name, O_RDONLY);
    struct stat status;
    must(old >= 0 && fstat(old, &status) == 0, name);
    sign(old, status.st_size);
    char *bytes = buffer();
    must(write(stream, bytes, signature) == signature, "telling the signature");

    int new = open(part, O_WRONLY | O_CREAT | O_EXCL, 0600);
    must(new >= 0, part);
    off_t at = 0, length;
    while (read(stream, &length, sizeof length) == sizeof length) {
        for (off_t end = at + length; at < end;) {
            ssize_t count = pread(old, bytes, piece, at);
            must(count >= 0 && pwrite(new, bytes, (size_t)count, at) == count, "copying");
            if (count == 0) break;
            at += count;
        }
    }
    must(close(new) == 0 && rename(part, name) == 0, "renaming");
    // The last descriptor of the old version: its memory is freed before this process ends.
    close(old);
}

static void tell(int stream, const char *name) {
    int new = open(name, O_RDONLY);
    must(new >= 0, name);
    char *bytes = buffer();
    for (ssize_t got = 0, count; got < signature; got += count) {
        count = read(stream, bytes, piece);
        must(count > 0, "reading the signature");
    }
    off_t length = 0;
    for (ssize_t count; (count = read(new, bytes, piece)) > 0;) {
        length += count;
        if (length < told && count == piece) continue;
        must(write(stream, &length, sizeof length) == sizeof length, "telling what to copy");
        length = 0;
    }
    must(shutdown(stream, SHUT_WR) == 0, "ending");
}

int main(int count, char **words) {
    int ends[2], status;
    must(count == 3, "usage: bare NEW OLD");
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "a pair of sockets");
    pid_t child = fork();
    must(child >= 0, "a child");
    if (child == 0) {
        close(ends[0]);
        serve(ends[1], words[2]);
        return 0;
    }
    close(ends[1]);
    tell(ends[0], words[1]);
    must(waitpid(child, &status, 0) == child && status == 0, "the child");
    return 0;
}
