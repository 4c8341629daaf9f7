// See CTOML.h.

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_WINDOWS_COMPAT 0
#include <toml++/toml.h>

#include "CTOML.h"

#include <cstdio>
#include <string_view>

namespace {

struct Teller {
    sl_toml_visitor visit;
    void *context;

    // The parser bounds how deep values are nested, and with that this recursion.
    void tell(const toml::node &node, const toml::key *key) const {
        sl_toml_piece piece = {};
        if (key) {
            piece.key = key->data();
            piece.key_length = key->length();
        }
        const toml::source_region &place = key ? key->source() : node.source();
        piece.line = place.begin.line;
        piece.column = place.begin.column;
        switch (node.type()) {
        case toml::node_type::string: {
            const std::string &text = node.as_string()->get();
            piece.kind = sl_toml_string;
            piece.text = text.data();
            piece.text_length = text.size();
            visit(context, &piece);
            return;
        }
        case toml::node_type::integer:
            piece.kind = sl_toml_integer;
            piece.number = node.as_integer()->get();
            visit(context, &piece);
            return;
        case toml::node_type::boolean:
            piece.kind = sl_toml_boolean;
            piece.number = node.as_boolean()->get() ? 1 : 0;
            visit(context, &piece);
            return;
        case toml::node_type::array: {
            piece.kind = sl_toml_array;
            visit(context, &piece);
            for (const toml::node &element : *node.as_array()) tell(element, nullptr);
            end();
            return;
        }
        case toml::node_type::table: {
            piece.kind = sl_toml_table;
            visit(context, &piece);
            for (const auto &[name, value] : *node.as_table()) tell(value, &name);
            end();
            return;
        }
        default: {
            std::string_view text = node.is_floating_point() ? "a number with a point" : "a date or time";
            piece.kind = sl_toml_other;
            piece.text = text.data();
            piece.text_length = text.size();
            visit(context, &piece);
            return;
        }
        }
    }

    void end() const {
        sl_toml_piece piece = {};
        piece.kind = sl_toml_end;
        visit(context, &piece);
    }
};

}  // namespace

extern "C" int sl_toml_read(const char *text, size_t length, sl_toml_visitor visit, void *context, char *reason,
                            size_t reason_size, uint32_t *line, uint32_t *column) {
    *line = *column = 0;
    try {
        toml::parse_result result = toml::parse(std::string_view(text, length));
        if (result) {
            Teller{visit, context}.tell(result.table(), nullptr);
            return 0;
        }
        const toml::parse_error &error = result.error();
        std::string_view words = error.description();
        std::snprintf(reason, reason_size, "%.*s", static_cast<int>(words.size()), words.data());
        *line = error.source().begin.line;
        *column = error.source().begin.column;
    } catch (...) {
        std::snprintf(reason, reason_size, "out of memory");
    }
    return 1;
}
