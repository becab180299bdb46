// Reads JSON strictly (RFC 8259), a value at a time: what chat_host needs of it, and no more.
//
// A reader walks over one text, such as a line of a .jsonl file. You say what you expect next; whatever else stands
// there is an error that names the byte. Nothing is built that you did not ask for, and the text of any value can be had
// as it was written, which is how tool calls stay the same byte for byte.

#ifndef JSON_LINES_HPP
#define JSON_LINES_HPP

#include <cstddef>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>

namespace json {

/// What is wrong with a text, and at which byte (the first is 1).
class error : public std::runtime_error {
public:
    error(std::size_t at, const std::string& what)
        : std::runtime_error("byte " + std::to_string(at + 1) + ": " + what) {}
};

class reader {
public:
    explicit reader(std::string_view text) : text_(text) { check_utf8(); }

    /// Reads an object. Calls member(key) for each of its members, which must read the value.
    /// A key that comes twice is refused: two readers would take two different values.
    template <typename Member>
    void object(Member&& member) {
        std::set<std::string> keys;
        list('{', '}', "an object", [&] {
            const auto at = position();
            const auto [key, is_new] = keys.insert(string());
            if (!is_new) throw error{at, "the key \"" + *key + "\" comes twice"};
            expect(':', "a colon");
            member(*key);
        });
    }

    /// Reads an array. Calls element() for each of its elements, which must read it.
    template <typename Element>
    void array(Element&& element) {
        list('[', ']', "an array", element);
    }

    /// Reads a string and resolves its escapes.
    std::string string() {
        expect('"', "a string");
        std::string out;
        for (;;) {
            const auto start = at_;
            while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' && !is_control(text_[at_])) ++at_;
            out.append(text_, start, at_ - start);
            if (at_ == text_.size()) throw error{at_, "the string does not end"};
            if (is_control(text_[at_])) throw error{at_, "a control character in a string must be escaped"};
            if (text_[at_++] == '"') return out;
            escape(out);
        }
    }

    /// Reads a null if one is next.
    bool null() {
        const bool is_next = text_.compare(position(), 4, "null") == 0;
        if (is_next) literal("null");
        return is_next;
    }

    /// Reads any value, and returns it as it is written.
    std::string_view raw() {
        const auto start = position();
        switch (peek()) {
        case '{': object([this](const std::string&) { raw(); }); break;
        case '[': array([this] { raw(); }); break;
        case '"': string(); break;
        case 't': literal("true"); break;
        case 'f': literal("false"); break;
        case 'n': literal("null"); break;
        default: number();
        }
        return since(start);
    }

    /// What was read since a position, as it is written.
    std::string_view since(std::size_t start) const { return text_.substr(start, at_ - start); }

    /// Where the next value begins.
    std::size_t position() {
        while (at_ < text_.size() && is_space(text_[at_])) ++at_;
        return at_;
    }

    /// Nothing may follow.
    void end() {
        if (position() != text_.size()) throw error{at_, "something follows the value"};
    }

private:
    static constexpr int most_levels = 64;

    static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
    static bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20; }
    static bool is_digit(char c) { return c >= '0' && c <= '9'; }

    /// The next character that is no space, or a NUL at the end.
    char peek() { return position() < text_.size() ? text_[at_] : '\0'; }

    bool take(char c) {
        const bool is_next = at_ < text_.size() && text_[at_] == c;
        if (is_next) ++at_;
        return is_next;
    }

    void expect(char c, const char* what) {
        position();
        if (!take(c)) throw error{at_, std::string{what} + " was expected"};
    }

    template <typename Item>
    void list(char open, char close, const char* what, Item&& item) {
        expect(open, what);
        if (++level_ > most_levels) throw error{at_ - 1, "nested deeper than " + std::to_string(most_levels)};
        if (peek() != close) {
            do item();
            while (peek() == ',' && take(','));
        }
        expect(close, close == '}' ? "a comma or }" : "a comma or ]");
        --level_;
    }

    void literal(std::string_view word) {
        if (text_.compare(at_, word.size(), word) != 0) throw error{at_, "a value was expected"};
        at_ += word.size();
    }

