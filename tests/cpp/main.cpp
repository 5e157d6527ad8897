/* main.cpp - runs every test, or those whose names begin with an argument. */
#include "fixture.hpp"
#include "test.hpp"

#include <cstring>
#include <exception>

int main(int count, char **arguments)
{
    if (count < 3) {
        std::fprintf(stderr, "usage: %s PLUGINS VECTORS [TEST]...\n", arguments[0]);
        return 2;
    }
    fixture::plugins = arguments[1];
    fixture::vectors = arguments[2];
    int run = 0;
    for (const test::test_case *each = test::test_case::first; each != nullptr; each = each->next) {
        bool wanted = count == 3;
        for (int i = 3; i < count; i++)
            wanted |= std::strncmp(each->name, arguments[i], std::strlen(arguments[i])) == 0;
        if (!wanted)
            continue;
        run++;
        try {
            each->run();
        } catch (const std::exception &thrown) {
            std::fprintf(stderr, "%s: threw %s\n", each->name, thrown.what());
            test::failures++;
        }
    }
    std::printf("sogov.hpp: %d tests, %d failures\n", run, test::failures);
    return run > 0 && test::failures == 0 ? 0 : 1;
}
