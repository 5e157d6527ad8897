/* view.hpp - what goes in and comes out: borrowed bytes and arrays, and the buffer that the library fills. */
#ifndef SOGOV_VIEW_HPP
#define SOGOV_VIEW_HPP

#include "../sogov.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <type_traits>
#include <utility>

namespace sogov {

namespace detail {

template <class T> using data_of = std::remove_pointer_t<decltype(std::data(std::declval<T &>()))>;

template <class T>
inline constexpr bool is_byte = std::is_same_v<std::remove_cv_t<T>, char> ||
                                std::is_same_v<std::remove_cv_t<T>, unsigned char> ||
                                std::is_same_v<std::remove_cv_t<T>, std::byte>;

// An array of char is a text: its terminator, and what stands behind that, are not meant.
template <class T>
inline constexpr bool is_text_array = std::is_array_v<T> && std::is_same_v<std::remove_cv_t<std::remove_extent_t<T>>, char>;

} // namespace detail

/// Borrowed elements that lie side by side, as std::span of C++20. A temporary container is not taken: it would be gone
/// before it is used where the view is kept.
template <class T> class span {
public:
    constexpr span() noexcept = default;
    constexpr span(T *data, std::size_t size) noexcept : data_(data), size_(size) {}
    /// An array, or a container with data() and size(), of T itself.
    template <class Container,
              class = std::enable_if_t<std::is_convertible_v<detail::data_of<Container> (*)[], T (*)[]>>>
    constexpr span(Container &container) noexcept : data_(std::data(container)), size_(std::size(container))
    {
    }
    /// A view of what lives elsewhere, so a temporary one will do.
    template <class U, class = std::enable_if_t<std::is_convertible_v<U (*)[], T (*)[]>>>
    constexpr span(const span<U> &other) noexcept : data_(other.data()), size_(other.size())
    {
    }

    constexpr T *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr T *begin() const noexcept { return data_; }
    constexpr T *end() const noexcept { return data_ + size_; }
    constexpr T &operator[](std::size_t index) const noexcept { return data_[index]; }

private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};

/// Borrowed bytes of any content: a text, or a container of char, unsigned char or std::byte.
class byte_view {
public:
    constexpr byte_view() noexcept = default;
    constexpr byte_view(const std::uint8_t *data, std::size_t size) noexcept : data_(data), size_(size) {}
    byte_view(std::string_view text) noexcept
        : data_(reinterpret_cast<const std::uint8_t *>(text.data())), size_(text.size())
    {
    }
    /// Up to the NUL, as std::string_view; so are literals and arrays of char.
    byte_view(const char *text) : byte_view(std::string_view(text)) {}
    template <class Container, class = std::enable_if_t<detail::is_byte<detail::data_of<const Container>> &&
                                                        !detail::is_text_array<Container>>>
    byte_view(const Container &container) noexcept
        : data_(reinterpret_cast<const std::uint8_t *>(std::data(container))), size_(std::size(container))
    {
    }

    constexpr const std::uint8_t *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr const std::uint8_t *begin() const noexcept { return data_; }
    constexpr const std::uint8_t *end() const noexcept { return data_ + size_; }

    /// The same bytes as a text.
    std::string_view text() const noexcept { return {reinterpret_cast<const char *>(data_), size_}; }

private:
    const std::uint8_t *data_ = nullptr;
    std::size_t size_ = 0;
};

/// Borrowed bytes that may be absent, which is something else than empty: a user id, a password.
class optional_bytes {
public:
    /// Absent.
    constexpr optional_bytes() noexcept = default;
    /// What a byte_view takes.
    template <class Bytes, class = std::enable_if_t<std::is_convertible_v<const Bytes &, byte_view>>>
    optional_bytes(const Bytes &given) : bytes_(given)
    {
        if (bytes_.data() == nullptr)
            bytes_ = byte_view(&somewhere, 0);
    }

    /// As in sogov.h: NULL where they are absent, and only there.
    constexpr const std::uint8_t *data() const noexcept { return bytes_.data(); }
    constexpr std::size_t size() const noexcept { return bytes_.size(); }

private:
    static constexpr std::uint8_t somewhere = 0;
    byte_view bytes_;
};

/// A digest of 32 bytes: SM3, or the tree digest over it.
using digest = std::array<std::uint8_t, 32>;

/// Memory that the library fills and grows; each call replaces its content and keeps its memory.
class buffer {
public:
    buffer() noexcept = default;
    buffer(buffer &&other) noexcept : bytes_(std::exchange(other.bytes_, sogov_bytes SOGOV_BYTES_INIT)) {}
    buffer &operator=(buffer &&other) noexcept
    {
        buffer taken(std::move(other));
        std::swap(bytes_, taken.bytes_);
        return *this;
    }
    ~buffer()
    {
        if (bytes_.data != nullptr)
            sogov_bytes_free(&bytes_);
    }

    /// The content; borrowed until the buffer is filled again, assigned to or destroyed.
    byte_view bytes() const noexcept { return {bytes_.data, bytes_.len}; }
    std::string_view text() const noexcept { return bytes().text(); }
    operator byte_view() const noexcept { return bytes(); }
    const std::uint8_t *data() const noexcept { return bytes_.data; }
    std::size_t size() const noexcept { return bytes_.len; }

    /// For calls of sogov.h.
    sogov_bytes *native() noexcept { return &bytes_; }

private:
    sogov_bytes bytes_ = SOGOV_BYTES_INIT;
};

/// The content of a private key's file; wiped when it is destroyed.
class secret {
public:
    secret() noexcept = default;
    secret(secret &&) noexcept = default;
    secret &operator=(secret &&other) noexcept
    {
        secret taken(std::move(other));
        std::swap(content_, taken.content_);
        return *this;
    }
    ~secret() { wipe(); }

    /// The content; borrowed until the secret is assigned to or destroyed.
    byte_view bytes() const noexcept { return content_.bytes(); }
    operator byte_view() const noexcept { return bytes(); }

    /// For calls of sogov.h.
    sogov_bytes *native() noexcept { return content_.native(); }

private:
    void wipe() noexcept
    {
        // Through a volatile pointer, as nobody reads what is written.
        volatile std::uint8_t *at = content_.native()->data;
        for (std::size_t left = content_.size(); left > 0; left--)
            *at++ = 0;
    }

    buffer content_;
};

} // namespace sogov

#endif /* SOGOV_VIEW_HPP */
