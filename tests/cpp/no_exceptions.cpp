/* no_exceptions.cpp - a program that is compiled with -fno-exceptions and -fno-rtti: errors are values. With an argument
 * it asks for a value that there is none of, and has to end by abort(). */
#include <sogov.hpp>

#include <cstdio>

int main(int count, char **)
{
    const auto key = sogov::private_key::generate();
    if (!key)
        return 1;
    const auto signature = key->sign("payment");
    if (!signature || !key->verify("payment", *signature))
        return 1;
    const auto wrong = key->verify("Payment", *signature);
    if (wrong.status() != SOGOV_STATUS_SIGNATURE_INVALID || wrong.error().what()[0] == '\0')
        return 1;
    if (count > 1)
        wrong.value();
    std::puts("sogov.hpp without exceptions: errors are values");
    return 0;
}
