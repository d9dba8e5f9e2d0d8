#pragma once

#include "base/result.h"
#include "mail/status.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::queue {

/// So many in so long a time.
struct Rate {
  std::uint32_t number = 0;   ///< 0: there is no bound
  std::int64_t period = 3600; ///< seconds
  bool operator==(const Rate&) const = default;
  /// Milliseconds from one to the next, where they are spread evenly; 0 without a bound.
  std::int64_t interval() const;
  std::string words() const;     ///< "10 a minute"
  std::string to_string() const; ///< "10/min", as parse_rate() reads it; "" without a bound
};
/// "10/s", "10/min", "100/h", "1000/d", or with a length ("5/10m"); 1 to 1,000,000 in a second to a day.
Result<Rate> parse_rate(std::string_view text);

/// What a rule's effect is about, of all that goes to the provider.
enum class Scope : std::uint8_t {
  source,           ///< all of it
  lane,             ///< what comes from the same account (store::lane_of)
  tenant,           ///< from accounts of the same domain
  signing_domain,   ///< with a return address in the same domain
  recipient_domain, ///< to the same domain
};
std::string_view name_of(Scope scope); ///< "signing-domain"

/// What a rule does. The first four last for Rule::lasts; the others are about the recipient whose reply it was.
enum class Act : std::uint8_t { rate, connections, per_connection, pause, hold, fail };
std::string_view name_of(Act act); ///< "per_connection"

/// What to do when a provider says something. Rules are tried in their order: the first that matches counts.
struct Rule {
  std::string name; ///< a-z, 0-9, "-"; unique within its provider
  std::uint16_t code = 0;
  mail::EnhancedCode status; ///< without a class: any
  std::string text;          ///< stands in the reply, whatever the case of letters, where "*" is for anything
  Rate count;                ///< so often before anything is done; without a bound: at once
  Scope scope = Scope::source;
  Act act = Act::pause;
  Rate rate;           ///< Act::rate
  unsigned number = 0; ///< Act::connections, Act::per_connection
  std::int64_t lasts = kRuleLasts;
  std::vector<std::string> examples; ///< "421 4.7.28 …": replies that it is for

  static constexpr std::int64_t kRuleLasts = 1800, kLongest = 4 * 3600; ///< seconds
  bool operator==(const Rule&) const = default;
  /// "10 a minute", "2 connections at most", "a pause", …
  std::string words() const;
};

/// Somebody who has many domains' mail. Mail goes to a provider where all hosts of a plan lie in its names.
struct Provider {
  std::string name;            ///< a-z, 0-9, "-"
  std::vector<std::string> mx; ///< ".google.com": names in it; "mx.example": that one; lower case
  unsigned connections = 0;    ///< to all its sites together; 0: no bound
  unsigned per_connection = 0; ///< messages; 0: no bound
  Rate rate;                   ///< messages
  std::vector<Rule> rules;
  bool operator==(const Provider&) const = default;

  bool has_host(std::string_view host) const; ///< lower case
  const Rule* rule(std::string_view name) const;
  /// The first rule that matches. Only what was really heard matches (mail::Reply::heard).
  const Rule* match(const mail::Reply& reply) const;
};

/// All that are known. Immutable.
class Providers {
public:
  Providers() = default;
  explicit Providers(std::vector<Provider> all) : all_(std::move(all)) {}
  const std::vector<Provider>& all() const { return all_; }
  const Provider* by_name(std::string_view name) const;
  /// Whose all of these hosts are; null: nobody's, or not of one.
  const Provider* of_hosts(std::span<const std::string> hosts) const;

private:
  std::vector<Provider> all_;
};

/// "421 4.7.28 words" or "421-4.7.28 words", lines divided by line ends, as a peer would have said it.
Result<mail::Reply> parse_said(std::string_view text);

/// What is wrong with a rule's examples, so that it must not be used: it has none, one is no reply, it does not match
/// one, or a rule before it would. Nothing: all is well. `provider` has the rules before it.
std::optional<std::string> fault_of_examples(const Provider& provider, const Rule& rule);

} // namespace paquebot::queue
