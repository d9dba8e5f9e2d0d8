#include "dns/fake_zone.h"
#include "filter/session.h"
#include "net/test_support.h"

#include <gtest/gtest.h>

namespace paquebot::filter {
namespace {

/// A message of which only the size counts.
class Sized final : public Content {
public:
  explicit Sized(std::uint64_t body) : body_(body) { head_.append("Subject", std::string(1000, 'x')); }
  const std::string& id() const override { return id_; }
  const mail::Sender& sender() const override { return sender_; }
  std::vector<mail::Address> recipients() const override { return {}; }
  const mail::Head& head() const override { return head_; }
  std::uint64_t body_size() const override { return body_; }
  Task<Result<std::string>> read(std::uint64_t, std::size_t) override { co_return std::string(); }
  Task<Result<>> replace(std::string_view) override { co_return Result<>(); }
  Task<void> forget() override { co_return; }
  Task<Result<>> apply(Outcome) override { co_return Result<>(); }

private:
  std::uint64_t body_;
  std::string id_ = "id";
  mail::Sender sender_;
  mail::Head head_;
};

/// clamd is sent head and body: together they must be within its bound, or it would refuse them again and again.
TEST(FilterSession, TheHeadCountsForTheSize) {
  net::test::Loop loop;
  dns::FakeZone zone;
  Options options{.name = "scanner", .kind = Kind::clamd, .when_away = Away::defer, .max_size = 10'000};
  options.place.path = "/nonexistent/socket";
  auto chain = std::make_shared<const Chain>(Chain{options});
  Session session(chain, {loop.executor(), &loop.wheel(), &zone});
  for (const auto& [body, passes] : {std::pair{8'000u, false}, {9'500u, true}}) {
    Sized message(body);
    const Judgement judgement = loop.run(session.content(message));
    EXPECT_EQ(judgement.reply.code, passes ? 0 : 451) << body;
    EXPECT_EQ(judgement.note.find("too large") != std::string::npos, passes) << body;
  }
}

} // namespace
} // namespace paquebot::filter
