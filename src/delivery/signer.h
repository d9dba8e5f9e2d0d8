#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "delivery/content.h"
#include "delivery/standing.h"
#include "directory/directory.h"
#include "directory/generation_cache.h"
#include "mail/head.h"
#include "mailauth/dkim_sign.h"
#include "store/store.h"

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace paquebot::delivery {

/// Signs what our own domains send, as it leaves (RFC 6376, RFC 8463): what accounts submitted, what programs of this
/// machine wrote, and our reports, when the From domain, or a domain that it lies in, is ours and has active keys.
/// What came from strangers is never signed. All on one executor, but for configure().
class Signer {
public:
  /// All must outlive it. `cpu` does the private-key operations.
  /// `hostname`: by which Authentication-Results are known as ours.
  Signer(store::Store& store, directory::CpuPool& cpu, const Clock& clock, std::string hostname = {});

  /// From any thread: whether anything is signed from now on.
  void configure(bool sign) { on_ = sign; }
  /// Puts a signature for each key in front of `content`, which must be as the peer will get it (RFC 6376 section 5.3):
  /// converted before, nothing of it read. Reads it through once, unless it was signed within the last hour. Content
  /// that can't be signed by a fault of ours goes unsigned, and the log says so; an error means: try again later (the
  /// store can't be read, too much waits for the processor).
  Task<Result<>> sign(const store::MessageFacts& message, Content& content);
  /// Puts an ARC set in front of what strangers sent and `via`, an address of ours, hands on (RFC 8617 section 5.1):
  /// who gets it can see what was found out here, where SPF no longer speaks for the sender. `content` as for sign().
  /// Only where the message was checked when it came and its chain, if it has one, was good; with the RSA key of the
  /// domain of `via`. Sealed once within an hour for all addresses of that domain: an alias with a hundred members
  /// costs what one with one does.
  Task<Result<>> seal(const store::MessageFacts& message, std::string via, Content& content);

  /// What our own results in the head of `content`, as it was stored, say of the return path.
  Standing standing(const store::MessageFacts& message, const Content& content) const;

  /// How many times something was signed or sealed anew.
  std::uint64_t made() const { return made_count_; }

  using KeyPtr = std::shared_ptr<const mailauth::SigningKey>;
  using KeyList = std::vector<KeyPtr>;

private:
  using Keys = std::shared_ptr<const KeyList>;
  struct Version {
    Ulid message;
    int form = 0;
    std::string via; ///< the domain that seals; empty for a signature
    auto operator<=>(const Version&) const = default;
  };
  struct Made {
    std::string fields;
    Keys keys; ///< the ones it was made with
    WallTime at;
  };

  /// What is being made for other destinations.
  struct UnderWay {
    std::set<Version> versions;
    Condition less;
  };
  /// Who holds it makes the fields for a version; others wait. May outlive the signer: a delivery that is destroyed
  /// with its executor lets go last.
  class Turn {
  public:
    Turn(const std::shared_ptr<UnderWay>& all, Version version);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

  private:
    std::weak_ptr<UnderWay> all_;
    Version version_;
  };

  using BodyTaker = std::function<void(std::string_view)>;
  /// Reads the content to its end; gives its head, or nothing when that is beyond a bound.
  static Task<Result<std::optional<mail::Head>>> read_through(Content& content, const BodyTaker& take);
  Task<Result<Keys>> keys_for(std::string domain);
  Task<Result<std::string>> compose(Content& content, Keys keys);
  Task<Result<std::string>> compose_seal(Content& content, KeyPtr key);
  /// Puts what is known for this version in front of the content; false when there is nothing. Waits for who makes it.
  Task<bool> put_known(const Version& version, const Keys& keys, Content& content);
  const std::string* find(const Version& version, const Keys& keys);
  void keep(const Version& version, Made made);

  store::Store& store_;
  directory::CpuPool& cpu_;
  const Clock& clock_;
  const std::string hostname_;
  std::atomic<bool> on_ = true;
  directory::GenerationCache<Keys> keys_;
  std::map<Version, Made> made_; ///< one message goes to many places
  std::deque<Version> order_;    ///< of made_, oldest first
  std::uint64_t made_count_ = 0;
  std::shared_ptr<UnderWay> under_way_ = std::make_shared<UnderWay>();
};

} // namespace paquebot::delivery
