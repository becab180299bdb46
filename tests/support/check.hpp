// The few lines that the C++ tests need instead of a framework: checks that say what failed, and a list of tests to run.
//
// A test is a function named as a sentence. A check that fails ends its test; the others still run.

#ifndef TURNKEEP_TESTS_CHECK_HPP
#define TURNKEEP_TESTS_CHECK_HPP

#include <turnkeep/turnkeep.hpp>

#include <exception>
#include <initializer_list>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace check {

struct failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

[[noreturn]] inline void fail(const char* file, int line, const std::string& what) {
    throw failure{std::string{file} + ":" + std::to_string(line) + ": " + what};
}

template <typename One, typename Other>
void equal(const char* file, int line, const char* expression, const One& one, const Other& other) {
    if (one == other) return;
    std::ostringstream what;
    what << expression << ": '" << one << "' is not '" << other << "'";
    fail(file, line, what.str());
}

template <typename Call>
void throws(const char* file, int line, const char* expression, turnkeep::status expected, Call&& call) {
    try {
        call();
    } catch (const turnkeep::error& error) {
        if (error.status() == expected) return;
        fail(file, line,
             std::string{expression} + ": failed with " + std::string{status_name(error.status())} + " instead of " +
                 std::string{status_name(expected)} + ": " + error.what());
    }
    fail(file, line, std::string{expression} + ": did not fail with " + std::string{status_name(expected)});
}

struct test {
    const char* name;
    void (*run)();
};

/// Runs all of them. Returns what main returns.
inline int run(std::initializer_list<test> tests) {
    int failed = 0;
    for (const auto& test : tests) {
        try {
            test.run();
            std::cout << "ok      " << test.name << std::endl;
        } catch (const std::exception& error) {
            ++failed;
            std::cout << "FAILED  " << test.name << "\n        " << error.what() << std::endl;
        }
    }
    std::cout << tests.size() - static_cast<std::size_t>(failed) << " of " << tests.size() << " tests passed\n";
    return failed == 0 ? 0 : 1;
}

} // namespace check

#define CHECK(condition)                                               \
    do {                                                               \
        if (!(condition)) check::fail(__FILE__, __LINE__, #condition); \
    } while (false)

#define CHECK_EQUAL(one, other) check::equal(__FILE__, __LINE__, #one " == " #other, one, other)

/// Checks that an expression throws a turnkeep::error with this status.
#define CHECK_THROWS(expected, expression) \
    check::throws(__FILE__, __LINE__, #expression, turnkeep::status::expected, [&] { (void)(expression); })

#define TEST(function) \
    { #function, function }

#endif
