#pragma once
/// \file tls_errors.hpp
/// wolfSSL's numbers in words.

#include <string>
#include <string_view>

namespace culex::io {

/// The name of an alert (RFC 8446, section 6), "certificate_required"; empty for a number that is none.
[[nodiscard]] std::string_view alert_name(int alert) noexcept;

/// What an error of wolfSSL's means, in our words where we have some for it.
[[nodiscard]] std::string tls_error_text(int error);

} // namespace culex::io