    void number() {
        const auto start = at_;
        take('-');
        if (!take('0')) digits(start);
        if (take('.')) digits(start);
        if (take('e') || take('E')) {
            if (!take('+')) take('-');
            digits(start);
        }
    }

    void digits(std::size_t start) {
        if (at_ == text_.size() || !is_digit(text_[at_])) {
            throw error{start, at_ == start ? "a value was expected" : "no number is written like that"};
        }
        while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    }

    void escape(std::string& out) {
        const auto start = at_ - 1;
        switch (at_ < text_.size() ? text_[at_++] : '\0') {
        case '"': out += '"'; break;
        case '\\': out += '\\'; break;
        case '/': out += '/'; break;
        case 'b': out += '\b'; break;
        case 'f': out += '\f'; break;
        case 'n': out += '\n'; break;
        case 'r': out += '\r'; break;
        case 't': out += '\t'; break;
        case 'u': append_utf8(out, code_point(start)); break;
        default: throw error{start, "there is no such escape"};
        }
    }

    /// What follows \u: four digits, or two times four for a character beyond U+FFFF.
    std::uint32_t code_point(std::size_t start) {
        const auto high = four_hex_digits(start);
        if (high < 0xD800 || high > 0xDFFF) return high;
        if (high < 0xDC00 && take('\\') && take('u')) {
            const auto low = four_hex_digits(start);
            if (low >= 0xDC00 && low <= 0xDFFF) return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
        }
        throw error{start, "half of a surrogate pair is no character"};
    }

    std::uint32_t four_hex_digits(std::size_t start) {
        std::uint32_t value = 0;
        for (int i = 0; i < 4; ++i, ++at_) {
            const char c = at_ < text_.size() ? text_[at_] : '\0';
            const auto digit = is_digit(c)            ? c - '0'
                               : c >= 'a' && c <= 'f' ? c - 'a' + 10
                               : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                      : -1;
            if (digit < 0) throw error{start, "\\u needs four hexadecimal digits"};
            value = value * 16 + static_cast<std::uint32_t>(digit);
        }
        return value;
    }

    static void append_utf8(std::string& out, std::uint32_t c) {
        const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
        if (c < 0x80) return put(c);
        if (c < 0x800) {
            put(0xC0 | (c >> 6));
        } else if (c < 0x10000) {
            put(0xE0 | (c >> 12));
            put(0x80 | (c >> 6 & 0x3F));
        } else {
            put(0xF0 | (c >> 18));
            put(0x80 | (c >> 12 & 0x3F));
            put(0x80 | (c >> 6 & 0x3F));
        }
        put(0x80 | (c & 0x3F));
    }

    /// Refuses what is not UTF-8: cut characters, overlong forms, surrogates, what lies beyond U+10FFFF.
    void check_utf8() const {
        for (std::size_t at = 0; at < text_.size();) {
            const auto size = character_size(at);
            if (size == 0) throw error{at, "the text is not UTF-8"};
            at += size;
        }
    }

    /// How many bytes the character at `at` has; 0 if it is none.
    std::size_t character_size(std::size_t at) const {
        const auto byte = [this](std::size_t i) {
            return i < text_.size() ? static_cast<unsigned char>(text_[i]) : std::uint32_t{0};
        };
        const auto first = byte(at);
        if (first < 0x80) return 1;
        const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
        std::uint32_t c = first & (0x7Fu >> size);
        for (std::size_t i = 1; i < size; ++i) {
            if ((byte(at + i) & 0xC0) != 0x80) return 0;
            c = c << 6 | (byte(at + i) & 0x3F);
        }
        const std::uint32_t smallest = size == 4 ? 0x10000 : size == 3 ? 0x800 : 0x80;
        const bool is_surrogate = c >= 0xD800 && c <= 0xDFFF;
        return first >= 0xC2 && first <= 0xF4 && c >= smallest && c <= 0x10FFFF && !is_surrogate ? size : 0;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    int level_ = 0;
};

} // namespace json

#endif
