#pragma once

#include "delivery/dial.h"
#include "dns/fake_zone.h"
#include "scene.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace paquebot::simulation {

/// Other mail servers, and the DNS that leads to them: domains far0.test to far9.test with one or two hosts each, and
/// one that nobody knows.
class Remotes {
public:
  explicit Remotes(Scene& scene);

  /// How often, in a thousand, a host does what it should not.
  struct Mood {
    unsigned refused = 5;   ///< no connection
    unsigned silent = 3;    ///< no answer to one
    unsigned quirks = 60;   ///< of sessions: one verb is not answered as it should be
    unsigned servfail = 10; ///< of questions to the DNS about it
  };
  /// Of one domain, or of all.
  void set_mood(std::size_t domain, Mood mood) { moods_[domain] = mood; }
  void set_moods(Mood mood) { moods_.assign(moods_.size(), mood); }
  std::size_t domains() const { return moods_.size(); }

  /// An address there: some exist, some do not.
  std::string some_address();
  /// What a server of ours dials with, and asks. `gone`: it is dead.
  std::unique_ptr<delivery::Dial> dial(boost::asio::any_io_executor executor, net::Wheel& wheel,
                                       std::shared_ptr<const bool> gone);
  std::shared_ptr<dns::Resolver> resolver();
  /// What is sent under this token must arrive so.
  void expect(const std::string& token, std::string body) { bodies_[token] = std::move(body); }

private:
  friend class RemoteDial;
  friend class RemoteZone;
  friend class RemoteSession;
  const Mood& mood_of(const std::string& name) const;

  Scene& scene_;
  std::vector<Mood> moods_;
  std::shared_ptr<dns::FakeZone> zone_;
  std::map<std::string, std::size_t> hosts_; ///< addresses, and whose
  std::map<std::string, std::string> bodies_;
};

} // namespace paquebot::simulation
