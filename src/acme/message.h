#pragma once

#include "base/result.h"
#include "http/message.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What an authority says (RFC 8555 section 7.1, 6.7; RFC 9773 section 4.2). All of it is from outside: URLs are whole
/// ones of https and at most 2048 octets, counts and lengths are bounded, an unknown member is passed over.
namespace paquebot::acme {

/// Octets of an answer that are looked at; a longer one is refused.
inline constexpr std::size_t kMostAnswer = 256u << 10;

/// An answer of HTTP, whole.
struct Reply {
  unsigned status = 0;
  http::Fields fields; ///< their names in lower case
  std::string content;
};

struct Directory {
  std::string new_nonce, new_account, new_order;
  std::string renewal_info; ///< empty: it does not say when to renew
  std::string terms;        ///< empty: there are none to agree to
  bool external_account = false;
};

/// Kinds of proof that a name leads here, in the words of the protocol: "tls-alpn-01" and so on.
enum class ChallengeKind : std::uint8_t { tls_alpn = 1, http, dns };
std::string_view name_of(ChallengeKind kind);
std::optional<ChallengeKind> challenge_kind(std::string_view name);

enum class State : std::uint8_t { pending, processing, ready, valid, invalid, other };

/// RFC 7807 as section 6.7 uses it. What is told of it is printable and bounded.
struct Problem {
  std::string kind;     ///< "rateLimited"; empty when it is none of ACME's
  std::string words;    ///< what the authority says of it, also of each name
  std::string instance; ///< where a person may read on; a URL or empty
};

struct Order {
  State state = State::other;
  std::vector<std::string> names;
  std::vector<std::string> authorizations;
  std::string finalize;
  std::string certificate; ///< with State::valid
  Problem problem;         ///< with State::invalid
};

struct Challenge {
  ChallengeKind kind = ChallengeKind::http;
  State state = State::other;
  std::string url;
  std::string token; ///< base64url
  Problem problem;
};

struct Authorization {
  State state = State::other;
  std::string name;
  std::vector<Challenge> challenges; ///< those of a kind that we know
};

/// When a certificate is to be renewed, milliseconds since 1970.
struct Window {
  std::int64_t start = 0;
  std::int64_t end = 0;
  std::string explanation; ///< a URL, or empty

  friend bool operator==(const Window&, const Window&) = default;
};

/// A whole URL of https with a host, printable, without a user or a fragment.
bool is_authority_url(std::string_view url);

Result<Directory> read_directory(const std::string& content);
Result<Order> read_order(const std::string& content);
Result<Authorization> read_authorization(const std::string& content);
/// Nothing when the answer is no problem document.
Problem read_problem(const Reply& reply);
/// An end that is not after the start is no window (RFC 9773 section 4.2).
Result<Window> read_window(const std::string& content);
/// What the Location of an answer names.
Result<std::string> read_location(const Reply& reply);

/// A problem in plain words: what it means and what to do, then what the authority says.
std::string explain(const Problem& problem, unsigned status);

} // namespace paquebot::acme
