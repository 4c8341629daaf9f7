// SHA-256 as libcrypto (OpenSSL) computes it. The library is opened when a job asks for it and not before: a program
// that has no use for it starts without it, and also where it is not installed.

#ifndef CSHA256_H
#define CSHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A running digest.
typedef struct sl_sha256 sl_sha256;

/// Whether there is a library that computes it right. The first call opens it; any thread.
bool sl_sha256_is_here(void);

/// NULL where there is no library, or no memory.
sl_sha256 *sl_sha256_make(void);
void sl_sha256_free(sl_sha256 *digest);

/// False where the library fails; what comes out afterwards is of no use.
bool sl_sha256_update(sl_sha256 *digest, const void *bytes, size_t count);

/// Of everything taken so far; taking goes on afterwards.
bool sl_sha256_result(const sl_sha256 *digest, uint8_t result[32]);

#endif
