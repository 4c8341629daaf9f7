// XXH3 by the widest vectors that the processor has, where the library was built with that choice (Debian's on x86):
// its plain functions know the oldest vectors only. The results are the same.

#include <stddef.h>
#include <stdint.h>
#include <xxhash.h>

#if defined(__x86_64__) && defined(__has_include)
#if __has_include(<xxh_x86dispatch.h>)
// Puts the choosing functions in the place of the plain ones below.
#include <xxh_x86dispatch.h>
#endif
#endif

static inline uint64_t sl_xxh3_64(const void *bytes, size_t count, uint64_t seed) {
    return XXH3_64bits_withSeed(bytes, count, seed);
}

static inline XXH128_hash_t sl_xxh3_128(const void *bytes, size_t count, uint64_t seed) {
    return XXH3_128bits_withSeed(bytes, count, seed);
}

/// For digests of both widths: their states differ in the last step only.
static inline void sl_xxh3_update(XXH3_state_t *state, const void *bytes, size_t count) {
    XXH3_128bits_update(state, bytes, count);
}
