/*
 * JSON for gemma_session.hpp: nlohmann::json where the host has it, text where it has not.
 *
 * TURNKEEP_GEMMA_NLOHMANN set to 1 or 0 decides it before the header is included; all sources of a program must
 * decide alike. Values are written and read as text here in both cases, so both are the same JSON.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef TURNKEEP_GEMMA_SESSION_JSON_HPP
#define TURNKEEP_GEMMA_SESSION_JSON_HPP

#ifndef TURNKEEP_GEMMA_NLOHMANN
#if defined(__has_include)
#if __has_include(<nlohmann/json.hpp>)
#define TURNKEEP_GEMMA_NLOHMANN 1
#endif
#endif
#endif
#ifndef TURNKEEP_GEMMA_NLOHMANN
#define TURNKEEP_GEMMA_NLOHMANN 0
#endif

#if TURNKEEP_GEMMA_NLOHMANN
#include <nlohmann/json.hpp>
#endif

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <locale>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace gemma::session {

#if TURNKEEP_GEMMA_NLOHMANN

using json = nlohmann::json;

#else

/// A JSON value as text: a string that also answers dump(). "null" unless it is given another.
class json : public std::string {
    struct anything {
        template <typename Value>
        anything(const Value&) {}
    };

public:
    json() : std::string("null") {}
    json(std::string text) : std::string(std::move(text)) {}
    json(const char* text) : std::string(text) {}

    /// {{"name", value}} makes an object with nlohmann::json, and would make anything of a string.
    json(std::initializer_list<std::pair<anything, anything>>) = delete;

    /// Throws std::invalid_argument for what is not JSON.
    inline static json parse(std::string text);

    /// Is laid out as it was written: the indentation is nlohmann's to heed.
    std::string dump(int = -1) const { return *this; }
};

#endif

/// What gemma_session.hpp is made of; not for hosts.
namespace detail {

/// How many bytes the UTF-8 character at the front of a text has; 0 if it is none.
inline std::size_t utf8_length(std::string_view text) noexcept {
    const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
    const auto first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
    for (std::size_t index = 1; index < length; ++index) {
        if ((byte(index) & 0xC0) != 0x80) return 0;
    }
    const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
    const bool surrogate = first == 0xED && byte(1) > 0x9F;
    const bool too_large = first == 0xF4 && byte(1) > 0x8F;
    return overlong || surrogate || too_large ? 0 : length;
}

/// Appends a text as a JSON string. What is not UTF-8, as a path may be, becomes U+FFFD.
inline void quote(std::string& out, std::string_view text) {
    static constexpr char hex[] = "0123456789abcdef";
    out += '"';
    while (!text.empty()) {
        const auto byte = static_cast<unsigned char>(text.front());
        std::size_t length = 1;
        if (byte == '"' || byte == '\\') {
            out += '\\';
            out += text.front();
        } else if (byte == '\n') {
            out += "\\n";
        } else if (byte == '\t') {
            out += "\\t";
        } else if (byte < 0x20) {
            out.append("\\u00") += hex[byte >> 4];
            out += hex[byte & 15];
        } else if (const auto found = utf8_length(text); found != 0) {
            out.append(text, 0, found);
            length = found;
        } else {
            out += "\xEF\xBF\xBD";
        }
        text.remove_prefix(length);
    }
    out += '"';
}

/// Writes a JSON object, member by member.
class object_writer {
public:
    object_writer& text(std::string_view name, std::string_view value) {
        begin(name);
        quote(out_, value);
        return *this;
    }

    /// A value that is JSON already.
    object_writer& value(std::string_view name, std::string_view json_text) {
        begin(name);
        out_ += json_text;
        return *this;
    }

    object_writer& truth(std::string_view name, bool is) { return value(name, is ? "true" : "false"); }

    template <typename Number>
    object_writer& number(std::string_view name, Number number) {
        if constexpr (std::is_integral_v<Number>) return value(name, std::to_string(number));
        std::ostringstream digits; // the one way to write them that heeds no locale everywhere
        digits.imbue(std::locale::classic());
        digits.precision(std::numeric_limits<double>::max_digits10);
        digits << number;
        return value(name, digits.str());
    }

    std::string done() { return std::move(out_ += '}'); }

private:
    void begin(std::string_view name) {
        out_ += out_.empty() ? '{' : ',';
        quote(out_, name);
        out_ += ':';
    }

    std::string out_;
};

#if TURNKEEP_GEMMA_NLOHMANN

inline json to_value(std::string text) { return json::parse(text); }

inline std::string to_text(const json& value) {
    try {
        return value.dump();
    } catch (const json::exception& why) {
        throw std::invalid_argument(std::string{"a JSON value cannot be written: "} + why.what());
    }
}

#else

inline json to_value(std::string text) { return json(std::move(text)); }
inline std::string to_text(const json& value) { return value; }

#endif

/// A JSON value as it was read.
struct json_value {
    enum class kinds { null, truth, number, text, array, object };

    kinds kind = kinds::null;
    /// As it stands in the source.
    std::string_view raw{};
    /// Of a text: what it says.
    std::string text{};
    /// Of an array or an object: the values.
    std::vector<json_value> items{};
    /// Of an object: the names of the values.
    std::vector<std::string> names{};

    const json_value* find(std::string_view name) const noexcept {
        for (std::size_t index = 0; index < names.size(); ++index) {
            if (names[index] == name) return &items[index];
        }
        return nullptr;
    }
};

/// Reads a JSON text as RFC 8259 has it, and refuses what is not: names that come twice, half a surrogate pair, nesting
/// of 128 levels, texts that are not UTF-8, anything behind the value. The values borrow from the text.
class json_reader {
public:
    explicit json_reader(std::string_view source) : source_(source) {}

    json_value read() {
        auto value = read_value();
        skip_blanks();
        if (at_ != source_.size()) refuse("there is something behind the value");
        return value;
    }

private:
    static constexpr std::size_t max_depth = 127;

    [[noreturn]] void refuse(const char* what) const {
        throw std::invalid_argument("byte " + std::to_string(at_) + " of the JSON: " + what);
    }

    char peek() const noexcept { return at_ < source_.size() ? source_[at_] : '\0'; }

    bool take(char wanted) noexcept {
        if (at_ >= source_.size() || source_[at_] != wanted) return false;
        ++at_;
        return true;
    }

    void skip_blanks() noexcept {
        while (at_ < source_.size() && (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r')) ++at_;
    }

    json_value read_value() {
        skip_blanks();
        const auto begin = at_;
        json_value value;
        switch (peek()) {
        case '{': read_object(value); break;
        case '[': read_array(value); break;
        case '"':
            value.kind = json_value::kinds::text;
            value.text = read_text();
            break;
        case 't': read_word("true", value, json_value::kinds::truth); break;
        case 'f': read_word("false", value, json_value::kinds::truth); break;
        case 'n': read_word("null", value, json_value::kinds::null); break;
        default: value.kind = json_value::kinds::number; read_number();
        }
        value.raw = source_.substr(begin, at_ - begin);
        return value;
    }

    void read_word(std::string_view word, json_value& value, json_value::kinds kind) {
        if (source_.substr(at_, word.size()) != word) refuse("this is no value");
        at_ += word.size();
        value.kind = kind;
    }

    void enter() {
        if (++depth_ > max_depth) refuse("values are nested too deep");
        ++at_;
    }

    void read_array(json_value& value) {
        value.kind = json_value::kinds::array;
        enter();
        skip_blanks();
        if (!take(']')) {
            do {
                value.items.push_back(read_value());
                skip_blanks();
            } while (take(','));
            if (!take(']')) refuse("an array goes on with a comma or ends with a bracket");
        }
        --depth_;
    }

    void read_object(json_value& value) {
        value.kind = json_value::kinds::object;
        enter();
        skip_blanks();
        if (!take('}')) {
            do {
                skip_blanks();
                if (peek() != '"') refuse("a name in quotes is missing");
                auto name = read_text();
                if (value.find(name)) refuse("the name before this place comes twice");
                skip_blanks();
                if (!take(':')) refuse("a colon is missing");
                value.names.push_back(std::move(name));
                value.items.push_back(read_value());
                skip_blanks();
            } while (take(','));
            if (!take('}')) refuse("an object goes on with a comma or ends with a brace");
        }
        --depth_;
    }

    std::size_t take_digits() noexcept {
        const auto begin = at_;
        while (peek() >= '0' && peek() <= '9') ++at_;
        return at_ - begin;
    }

    void read_number() {
        take('-');
        const bool zero = peek() == '0';
        const auto whole = take_digits();
        if (whole == 0) refuse("this is no value");
        if (zero && whole > 1) refuse("a number begins with 0");
        if (take('.') && take_digits() == 0) refuse("a number ends with its point");
        if (take('e') || take('E')) {
            if (!take('+')) take('-');
            if (take_digits() == 0) refuse("a number ends with its e");
        }
    }

    std::string read_text() {
        std::string text;
        ++at_;
        while (!take('"')) {
            if (at_ >= source_.size()) refuse("a text has no end");
            if (static_cast<unsigned char>(peek()) < 0x20) refuse("a text has a control character");
            if (take('\\')) {
                read_escape(text);
            } else {
                const auto length = utf8_length(source_.substr(at_));
                if (length == 0) refuse("a text is not UTF-8");
                text.append(source_, at_, length);
                at_ += length;
            }
        }
        return text;
    }

    void read_escape(std::string& text) {
        static constexpr std::string_view letters = "\"\\/bfnrt";
        static constexpr std::string_view meant = "\"\\/\b\f\n\r\t";
        if (take('u')) return write_utf8(text, read_code_point());
        const auto which = at_ < source_.size() ? letters.find(peek()) : letters.npos;
        if (which == letters.npos) refuse("there is no such escape");
        text += meant[which];
        ++at_;
    }

    std::uint32_t read_code_point() {
        const auto first = read_four_hex_digits();
        if (first < 0xD800 || first > 0xDFFF) return first;
        if (first > 0xDBFF || !take('\\') || !take('u')) refuse("this is half a surrogate pair");
        const auto second = read_four_hex_digits();
        if (second < 0xDC00 || second > 0xDFFF) refuse("this is half a surrogate pair");
        return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    }

    std::uint32_t read_four_hex_digits() {
        const auto digits = source_.substr(at_, 4);
        std::uint32_t code = 0;
        const auto end = digits.data() + digits.size();
        if (digits.size() < 4 || std::from_chars(digits.data(), end, code, 16).ptr != end) {
            refuse("four hexadecimal digits are missing");
        }
        at_ += 4;
        return code;
    }

    static void write_utf8(std::string& text, std::uint32_t code) {
        const auto put = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
        if (code < 0x80) return put(code);
        if (code < 0x800) {
            put(0xC0 | (code >> 6));
        } else {
            if (code < 0x10000) {
                put(0xE0 | (code >> 12));
            } else {
                put(0xF0 | (code >> 18));
                put(0x80 | ((code >> 12) & 0x3F));
            }
            put(0x80 | ((code >> 6) & 0x3F));
        }
        put(0x80 | (code & 0x3F));
    }

    std::string_view source_;
    std::size_t at_ = 0;
    std::size_t depth_ = 0;
};

/// The member of an object that must be there, and of that kind.
inline const json_value& member(const json_value& object, std::string_view name, json_value::kinds kind) {
    const auto* found = object.find(name);
    if (!found || found->kind != kind) {
        throw std::invalid_argument("\"" + std::string{name} +
                                    (found ? "\" is not of the kind that it must be" : "\" is missing"));
    }
    return *found;
}

/// The member of an object that must be a whole number of a type's range.
template <typename Integer>
Integer integer(const json_value& object, std::string_view name) {
    const auto digits = member(object, name, json_value::kinds::number).raw;
    Integer number{};
    const auto end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, number);
    if (read.ec != std::errc{} || read.ptr != end) {
        throw std::invalid_argument("\"" + std::string{name} + "\" is " + std::string{digits} +
                                    ", and not a whole number that is kept");
    }
    return number;
}

} // namespace detail

#if !TURNKEEP_GEMMA_NLOHMANN

inline json json::parse(std::string text) {
    detail::json_reader{text}.read();
    return json(std::move(text));
}

#endif

} // namespace gemma::session

#endif
