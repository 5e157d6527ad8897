/*
 * sogov.hpp - sogov.h for C++17 and later: header-only, handles that free themselves, errors as values or exceptions.
 *
 *     auto engine = sogov::engine::open(options).value();
 *     auto fee = engine.service("fee").value();
 *     sogov::answer answer;
 *     if (auto done = fee.call("amount=1 currency=CNY", {"alice"}, answer); !done)
 *         complain(done.error().status(), done.error().what());
 *
 * What holds for all of it (docs/conventions.md has what holds for the library):
 *
 *  - Errors. A function that can fail returns a result<T>. Look at it (`if (!result)`, status(), error()), or call
 *    value(), which throws the error as a sogov::error. No other exception comes out of this header but std::bad_alloc
 *    and that of a caller's own update callback. With -fno-exceptions value() ends the process on an error instead;
 *    compile all of a program that includes this one way, as the linker keeps one copy of each inline function.
 *  - Handles (engine, service, lease, private_key, public_key, recipient, recipient_key, verifier, buffer, answer) can be moved and not copied. Any
 *    order of destruction is right: a service whose engine is gone answers SOGOV_STATUS_CLOSED, and a handle that was
 *    moved from SOGOV_STATUS_INVALID_ARGUMENT or, where it is a lease, SOGOV_STATUS_LEASE_GONE.
 *  - Threads. `const` member functions of a handle may be called on any number of threads at once. Moving, assigning,
 *    destroying and the other member functions want the object for themselves, as everywhere in C++.
 *  - What goes in is borrowed for the call, as std::string_view, byte_view or span; nothing of it is kept. What comes
 *    out is owned by the caller, but for the views that the comments call borrowed. Texts are UTF-8.
 *  - Callbacks are kept alive by the handle that they were given to. What they throw does not reach the library: the
 *    comment of each says what becomes of it.
 *  - Enumerations are those of sogov.h, whose comments hold: the type has a short name here, the enumerators have their
 *    own (SOGOV_STATUS_BUSY is a sogov::status).
 */
#ifndef SOGOV_HPP
#define SOGOV_HPP

#include "sogov/batch.hpp"
#include "sogov/engine.hpp"
#include "sogov/key.hpp"
#include "sogov/package.hpp"
#include "sogov/process.hpp"
#include "sogov/result.hpp"
#include "sogov/scheme.hpp"
#include "sogov/service.hpp"
#include "sogov/update.hpp"
#include "sogov/verifier.hpp"
#include "sogov/view.hpp"

#endif /* SOGOV_HPP */
