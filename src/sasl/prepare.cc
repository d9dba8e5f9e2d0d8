#include "sasl/prepare.h"

#include "base/text.h"
#include "sasl/secret.h"

#include <algorithm>
#include <cstring>
#include <gsasl.h>
#include <memory>

namespace paquebot::sasl {
namespace {

constexpr std::size_t kMaxPreparedName = 255;
constexpr std::size_t kMaxPassword = 1024;

struct Free {
  void operator()(char* text) const { gsasl_free(text); }
};

bool is_printable_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7F; });
}

std::optional<std::string> prepare(std::string_view text, std::size_t most, Gsasl_saslprep_flags flags) {
  if (text.empty() || text.size() > most || text.find('\0') != text.npos || !is_utf8(text)) return {};
  std::string own(text);
  if (is_printable_ascii(text)) return own;
  char* made = nullptr;
  const int code = gsasl_saslprep(own.c_str(), flags, &made, nullptr);
  wipe(own);
  const std::unique_ptr<char, Free> out(made);
  if (code != GSASL_OK || !out) return {};
  std::string prepared(out.get());
  explicit_bzero(out.get(), prepared.size());
  if (prepared.empty() || prepared.size() > most) return {}; // some characters have long forms (RFC 3454 section 4)
  return prepared;
}

} // namespace

std::optional<std::string> prepare_password(std::string_view text, bool stored) {
  return prepare(text, kMaxPassword, stored ? Gsasl_saslprep_flags{} : GSASL_ALLOW_UNASSIGNED);
}

std::optional<std::string> prepare_name(std::string_view text) {
  return prepare(text, kMaxPreparedName, GSASL_ALLOW_UNASSIGNED);
}

} // namespace paquebot::sasl
