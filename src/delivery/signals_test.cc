#include "delivery/signals.h"

#include <gtest/gtest.h>
#include <vector>

namespace paquebot::delivery {
namespace {

using queue::Signal;

mail::Reply said(std::uint16_t code, mail::EnhancedCode status, std::string text) {
  mail::Reply reply(code, status, std::move(text));
  reply.heard = true;
  return reply;
}

TEST(Signals, AreToldApart) {
  const struct {
    mail::Reply reply;
    Signal signal;
  } cases[] = {
      {said(421, {4, 7, 0}, "mx.far.example Error: too many connections from 192.0.2.1"), Signal::connections},
      {said(421, {4, 7, 28}, "unusual rate of unsolicited mail originating from your DKIM domain"), Signal::rate},
      {said(451, {4, 7, 1}, "Rate limit exceeded, try again later"), Signal::rate},
      {said(421, {4, 7, 0}, "[TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume"),
       Signal::rate},
      {said(421, {}, "Too many messages in this session"), Signal::none},
      {said(421, {4, 7, 0}, "too many messages"), Signal::none},
      {said(452, {}, "Too many recipients received this hour"), Signal::none},
      {said(450, {4, 2, 1}, "The user you are trying to contact is receiving mail at a rate that prevents"),
       Signal::none},
      {said(550, {5, 7, 1}, "192.0.2.1 is listed by Spamhaus"), Signal::blocked},
      {said(554, {}, "IP address is black listed"), Signal::blocked},
      {said(550, {5, 1, 1}, "no such user"), Signal::none},
      {said(451, {4, 7, 1}, "Greylisted, come again"), Signal::none},
      {said(250, {2, 0, 0}, "too many connections, rate limit, spamhaus"), Signal::none},
      {mail::Reply(451, {4, 4, 5}, "too many connections"), Signal::none}, // our own words
  };
  for (const auto& one : cases) EXPECT_EQ(signal_of(one.reply), one.signal) << one.reply.to_string();
}

TEST(Signals, ABlockIsSureWhereNothingOfTheMessageCouldMatter) {
  const std::vector<mail::Reply> replies{said(250, {}, "ok"), said(550, {5, 7, 1}, "192.0.2.1 is listed by Spamhaus")};
  Heard heard = heard_of(replies, false);
  EXPECT_EQ(heard.signal, Signal::blocked);
  EXPECT_EQ(heard.reply, &replies[1]);
  EXPECT_FALSE(heard.sure);
  EXPECT_TRUE(heard_of(replies, true).sure);
  EXPECT_EQ(heard_of(std::vector{said(250, {}, "ok")}, true).signal, Signal::none);
}

} // namespace
} // namespace paquebot::delivery
