#pragma once
/// \file tls_pem.hpp
/// Files and texts of certificates and keys.

#include <string>

#include <culex/result.hpp>

namespace culex::io {

/// The failure tells the path, and what the system says.
[[nodiscard]] Result<std::string> read_file(const std::string& path);
[[nodiscard]] bool has_certificate(const std::string& pem) noexcept;
/// Whether a private key is that of a (first) certificate, both PEM, as far as can be told.
[[nodiscard]] bool key_fits(const std::string& key, const std::string& certificate);

} // namespace culex::io
