/* result.hpp - what a function answers that can fail: a value, or an error to look at or to throw. */
#ifndef SOGOV_RESULT_HPP
#define SOGOV_RESULT_HPP

#include "../sogov.h"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <variant>

#if defined(__cpp_exceptions)
#define SOGOV_HPP_EXCEPTIONS 1
#else
#define SOGOV_HPP_EXCEPTIONS 0
#endif

namespace sogov {

/// What became of a call: SOGOV_STATUS_OK, or a code of one of the families of sogov.h.
using status = sogov_status;

/// Why a call failed. Copies share the message.
class error : public std::runtime_error {
public:
    error(sogov::status status, const char *message) : std::runtime_error(message), status_(status) {}

    /// The code; never SOGOV_STATUS_OK. Treat one that is not known by its hundreds: new codes may join a family.
    sogov::status status() const noexcept { return status_; }

    /// The code's name as it stands in sogov.h, such as "SOGOV_STATUS_UNSIGNED".
    const char *name() const noexcept { return sogov_status_name(static_cast<std::int32_t>(status_)); }

    // what() is the message: one line of UTF-8 that names the thing, what was expected and what was found.

private:
    sogov::status status_;
};

/// Throws the error; without exceptions, ends the process.
[[noreturn]] inline void raise(const error &failure)
{
#if SOGOV_HPP_EXCEPTIONS
    throw failure;
#else
    (void)failure;
    std::abort();
#endif
}

/// A T, or the reason why there is none.
template <class T> class [[nodiscard]] result {
public:
    result(T made) : state_(std::in_place_index<0>, std::move(made)) {}
    result(sogov::error failure) : state_(std::in_place_index<1>, std::move(failure)) {}

    /// Whether there is a value.
    bool has_value() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    /// SOGOV_STATUS_OK, or the error's code.
    sogov::status status() const noexcept { return has_value() ? SOGOV_STATUS_OK : failure()->status(); }

    /// The value; throws the error where there is none. That of a temporary result is moved out, so that it lives on
    /// where it is bound to a reference or looped over.
    T &value() & { return *checked(*this); }
    const T &value() const & { return *checked(*this); }
    T value() && { return std::move(*checked(*this)); }

    /// The same as value().
    T &operator*() & { return value(); }
    const T &operator*() const & { return value(); }
    T operator*() && { return std::move(*this).value(); }
    T *operator->() & { return &value(); }
    const T *operator->() const & { return &value(); }
    /// Not of a temporary result: a symbol of `service.route()->symbol<T>("x")` would outlive its lease.
    const T *operator->() const && = delete;

    /// The error. There must be one: look before.
    const sogov::error &error() const & { return *failure(); }
    sogov::error error() && { return *failure(); }

private:
    template <class Self> static auto checked(Self &self)
    {
        if (!self.has_value())
            raise(*self.failure());
        return std::get_if<0>(&self.state_);
    }
    const sogov::error *failure() const noexcept { return std::get_if<1>(&state_); }

    std::variant<T, sogov::error> state_;
};

/// Success, or the reason why there was none.
template <> class [[nodiscard]] result<void> {
public:
    result() noexcept = default;
    result(sogov::error failure) : failure_(std::move(failure)) {}

    /// Whether the call did what it says.
    bool has_value() const noexcept { return !failure_; }
    explicit operator bool() const noexcept { return has_value(); }

    /// SOGOV_STATUS_OK, or the error's code.
    sogov::status status() const noexcept { return failure_ ? failure_->status() : SOGOV_STATUS_OK; }

    /// Throws the error if there is one.
    void value() const
    {
        if (failure_)
            raise(*failure_);
    }

    /// The error. There must be one: look before.
    const sogov::error &error() const & { return *failure_; }
    sogov::error error() && { return *failure_; }

private:
    std::optional<sogov::error> failure_;
};

/// For this header's own use.
namespace detail {

struct error_free {
    void operator()(sogov_error *error) const noexcept { sogov_error_free(error); }
};

/// Out of line and marked as rare, so that a call that succeeds pays for none of it.
[[gnu::cold, gnu::noinline]] inline error failure(status code, sogov_error *owned)
{
    const std::unique_ptr<sogov_error, error_free> guard(owned);
    return error(code, sogov_error_message(owned));
}

/// Makes a call of the library, which takes a `sogov_error **`.
template <class Call> [[gnu::always_inline]] inline result<void> run(Call &&call)
{
    sogov_error *details = nullptr;
    const status code = call(&details);
    if (code == SOGOV_STATUS_OK)
        return {};
    return failure(code, details);
}

/// The same; `make` gives what is answered on success.
template <class Call, class Make>
[[gnu::always_inline]] inline auto run(Call &&call, Make &&make) -> result<decltype(make())>
{
    sogov_error *details = nullptr;
    const status code = call(&details);
    if (code == SOGOV_STATUS_OK)
        return make();
    return failure(code, details);
}

/// Runs a callback for the library, into which nothing may be thrown. What is thrown is dropped.
template <class Callback> void contain(Callback &&callback) noexcept
{
#if SOGOV_HPP_EXCEPTIONS
    try {
        callback();
    } catch (...) { // No caller is left to whom it could be told.
    }
#else
    callback();
#endif
}

} // namespace detail
} // namespace sogov

#endif /* SOGOV_RESULT_HPP */
