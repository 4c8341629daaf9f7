// The one thing that has to be compiled as C: a signal handler that is safe to run at any instruction.

#include "CSuperlifter.h"

static volatile sig_atomic_t watch_descriptor = -1;

static void note_signal(int number) {
    int saved = errno;
    unsigned char byte = (unsigned char)number;
    int descriptor = watch_descriptor;
    // A full pipe loses nothing that matters: the signals before this one are still to be read.
    if (descriptor >= 0 && write(descriptor, &byte, 1) < 0) errno = 0;
    errno = saved;
}

static int set_action(int number, void (*handler)(int), int flags) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = flags;
    sigemptyset(&action.sa_mask);
    return sigaction(number, &action, NULL) < 0 ? -errno : 0;
}

int sl_watch_signal(int number, int once) {
    return set_action(number, note_signal, SA_RESTART | (once ? (int)SA_RESETHAND : 0));
}

void sl_watch_into(int descriptor) { watch_descriptor = descriptor; }

int sl_signal_default(int number) { return set_action(number, SIG_DFL, 0); }

int sl_signal_ignore(int number) { return set_action(number, SIG_IGN, 0); }
