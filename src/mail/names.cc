#include "mail/names.h"

#include "base/text.h"

#include <array>
#include <glib.h>
#include <memory>
#include <vector>

namespace paquebot::mail {
namespace {

struct FreeText {
  void operator()(gchar* text) const { g_free(text); }
};
using GlibText = std::unique_ptr<gchar, FreeText>;

constexpr gunichar kCapitalSigma = 0x3A3, kFinalSigma = 0x3C2, kCapitalIWithDot = 0x130, kDotAbove = 0x307;

std::string composed(const std::string& text) {
  const GlibText made(g_utf8_normalize(text.data(), static_cast<gssize>(text.size()), G_NORMALIZE_NFC));
  return made ? std::string(made.get()) : text;
}

/// RFC 8265 section 3.3.2, rule 1: full-width and half-width characters become what they are forms of.
void append_usual_width(gunichar c, std::vector<gunichar>& out) {
  const bool wide = c == 0x3000 || (c >= 0xFF00 && c <= 0xFFEF);
  std::array<gunichar, G_UNICHAR_MAX_DECOMPOSITION_LENGTH> parts{};
  const gsize count = wide ? g_unichar_fully_decompose(c, TRUE, parts.data(), parts.size()) : 0;
  if (count == 0) return out.push_back(c);
  out.insert(out.end(), parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(count));
}

std::string lower_case(const std::vector<gunichar>& letters) {
  std::string out;
  const auto append = [&out](gunichar c) {
    std::array<gchar, 6> octets{};
    out.append(octets.data(), static_cast<std::size_t>(g_unichar_to_utf8(c, octets.data())));
  };
  for (std::size_t i = 0; i < letters.size(); ++i) {
    const gunichar c = letters[i];
    const bool ends_word = i > 0 && g_unichar_isalpha(letters[i - 1]) != 0 &&
                           (i + 1 == letters.size() || g_unichar_isalpha(letters[i + 1]) == 0);
    // The two that Unicode's simple mapping, which knows no locale and no neighbours, gets wrong (SpecialCasing.txt).
    if (c == kCapitalSigma && ends_word) {
      append(kFinalSigma);
    } else if (c == kCapitalIWithDot) {
      append('i');
      append(kDotAbove);
    } else {
      append(g_unichar_tolower(c));
    }
  }
  return out;
}

} // namespace

std::string comparable_name(std::string_view name) {
  if (is_ascii(name) || !is_utf8(name) || name.find('\0') != name.npos) return to_lower(name);
  std::vector<gunichar> letters;
  const std::string text = composed(std::string(name));
  for (const gchar* at = text.c_str(); *at != '\0'; at = g_utf8_next_char(at))
    append_usual_width(g_utf8_get_char(at), letters);
  return composed(lower_case(letters));
}

} // namespace paquebot::mail
