#pragma once

#include "store/feed.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

/// What holds for hooks wherever they are made or posted to (docs/webhooks.md; www.standardwebhooks.com).
namespace paquebot::control {

inline constexpr std::string_view kSecretPrefix = "whsec_";
inline constexpr std::size_t kSecretOctets = 24;
/// For so long what is posted is signed with the secret of before as well.
inline constexpr std::chrono::hours kRotation{24};
/// After so long without success a hook is paused.
inline constexpr std::chrono::hours kGiveUpHook{72};

/// "whsec_" and base 64.
std::string show_secret(std::string_view octets);
std::string make_secret();

/// The field webhook-signature: "v1,…" by each secret that counts at `now`, with a blank between.
std::string sign_hook(const store::Hook& hook, std::string_view id, std::int64_t seconds, std::string_view body,
                      std::int64_t now);
/// How long to wait after so many attempts in a row that failed: 5 s, 10 s, 20 s … up to 6 h.
std::chrono::milliseconds hook_back_off(std::uint32_t failures);

} // namespace paquebot::control
