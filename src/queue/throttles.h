#pragma once

#include "queue/provider.h"
#include "store/types.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace paquebot::queue {

/// How much goes to each provider, over all of its sites, and what rules have made of that since it said something
/// (Rule). Whatever a provider says is about what goes to itself, ends after four hours at most, and then one message
/// finds out. Bounded. Pure: times are wall milliseconds, and passed in. Guard it by a lock.
class Throttles {
public:
  /// What rules may be about, of one message for one domain; "": nothing.
  struct Subjects {
    std::string lane{}, tenant{}, signing_domain{}, recipient_domain{};
  };
  /// What a rule does now.
  struct Effect {
    std::string provider, rule;
    std::string subject; ///< of Rule::scope; "" for all
    std::int64_t since = 0, until = 0;
    unsigned times = 1; ///< in a row
    std::string said;   ///< the reply that it was for
    bool operator==(const Effect&) const = default;
  };
  /// What came of a reply.
  struct Heard {
    std::optional<Rule> rule; ///< that it matched
    bool acts = false;        ///< the rule does something
  };

  /// Effects of rules that are no more end.
  void configure(std::shared_ptr<const Providers> known);
  /// Names are "google", or "google@mail2" of what goes there from a source.
  const Provider* provider(std::string_view name) const { return known_->by_name(name.substr(0, name.find('@'))); }
  /// Those of the provider of which something is known.
  std::vector<std::string> names_of(std::string_view provider) const;

  // ---- Of a provider's sites; where the name is of none, all is open ----
  void enter(const std::string& name);
  void leave(const std::string& name);
  /// One more may work at one of its sites, as far as their number goes.
  bool room(const std::string& name, std::int64_t now) const;
  bool surplus(const std::string& name, std::int64_t now) const;
  /// Nothing goes to it before that; at most `now`: it may go.
  std::int64_t goes_at(const std::string& name, std::int64_t now) const;
  /// Messages go one after the other.
  bool paced(const std::string& name, std::int64_t now) const;
  unsigned per_connection(const std::string& name, std::int64_t now) const; ///< 0: any number
  /// A message is taken up.
  void begins(const std::string& name, std::int64_t now);

  // ---- Of a message ----
  /// When it may go, as far as rules about such messages have it; at most `now`: it goes, and is counted.
  std::int64_t admit(const std::string& name, const Subjects& subjects, std::int64_t now);
  /// Some rule of the provider asks for Subjects::tenant.
  bool asks_for_tenant(const std::string& name) const;
  /// Such a message was taken: probes are over.
  void taken(const std::string& name, const Subjects& subjects, std::int64_t now);
  /// `sure`: it was said before anything of the message could matter. What is said of a message itself counts for all
  /// that goes to the provider only once it was said of two domains' mail.
  Heard hear(const std::string& name, const mail::Reply& reply, const Subjects& subjects, bool sure, std::int64_t now);

  // ---- To be shown ----
  struct Wait {
    Effect effect;
    Rule rule;
  };
  /// What such a message has to wait for; null: what all has to.
  std::optional<Wait> wait_of(const std::string& name, const Subjects* subjects, std::int64_t now) const;
  std::vector<Effect> effects(const std::string& name, std::int64_t now) const;
  unsigned workers(const std::string& name) const;
  unsigned window(const std::string& name, std::int64_t now) const; ///< 0: any number
  /// What rules do to the provider, or the one rule, ends. False: there is nothing of that kind.
  bool forget(const std::string& name, const std::string& rule = {});

  // ---- To be kept ----
  /// What has changed since, as the store keeps it; at most so many.
  std::vector<store::SiteFacts> unsaved(std::size_t most);
  void save_again(const std::string& key);
  /// False: it is over, or of a rule that is no more.
  bool restore(const store::SiteFacts& kept, std::int64_t now);

private:
  using Key = std::pair<std::string, std::string>; ///< rule, subject
  struct Slot {
    std::deque<std::pair<std::int64_t, std::string>> hits; ///< when, and to which domain
    Effect effect;
    std::int64_t next = 0; ///< a message's turn
    unsigned behind = 0;   ///< messages that were told to come later
  };
  struct State {
    unsigned workers = 0;
    std::int64_t next = 0;
    std::map<Key, Slot> slots;
  };
  enum class Phase : std::uint8_t { none, acts, probes };
  static Phase phase(const Slot& slot, std::int64_t now);
  static std::string subject_of(const Rule& rule, const Subjects& subjects);
  template <class Look>
  void each(const std::string& name, std::int64_t now, Look&& look) const;
  std::int64_t interval(const std::string& name, std::int64_t now) const;
  static bool counts(Slot& slot, const Rule& rule, const std::string& domain, bool sure, std::int64_t now);
  void tidy(const std::string& name, State& state, std::int64_t now);
  static std::string key_of(const std::string& name, const Key& key);

  std::shared_ptr<const Providers> known_ = std::make_shared<const Providers>();
  std::map<std::string, State, std::less<>> states_;
  std::set<std::string> unsaved_;
};

/// Whether a row of the store is one of Throttles, and no site.
inline bool is_rule_key(std::string_view key) { return key.starts_with("rule:"); }

} // namespace paquebot::queue
