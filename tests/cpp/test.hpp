/* test.hpp - a test is a function that registers itself; main.cpp runs them. */
#ifndef TEST_HPP
#define TEST_HPP

#include <cstdio>

namespace test {

struct test_case {
    const char *name;
    void (*run)();
    test_case *next;

    test_case(const char *its_name, void (*body)()) : name(its_name), run(body), next(first) { first = this; }
    inline static test_case *first = nullptr;
};

inline int failures = 0;

inline bool check(bool holds, const char *file, int line, const char *what)
{
    if (!holds) {
        failures++;
        std::fprintf(stderr, "%s:%d: %s\n", file, line, what);
    }
    return holds;
}

} // namespace test

#define TEST(name)                                                                                                     \
    static void name();                                                                                                \
    static test::test_case name##_case(#name, name);                                                                   \
    static void name()

#define CHECK(...) test::check((__VA_ARGS__), __FILE__, __LINE__, #__VA_ARGS__)

#endif /* TEST_HPP */
