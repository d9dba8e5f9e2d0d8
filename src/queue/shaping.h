#pragma once

#include "queue/core.h"
#include "queue/posts.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::queue {

/// What goes to providers, as far as more than one site or only some of the mail is concerned (Throttles), for workers
/// that are at a site. Thread-safe.
class Shaping {
public:
  explicit Shaping(Core& core) : core_(core) {}

  /// Subjects::tenant counts for what the worker sends.
  bool asks_for_tenant(const Post& post) const;
  /// When a message may go (wall milliseconds); nothing: now, and it is counted.
  std::optional<std::int64_t> admit(const Post& post, const Throttles::Subjects& subjects);
  /// A message is taken up at the site.
  void begins(const Post& post);
  /// Such a message was taken.
  void taken(const Post& post, const Throttles::Subjects& subjects);
  /// The provider refused something: Throttles::hear().
  Throttles::Heard hear(const Post& post, const mail::Reply& reply, const Throttles::Subjects& subjects, bool sure);
  bool has_source(const std::string& name) const;  ///< such a [[source]] is configured
  unsigned per_connection(const Post& post) const; ///< 0: any number

  /// What a message for the destination waits for by a rule; null: what all do.
  std::optional<Throttles::Wait> wait_of(const std::string& destination, const Throttles::Subjects* subjects) const;
  std::optional<Throttles::Wait> wait_at(const std::string& site) const;
  struct Shown {
    Provider provider;
    unsigned workers = 0, window = 0;   ///< 0: any number
    std::size_t sites = 0, waiting = 0; ///< destinations that wait
    std::vector<Throttles::Effect> effects;
  };
  std::vector<Shown> providers() const;
  std::optional<Shown> provider(const std::string& name) const;
  /// What rules do to the provider, or the one rule does, ends. False: nothing is done.
  bool forget(const std::string& name, const std::string& rule);

private:
  std::string provider_at(const std::string& site) const;
  Shown show(const Provider& provider) const;

  Core& core_;
};

} // namespace paquebot::queue
