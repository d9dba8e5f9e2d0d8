#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "mail/status.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::sink {

/// Where in a session something goes wrong.
enum class Stage : std::uint8_t { connect, ehlo, starttls, auth, mail, rcpt, data, end, after };
/// What goes wrong there.
enum class Does : std::uint8_t {
  reply,       ///< says this instead
  delay,       ///< is late
  stall,       ///< says nothing for that long, then ends the connection
  drop,        ///< ends the connection
  drip,        ///< what it says from here on comes octet by octet, with that pause
  greylist,    ///< a temporary refusal until the same client, sender and recipient have come again after that time
  full,        ///< the mailbox is full
  certificate, ///< shows one that nobody should trust
  duplicate,   ///< the message is there twice
  bounce,      ///< a report comes back after that time, into the message's own inboxes
};
std::string_view word_of(Stage stage);
std::string_view word_of(Does does);
std::optional<Stage> stage_of(std::string_view word);
std::optional<Does> does_of(std::string_view word);

struct Fault {
  std::string id;
  Stage at = Stage::rcpt;
  Does does = Does::reply;
  // Whom it meets: all that are given must fit. Patterns with "*", in lower case; empty: any.
  std::string inbox, sender, recipient;
  std::uint64_t nth = 0;                         ///< only the nth that fits; 0: each
  std::uint64_t each = 0;                        ///< only each nth that fits
  std::uint64_t times = 0;                       ///< at most so often; 0: without end
  std::optional<unsigned> percent;               ///< of those, as the seed says
  std::optional<std::uint64_t> seed;             ///< its own, instead of the common one
  std::optional<mail::Reply> reply;              ///< instead of the usual one
  std::optional<std::chrono::milliseconds> time; ///< instead of the usual one
  std::string certificate = "stranger";          ///< "expired", "name" or "stranger"
  // Told only.
  std::uint64_t matches = 0, hits = 0;
};

/// What happens, as far as it is known at that stage.
struct Occasion {
  Stage stage = Stage::connect;
  std::string client; ///< its address
  std::optional<std::string> sender;
  std::vector<std::string> recipients; ///< the one of RCPT, or all
  std::set<std::string> inboxes;
};

/// What is to be done; a copy, which stays as it is when the list changes.
struct Hit {
  Does does = Does::reply;
  mail::Reply reply;
  std::chrono::milliseconds time{};
  std::string certificate;
};

/// The faults in their order: the first that fits is the one that happens. Which ones do follows from the list, the
/// seeds and the order of what happens, and from nothing else. Of one thread.
class Faults {
public:
  static constexpr std::size_t kMost = 200;

  explicit Faults(const Clock& clock = system_clock()) : clock_(clock) {}

  /// What goes wrong now, if anything does.
  std::optional<Hit> strike(const Occasion& occasion);

  /// Checks it, gives it an id when it has none, and puts it at the end. `invalid` tells what does not go together;
  /// `no_space` beyond kMost.
  Result<Fault> add(Fault fault);
  bool remove(const std::string& id);
  /// Instead of all, and counting begins anew; nothing is changed on an error.
  Result<> replace(std::vector<Fault> faults, std::optional<std::uint64_t> seed);
  const std::vector<Fault>& all() const { return faults_; }
  std::uint64_t seed() const { return seed_; }
  void set_seed(std::uint64_t seed) { seed_ = seed; }
  /// Rises with each change, also of what was hit.
  std::uint64_t version() const { return version_; }
  std::function<void()> on_change;

private:
  void changed();
  bool fits(const Fault& fault, const Occasion& occasion) const;
  bool is_chosen(const Fault& fault) const;
  bool passes(const Fault& fault, const Occasion& occasion);

  std::vector<Fault> faults_;
  std::uint64_t seed_ = 1, made_ = 0, version_ = 0;
  std::map<std::string, Instant> seen_; ///< by greylisting: when it came first
  const Clock& clock_;
};

/// "*@example.net": a star is anything; both in lower case.
bool fits_pattern(std::string_view text, std::string_view pattern);
/// What it says, and for how long, when nothing else is given.
mail::Reply usual_reply(Stage stage, Does does);
std::chrono::milliseconds usual_time(Does does);
/// Whom it meets, in words: "to full@*, each 3rd".
std::string when_of(const Fault& fault);
/// What it does, in words: "452 4.2.2 the mailbox is full…", "30 s, then drops the connection".
std::string said_of(const Fault& fault);

/// Reads "452 4.2.2 words" or "452 words": a refusal, 400 to 599.
Result<mail::Reply> read_reply(std::string_view text);

} // namespace paquebot::sink
