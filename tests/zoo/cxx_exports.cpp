/* Exports, for want of a version script, a name that libstdc++ asks for: an operator new of its own, as counting or
 * pooling plugins have it. In a host without libstdc++ it comes first, libstdc++ is bound to it, and dlclose keeps the
 * image: PINNED(dependency), with the name of who holds it. */
#include "zoo.h"

#include <cstdlib>
#include <new>
#include <sstream>
#include <string>

void *operator new(std::size_t size)
{
    if (void *made = std::malloc(size == 0 ? 1 : size))
        return made;
    throw std::bad_alloc();
}

void operator delete(void *made) noexcept
{
    std::free(made);
}

void operator delete(void *made, std::size_t) noexcept
{
    std::free(made);
}

EXPORT int answer()
{
    std::ostringstream out;
    out << ANSWER;
    return std::stoi(out.str());
}
