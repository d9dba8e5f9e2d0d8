#pragma once

#include "remotes.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::simulation {

/// One session of another mail server with ours, which may have a quirk: something goes wrong once, at one place.
class RemoteSession {
public:
  RemoteSession(Remotes& remotes, std::unique_ptr<Wire> wire, std::string host, bool has_quirk);
  /// The whole session.
  static Task<void> serve(std::unique_ptr<RemoteSession> self);

private:
  enum class Act : std::uint8_t {
    none,
    later,     ///< 4xx
    never,     ///< 5xx
    farewell,  ///< 421, and the end
    hang_up,   ///< before anything is answered
    silence,   ///< until the other side has had enough
    lost,      ///< of a content: it is taken, and the reply is lost
    lost_late, ///< likewise, and the other side waits for it in vain
  };
  Act act_at(const std::string& verb);
  Task<void> talk();
  /// False: the session is over.
  Task<bool> answer(std::string verb, std::string argument);
  Task<bool> misbehave(Act act);
  Task<bool> content();
  Task<bool> reply(std::string text);
  void take(bool replied);

  Remotes& remotes_;
  Scene& scene_;
  std::unique_ptr<Wire> wire_;
  const std::string host_;
  std::string quirk_at_; ///< the verb; empty: none
  Act quirk_ = Act::none;
  bool begun_ = false; ///< MAIL was answered with 250
  std::vector<std::string> recipients_;
  std::string content_;
};

} // namespace paquebot::simulation
