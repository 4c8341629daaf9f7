// TOML, read by toml++ and told piece by piece. No exception leaves, whatever the text holds.

#ifndef CTOML_H
#define CTOML_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    sl_toml_string = 1, sl_toml_integer = 2, sl_toml_boolean = 3,
    /// A float, a date or a time: `text` says which.
    sl_toml_other = 4,
    /// Everything up to the matching end belongs to it.
    sl_toml_array = 5, sl_toml_table = 6, sl_toml_end = 7
};

struct sl_toml_piece {
    int kind;
    /// UTF-8, not terminated; NULL in an array and at an end.
    const char *key;
    size_t key_length;
    /// A string's bytes.
    const char *text;
    size_t text_length;
    /// An integer's or a boolean's value.
    int64_t number;
    /// Where it stands: the key where there is one. From 1; 0 where unknown.
    uint32_t line, column;
};

typedef void (*sl_toml_visitor)(void *context, const struct sl_toml_piece *piece);

/// Tells the document's pieces in order, the whole document as one table without a key. Keys of a table come sorted.
/// 0, or 1 with the reason (cut to fit, terminated) and its place; nothing has been told then.
int sl_toml_read(const char *text, size_t length, sl_toml_visitor visit, void *context, char *reason,
                 size_t reason_size, uint32_t *line, uint32_t *column);

#ifdef __cplusplus
}
#endif

#endif
