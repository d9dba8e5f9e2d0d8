#include "remotes.h"

#include "remote_session.h"

#include <fmt/format.h>
#include <utility>

namespace paquebot::simulation {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kDomains = 10;
constexpr const char* kNobody = "gone.test"; // no such domain

std::string zone_of_all() {
  std::string text;
  for (std::size_t i = 0; i < kDomains; ++i) {
    text += fmt::format("far{0}.test MX 10 a.far{0}.test\na.far{0}.test A 198.51.100.{1}\n", i, 10 + i);
    if (i % 3 == 0)
      text += fmt::format("far{0}.test MX 20 b.far{0}.test\nb.far{0}.test A 198.51.100.{1}\n", i, 110 + i);
  }
  return text;
}

} // namespace

class RemoteDial final : public delivery::Dial {
public:
  RemoteDial(Remotes& remotes, boost::asio::any_io_executor executor, net::Wheel& wheel,
             std::shared_ptr<const bool> gone)
      : remotes_(remotes), executor_(std::move(executor)), wheel_(wheel), gone_(std::move(gone)) {}

  Task<Result<net::Stream>> open(net::Endpoint to, std::string, Instant deadline) override {
    Scene& scene = remotes_.scene_;
    ++scene.activity;
    const auto host = remotes_.hosts_.find(to.address);
    if (*gone_ || host == remotes_.hosts_.end()) co_return fail(Errc::closed, "nobody is there");
    const Remotes::Mood& mood = remotes_.moods_[host->second];
    if (scene.chance.per_mille(mood.silent)) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - scene.clock.now());
      co_await net::sleep_for(left);
      co_return fail(Errc::timeout, "no answer from " + to.address);
    }
    const auto way = scene.chance.between(5ms, 80ms);
    co_await net::sleep_for(way);
    if (scene.chance.per_mille(mood.refused)) co_return fail(Errc::closed, "connection refused by " + to.address);
    if (*gone_) co_return fail(Errc::closed, "too late");
    const auto ends = Scene::connect();
    net::Stream stream(executor_, ends.first, wheel_);
    stream.set_ends({"192.0.2.1", 40'000}, to);
    const bool has_quirk = scene.chance.per_mille(mood.quirks);
    auto wire = std::make_unique<Wire>(scene, ends.second, gone_);
    scene.start(
        RemoteSession::serve(std::make_unique<RemoteSession>(remotes_, std::move(wire), to.address, has_quirk)));
    co_return std::move(stream);
  }

private:
  Remotes& remotes_;
  boost::asio::any_io_executor executor_;
  net::Wheel& wheel_;
  std::shared_ptr<const bool> gone_;
};

/// The zone, in the mood of who is asked about.
class RemoteZone final : public dns::Resolver {
public:
  explicit RemoteZone(Remotes& remotes) : remotes_(remotes) {}
  Task<std::shared_ptr<const dns::Answer>> query(std::string name, dns::Type type) override {
    Scene& scene = remotes_.scene_;
    const unsigned fails = remotes_.mood_of(name).servfail;
    const auto way = scene.chance.between(1ms, 40ms);
    co_await net::sleep_for(way);
    if (scene.chance.per_mille(fails)) {
      scene.tell("dns", "servfail for " + name);
      auto answer = std::make_shared<dns::Answer>();
      answer->why = "the simulation says so";
      co_return answer;
    }
    Task<std::shared_ptr<const dns::Answer>> asked = remotes_.zone_->query(std::move(name), type);
    co_return co_await std::move(asked);
  }

private:
  Remotes& remotes_;
};

Remotes::Remotes(Scene& scene) : scene_(scene), moods_(kDomains), zone_(dns::FakeZone::parse(zone_of_all())) {
  for (std::size_t i = 0; i < kDomains; ++i) {
    hosts_.emplace(fmt::format("198.51.100.{}", 10 + i), i);
    if (i % 3 == 0) hosts_.emplace(fmt::format("198.51.100.{}", 110 + i), i);
  }
}

const Remotes::Mood& Remotes::mood_of(const std::string& name) const {
  static const Mood kNone{.servfail = 0};
  const std::size_t at = name.find("far");
  return at == std::string::npos ? kNone : moods_.at(static_cast<std::size_t>(name[at + 3] - '0'));
}

std::string Remotes::some_address() {
  Chance& chance = scene_.chance;
  if (chance.per_mille(5)) return fmt::format("somebody@{}", kNobody);
  const char* who = chance.per_mille(30) ? "nobody" : "user";
  return fmt::format("{}{}@far{}.test", who, chance.below(50), chance.below(kDomains));
}

std::unique_ptr<delivery::Dial> Remotes::dial(boost::asio::any_io_executor executor, net::Wheel& wheel,
                                              std::shared_ptr<const bool> gone) {
  return std::make_unique<RemoteDial>(*this, std::move(executor), wheel, std::move(gone));
}

std::shared_ptr<dns::Resolver> Remotes::resolver() { return std::make_shared<RemoteZone>(*this); }

} // namespace paquebot::simulation
