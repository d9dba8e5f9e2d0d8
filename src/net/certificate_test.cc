#include "base/clock.h"
#include "net/certificate.h"
#include "net/self_signed.h"
#include "net/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::net {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t kOneDay = 86400LL * 1000;

TEST(Certificate, MakeshiftOnesAreBadForOneReasonEach) {
  const Makeshift made = make_makeshift().value();
  const std::int64_t now = millis(system_clock().wall());
  const auto good = read_certificate(made.good.certificate_pem);
  ASSERT_TRUE(good);
  EXPECT_FALSE(good->self_signed);
  EXPECT_THAT(good->names, ElementsAre("localhost", "*.localhost", "127.0.0.1", "::1"));
  EXPECT_THAT(certificate_problems(made.good.certificate_pem, "localhost", now), IsEmpty());
  EXPECT_LT(read_certificate(made.expired.certificate_pem)->not_after, now);
  EXPECT_THAT(read_certificate(made.other.certificate_pem)->names, ElementsAre("another.example"));
  EXPECT_TRUE(read_certificate(made.stranger.certificate_pem)->self_signed);
}

TEST(Certificate, WhatItSaysOfItself) {
  const auto made = make_self_signed("mx.example.org").value();
  const auto facts = read_certificate(made.certificate_pem);
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_THAT(facts->names, ElementsAre("mx.example.org"));
  EXPECT_TRUE(facts->self_signed);
  const std::int64_t now = millis(system_clock().wall());
  EXPECT_LT(facts->not_before, now);
  EXPECT_GT(facts->not_after, now + 3650 * kOneDay);
  EXPECT_THAT(read_certificate(make_self_signed("192.0.2.7").value().certificate_pem)->names, ElementsAre("192.0.2.7"));
  EXPECT_FALSE(read_certificate("no PEM"));
  EXPECT_FALSE(read_certificate(made.key_pem));
}

TEST(Certificate, ItsEndAndItsNameAreTold) {
  const std::string pem = make_self_signed("mx.example.org").value().certificate_pem;
  const auto facts = read_certificate(pem).value();
  const auto at = [&](std::int64_t now, const std::string& name = "mx.example.org") {
    return certificate_problems(pem, name, now);
  };
  EXPECT_THAT(at(facts.not_after - 14 * kOneDay), IsEmpty());
  EXPECT_THAT(at(facts.not_after - 14 * kOneDay + 1), ElementsAre(HasSubstr("in 13 days")));
  EXPECT_THAT(at(facts.not_after - kOneDay), ElementsAre(HasSubstr("in 1 day:")));
  EXPECT_THAT(at(facts.not_after), ElementsAre(HasSubstr("has expired on 20")));
  EXPECT_THAT(at(facts.not_before - 1), ElementsAre(HasSubstr("is not valid before 20")));
  EXPECT_THAT(at(facts.not_before, "MX.Example.ORG"), IsEmpty());
  EXPECT_THAT(at(facts.not_before, "mail.example.org"), ElementsAre("is for mx.example.org, not for mail.example.org"));
  EXPECT_THAT(certificate_problems("", "a.example", 0), ElementsAre(HasSubstr("can't be read")));
}

} // namespace
} // namespace paquebot::net
