#pragma once

#include "base/task.h"
#include "queue/core.h"
#include "queue/site.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::queue {

/// Where a worker is. It belongs to a site, and goes from one of its destinations to the next.
struct Post {
  std::string destination;
  std::string site{}; ///< "": not known yet
  /// Of the message in hand, where the site is known.
  std::optional<store::Id> lane{};
};

/// Workers' posts: who may work at which site, and what sites were found to allow. Thread-safe.
class Posts {
public:
  explicit Posts(Core& core) : core_(core) {}

  /// The destination's mail goes to that site. False: there is no room; the destination waits there, and the worker is
  /// at no site any more and must end.
  /// `provider`: whose hosts those of the site are (Providers); "": nobody's.
  bool enter(Post& post, const std::string& site, const std::string& provider = {});
  /// It goes on with the next destination that waits for its site. False: there is none, or it must not; it must end.
  bool move_on(Post& post);
  /// Some destination waits for its site.
  bool wanted(const Post& post) const;
  /// It is at no site any more.
  void leave(Post& post);
  /// It ends.
  void release(Post& post);

  /// The site pauses: what was taken in hand before that is not begun. (Where messages go one after the other, what is
  /// in hand has had its turn.)
  bool must_wait(const Post& post) const;

  /// All at the site wait for room at an address, which there is not now.
  void shut(const Post& post, const std::string& door);
  /// There is room again.
  void opened(const std::string& door);

  /// What was found out (Site).
  void judged(const Post& post);
  void too_many(const Post& post, unsigned open, std::string why);
  void not_too_many(const Post& post);
  void used_up(const Post& post, unsigned messages);
  void heard(const Post& post, Signal signal, std::string why);
  unsigned per_connection(const Post& post) const;

  /// Has written down what was learnt since.
  Task<void> keep();
  /// Knows what is kept; what is older than a day, and no pause, is forgotten.
  void remember(const std::vector<store::SiteFacts>& kept);
  /// Operators' orders; the last two say false where nothing is known of such a site.
  void pause(const std::string& site, std::int64_t until, std::string why);
  bool resume(const std::string& site);
  bool forget(const std::string& site);

  struct Shown {
    std::string key;
    Site::Learned learned;
    unsigned window = 0, workers = 0;
    std::size_t waiting = 0;  ///< destinations
    std::string door;         ///< that it waits for
    std::string provider;     ///< "": nobody's
    bool one_lane = false;    ///< the places of one sender are taken, and the last one is for others
    bool crowded_out = false; ///< as many deliveries as may be are under way to the provider
  };
  /// Sites of which something is known or that somebody waits for, by key, at most `most`, behind `after`.
  /// Where mail for a destination goes; nothing: nobody has found that out.
  std::optional<Shown> of(const std::string& destination) const;
  std::optional<Shown> site(const std::string& key) const;
  std::vector<Shown> sites(std::size_t most, const std::string& after = {}) const;

private:
  Shown show(const std::string& key, const Sites::Entry& entry) const;
  template <class Change>
  void change(const std::string& site, Change&& how);

  Core& core_;
};

} // namespace paquebot::queue
