// The JSON reader of chat_host: it takes what RFC 8259 allows, keeps it as it was written, and refuses the rest by name.

#include "../../cpp_examples/json_lines.hpp"
#include "../support/check.hpp"

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

/// What a text is refused with; empty if it is taken.
std::string refusal_of(std::string_view text) {
    try {
        json::reader in{text};
        in.raw();
        in.end();
        return {};
    } catch (const json::error& error) {
        return error.what();
    }
}

std::string string_of(std::string_view text) { return json::reader{text}.string(); }

void what_the_standard_allows_is_taken() {
    for (const auto text : {"{}"sv, "[]"sv, " [ 1 , -0.5e+10 , 0 ] "sv, R"({"a": {"b": [true, false, null]}})"sv,
                            R"("\u00e9\n")"sv, "\"\xF0\x9F\x98\x80\""sv, "1E5"sv, "\t\r\n1"sv}) {
        CHECK_EQUAL(refusal_of(text), "");
    }
}

void what_it_does_not_allow_is_refused() {
    for (const auto text :
         {""sv,          " "sv,           "{"sv,      "["sv,     "[1,]"sv,    "{\"a\"}"sv,  "{\"a\":}"sv,
          "{a: 1}"sv,    "{\"a\": 1,}"sv, "01"sv,     "1."sv,    ".5"sv,      "+1"sv,       "-"sv,
          "1e"sv,        "NaN"sv,         "tru"sv,    "nulll"sv, "[1] [2]"sv, "\"a"sv,      "\"\\x\""sv,
          "\"\\u12\""sv, "'a'"sv,         "\"\n\""sv, "[1 2]"sv, "]"sv,       "// no\n1"sv, "\xEF\xBB\xBF{}"sv,
          "1\0"sv,       "\0"sv,          "\"\\"sv,   "\"\\u"sv}) {
        CHECK(!refusal_of(text).empty());
    }
}

void escapes_are_resolved() {
    CHECK_EQUAL(string_of(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
    CHECK_EQUAL(string_of(R"("\u0041\u00e9\u20AC")"), "A\xC3\xA9\xE2\x82\xAC");
    CHECK_EQUAL(string_of(R"("a\u0000b")"), "a\0b"s);
    CHECK_EQUAL(string_of(R"("\ud83d\ude00")"), "\xF0\x9F\x98\x80");
    CHECK_EQUAL(string_of(R"("\uDBFF\uDFFF")"), "\xF4\x8F\xBF\xBF");
}

void half_a_surrogate_pair_is_refused() {
    for (const auto text : {R"("\ud83d")"sv, R"("\ude00")"sv, R"("\ud83d\u0041")"sv, R"("\ud83dx")"sv}) {
        CHECK_EQUAL(refusal_of(text), "byte 2: half of a surrogate pair is no character");
    }
}

void text_that_is_not_utf8_is_refused() {
    // A middle without a beginning, a cut character, overlong forms, a surrogate, beyond U+10FFFF.
    for (const auto text : {"\"\x80\""sv, "\"\xE2\x82\""sv, "\"\xC0\x80\""sv, "\"\xE0\x80\x80\""sv,
                            "\"\xF0\x8F\xBF\xBF\""sv, "\"\xED\xA0\x80\""sv, "\"\xF4\x90\x80\x80\""sv, "\"\xFF\""sv}) {
        CHECK_EQUAL(refusal_of(text), "byte 2: the text is not UTF-8");
    }
}

void nesting_ends_somewhere() {
    CHECK_EQUAL(refusal_of(std::string(64, '[') + std::string(64, ']')), "");
    CHECK_EQUAL(refusal_of(std::string(65, '[') + std::string(65, ']')), "byte 65: nested deeper than 64");
    CHECK(!refusal_of(std::string(1'000'000, '[')).empty());
}

void a_key_that_comes_twice_is_refused() {
    CHECK_EQUAL(refusal_of(R"({"a": 1, "b": {"a": 1}, "\u0061": 2})"), "byte 25: the key \"a\" comes twice");
}

void a_value_can_be_had_as_it_is_written() {
    const auto text = R"({"calls":  [ {"id" : "\u0061", "n": 1.50} ] , "more": 1})"sv;
    std::vector<std::string> raw;
    json::reader in{text};
    in.object([&](const std::string&) { raw.emplace_back(in.raw()); });
    in.end();
    CHECK_EQUAL(raw.size(), 2u);
    CHECK_EQUAL(raw[0], R"([ {"id" : "\u0061", "n": 1.50} ])");
    CHECK_EQUAL(raw[1], "1");
}

void a_null_is_told_from_other_values() {
    json::reader null{" null"};
    CHECK(null.null());
    null.end();
    json::reader string{"\"null\""};
    CHECK(!string.null());
    CHECK_EQUAL(string.string(), "null");
}

void an_error_names_the_byte_and_what_was_expected() {
    CHECK_EQUAL(refusal_of(R"({"a" 1})"), "byte 6: a colon was expected");
    CHECK_EQUAL(refusal_of(R"({"a": 1)"), "byte 8: a comma or } was expected");
    CHECK_EQUAL(refusal_of("[1, x]"), "byte 5: a value was expected");
    CHECK_EQUAL(refusal_of("[1.x]"), "byte 2: no number is written like that");
    CHECK_EQUAL(refusal_of("1 2"), "byte 3: something follows the value");
}

} // namespace

int main() {
    return check::run({
        TEST(what_the_standard_allows_is_taken),
        TEST(what_it_does_not_allow_is_refused),
        TEST(escapes_are_resolved),
        TEST(half_a_surrogate_pair_is_refused),
        TEST(text_that_is_not_utf8_is_refused),
        TEST(nesting_ends_somewhere),
        TEST(a_key_that_comes_twice_is_refused),
        TEST(a_value_can_be_had_as_it_is_written),
        TEST(a_null_is_told_from_other_values),
        TEST(an_error_names_the_byte_and_what_was_expected),
    });
}
