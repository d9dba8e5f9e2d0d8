#pragma once

#include "base/clock.h"
#include "delivery/content.h"
#include "directory/directory.h"
#include "directory/generation_cache.h"
#include "mailauth/dkim_sign.h"
#include "store/store.h"

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace paquebot::delivery {

/// Signs what our own domains send, as it leaves (RFC 6376, RFC 8463): what accounts submitted, what programs of this
/// machine wrote, and our reports, when the From domain, or a domain that it lies in, is ours and has active keys.
/// What came from strangers is never signed. All on one executor, but for configure().
class Signer {
public:
  /// All must outlive it. `cpu` does the private-key operations.
  Signer(store::Store& store, directory::CpuPool& cpu, const Clock& clock);

  /// From any thread: whether anything is signed from now on.
  void configure(bool sign) { on_ = sign; }
  /// Puts a signature for each key in front of `content`, which must be as the peer will get it (RFC 6376 section 5.3):
  /// converted before, nothing of it read. Reads it through once, unless it was signed within the last hour. Content that can't be
  /// signed by a fault of ours goes unsigned, and the log says so; an error means: try again later (the store can't
  /// be read, too much waits for the processor).
  Task<Result<>> sign(const store::MessageFacts& message, Content& content);

private:
  using KeyList = std::vector<std::shared_ptr<const mailauth::SigningKey>>;
  using Keys = std::shared_ptr<const KeyList>;
  /// Which message, in which form.
  using Version = std::pair<Ulid, int>;
  struct Made {
    std::string fields;
    Keys keys; ///< the ones it was made with
    WallTime at;
  };

  Task<Result<Keys>> keys_for(std::string domain);
  Task<Result<std::string>> compose(Content& content, Keys keys);
  const std::string* find(const Version& version, const Keys& keys);
  void keep(const Version& version, Made made);

  store::Store& store_;
  directory::CpuPool& cpu_;
  const Clock& clock_;
  std::atomic<bool> on_ = true;
  directory::GenerationCache<Keys> keys_;
  std::map<Version, Made> made_; ///< one message goes to many places
  std::deque<Version> order_;    ///< of made_, oldest first
};

} // namespace paquebot::delivery
