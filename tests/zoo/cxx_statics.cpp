/* C++ statics and exceptions that stay inside, no hazard: two versions share nothing; unmapped. */
#include "zoo.h"

#include <map>
#include <stdexcept>
#include <string>

namespace {

std::map<std::string, int> &counters()
{
    static std::map<std::string, int> counters{{"calls", 0}};
    return counters;
}

int parse(const std::string &text)
{
    if (text.empty())
        throw std::invalid_argument("empty");
    return std::stoi(text);
}

} // namespace

EXPORT int answer()
{
    try {
        return parse("");
    } catch (const std::invalid_argument &) {
        return ANSWER;
    }
}

EXPORT int count()
{
    return ++counters()["calls"];
}
