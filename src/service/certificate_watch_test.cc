#include "net/certificate.h"
#include "net/tls.h"
#include "service/certificate_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::service {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Field;

constexpr std::int64_t kHour = 3600LL * 1000;

auto Why(const char* words) { return Field(&CertificateWatch::Problem::why, HasSubstr(words)); }

TEST(CertificateWatch, TellsOnceADay) {
  const std::string pem = net::make_self_signed("mx.example.org").value().certificate_pem;
  const std::int64_t end = net::read_certificate(pem)->not_after;
  CertificateWatch watch;
  EXPECT_THAT(watch.due(end), IsEmpty()) << "nothing is configured";
  watch.configure({{"/c.pem", pem}}, "mx.example.org");
  EXPECT_THAT(watch.due(end - 30 * 24 * kHour), IsEmpty());
  EXPECT_THAT(watch.due(end - 13 * 24 * kHour), ElementsAre(Why("ends on")));
  EXPECT_THAT(watch.due(end - 13 * 24 * kHour + 23 * kHour), IsEmpty());
  EXPECT_THAT(watch.due(end - 12 * 24 * kHour), ElementsAre(Why("ends on")));
  watch.configure({{"/c.pem", pem}}, "mx.example.org"); // a reload that changes nothing of it
  EXPECT_THAT(watch.due(end - 12 * 24 * kHour + kHour), IsEmpty());
  watch.configure({{"/c.pem", pem}}, "other.example.org");
  EXPECT_THAT(watch.due(end - 12 * 24 * kHour + kHour), ElementsAre(Why("ends on"), Why("not for other")));
}

TEST(CertificateWatch, TheStatusHasIt) {
  const auto made = net::make_self_signed("mx.example.org").value();
  const auto facts = net::read_certificate(made.certificate_pem).value();
  CertificateWatch watch;
  EXPECT_TRUE(watch.status(0).empty());
  const auto other = net::make_self_signed("*.other.test").value();
  watch.configure({{"/c.pem", made.certificate_pem}}, "a.example.org");
  const control::json::value status = watch.status(facts.not_before).at(0);
  EXPECT_EQ(control::get_text(status, "file"), "/c.pem");
  EXPECT_EQ(control::get_time(status, "not_after"), facts.not_after);
  EXPECT_EQ(control::get_list(status, "problems").size(), 1U);
  watch.configure({{"/c.pem", made.certificate_pem}, {"/o.pem", other.certificate_pem}}, "mx.example.org");
  const auto both = watch.status(facts.not_before);
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(control::get_list(both.at(0), "problems").size(), 0U);
  EXPECT_EQ(control::get_list(both.at(1), "problems").size(), 0U) << "it is for names of its own";
  EXPECT_THAT(watch.due(facts.not_after - kHour), ElementsAre(Why("ends on"), Why("ends on")));
}

} // namespace
} // namespace paquebot::service
