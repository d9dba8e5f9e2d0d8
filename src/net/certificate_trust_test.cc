#include "base/clock.h"
#include "net/certificate_trust.h"
#include "net/tls.h"

#include <gtest/gtest.h>
#include <string>

namespace paquebot::net {
namespace {

constexpr std::int64_t kSoon = 60'000;

std::string octets_of(const std::string& hex) {
  std::string octets;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    octets += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return octets;
}

std::int64_t now_millis() { return millis(system_clock().wall()); }

TEST(CertificateTrust, OneOfOursIsTrustedByNobodyElse) {
  const auto pair = make_self_signed("mx.example.test");
  ASSERT_TRUE(pair);
  const auto others = certificate_is_trusted(pair->certificate_pem, now_millis() + kSoon);
  ASSERT_FALSE(others);
  EXPECT_EQ(others.error().code, Errc::refused);
  EXPECT_NE(others.error().message.find("self"), std::string::npos) << others.error().message;
  EXPECT_TRUE(certificate_is_trusted(pair->certificate_pem, now_millis() + kSoon, pair->certificate_pem));
}

TEST(CertificateTrust, WhatHasEndedIsNot) {
  const auto pair = make_self_signed("mx.example.test");
  ASSERT_TRUE(pair);
  constexpr std::int64_t kCentury = 100LL * 365 * 86400 * 1000;
  EXPECT_FALSE(certificate_is_trusted(pair->certificate_pem, now_millis() + kCentury, pair->certificate_pem));
}

TEST(CertificateTrust, NoCertificate) {
  EXPECT_EQ(certificate_is_trusted("", now_millis()).error().code, Errc::invalid);
  EXPECT_EQ(tlsa_data_of("nothing"), "");
  EXPECT_FALSE(tlsa_fits(std::string("\3\1\1abc", 6), "nothing"));
}

TEST(CertificateTrust, RecordsOfTheKey) {
  const auto pair = make_self_signed("mx.example.test"), other = make_self_signed("mx.example.test");
  ASSERT_TRUE(pair && other);
  const std::string data = tlsa_data_of(pair->certificate_pem);
  ASSERT_EQ(data.size(), 64U);
  const std::string octets = octets_of(data);
  EXPECT_TRUE(tlsa_fits(std::string("\3\1\1", 3) + octets, pair->certificate_pem));
  EXPECT_FALSE(tlsa_fits(std::string("\3\1\1", 3) + octets, other->certificate_pem));
  EXPECT_FALSE(tlsa_fits(std::string("\1\1\1", 3) + octets, pair->certificate_pem)); // PKIX-EE says nothing of mail
  EXPECT_FALSE(tlsa_fits(std::string("\2\1\1", 3) + octets, pair->certificate_pem)); // there is no authority in it
  EXPECT_TRUE(tlsa_fits(std::string("\2\1\1", 3) + octets, other->certificate_pem + pair->certificate_pem));
  EXPECT_FALSE(tlsa_fits(std::string("\3\1\3", 3) + octets, pair->certificate_pem));
}

} // namespace
} // namespace paquebot::net
