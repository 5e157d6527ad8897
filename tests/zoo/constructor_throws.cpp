/* A constructor that throws, which ends the process (std::terminate): preflight refuses, the host is untouched. */
#include "zoo.h"

namespace {

struct Thrower {
    Thrower()
    {
        throw 1;
    }
} thrower;

} // namespace

EXPORT int answer()
{
    return ANSWER;
}
