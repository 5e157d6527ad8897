// The same in C++; the C++ header is compiled with it where the package has one.
#if __has_include(<sogov.hpp>)
#include <sogov.hpp>
#endif
#include "host.c"
