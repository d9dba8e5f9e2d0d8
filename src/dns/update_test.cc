#include "base/encoding.h"
#include "dns/tsig.h"
#include "dns/update.h"

#include <gtest/gtest.h>

namespace paquebot::dns {
namespace {

const TsigKey kTsig{"update.example", "hmac-sha256", "0123456789abcdef"};
constexpr std::int64_t kAt = 0x6A0B0C0D;

std::string raw(std::string_view text) { return std::string(text); }

/// An answer as a server makes it (RFC 8945 section 5.3), by hand.
std::string server_answer(const SignedUpdate& update, const TsigKey& key, unsigned code, std::int64_t at,
                          unsigned error = 0, bool sign = true) {
  using namespace std::string_literals;
  std::string head = update.octets.substr(0, 2) + "\xA8"s + static_cast<char>(code) + "\0\1\0\0\0\0"s;
  const std::string question = "\7example\0\0\6\0\1"s;
  const std::string owner = "\6update\7example\0"s, algorithm = "\13hmac-sha256\0"s;
  const std::string when = {0,
                            0,
                            static_cast<char>(at >> 24),
                            static_cast<char>(at >> 16),
                            static_cast<char>(at >> 8),
                            static_cast<char>(at)};
  const std::string errors = "\0"s + static_cast<char>(error);
  const std::string covered = "\0\x20"s + update.mac + head + "\0\0"s + question + owner + "\0\xFF\0\0\0\0"s +
                              algorithm + when + "\1\x2C"s + errors + "\0\0"s;
  const std::string mac = sign ? tsig_mac(key, covered).value() : "";
  const std::string data = algorithm + when + "\1\x2C\0"s + static_cast<char>(mac.size()) + mac +
                           update.octets.substr(0, 2) + errors + "\0\0"s;
  return head + "\0\1"s + question + owner + "\0\xFA\0\xFF\0\0\0\0\0"s + static_cast<char>(data.size()) + data;
}

TEST(DnsUpdate, IsLaidOutAsTheRfcSays) {
  using namespace std::string_literals;
  const auto update = compose_update({"example", "_acme-challenge.mx.Example", "text", true, 60}, kTsig, 0x1234, kAt);
  ASSERT_TRUE(update);
  const std::string plain = "\x12\x34\x28\0\0\1\0\0\0\1\0\1"s + "\7example\0\0\6\0\1"s +
                            "\17_acme-challenge\2mx\7example\0\0\x10\0\1\0\0\0\x3C\0\5\4text"s;
  EXPECT_EQ(hex_encode(update->octets.substr(0, plain.size())), hex_encode(plain));
  const std::string rest = update->octets.substr(plain.size());
  EXPECT_EQ(hex_encode(rest.substr(0, 24)), hex_encode("\6update\7example\0\0\xFA\0\xFF\0\0\0\0"s));
  EXPECT_EQ(update->mac.size(), 32u);
  EXPECT_NE(rest.find(update->mac), std::string::npos);
  const auto gone = compose_update({"example", "a.example", "text", false, 60}, kTsig, 1, kAt);
  EXPECT_NE(gone->octets.find("\1a\7example\0\0\x10\0\xFE\0\0\0\0\0\5\4text"s), std::string::npos)
      << "class NONE, no TTL";
}

TEST(DnsUpdate, WhatIsNoNameOrTextIsRefused) {
  EXPECT_FALSE(compose_update({"", "a", "t", true, 60}, kTsig, 1, kAt));
  EXPECT_FALSE(compose_update({"example", std::string(300, 'a'), "t", true, 60}, kTsig, 1, kAt));
  EXPECT_FALSE(compose_update({"example", "a.example", std::string(256, 't'), true, 60}, kTsig, 1, kAt));
  EXPECT_FALSE(compose_update({"example", "a.example", "t", true, 60}, {"k", "hmac-md5", "s"}, 1, kAt));
}

TEST(DnsUpdate, TakesOnlyASignedAnswer) {
  const auto update = compose_update({"example", "a.example", "t", true, 60}, kTsig, 0x1234, kAt).value();
  const std::string good = server_answer(update, kTsig, 0, kAt + 5);
  EXPECT_TRUE(check_update_reply(good, update, kTsig, kAt))
      << check_update_reply(good, update, kTsig, kAt).error().message;
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x01);
    EXPECT_FALSE(check_update_reply(bad, update, kTsig, kAt)) << at;
  }
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(check_update_reply(good.substr(0, size), update, kTsig, kAt)) << size;
  EXPECT_FALSE(check_update_reply(good + "x", update, kTsig, kAt));
  EXPECT_FALSE(check_update_reply(good, update, kTsig, kAt + 3600)) << "of another time";
  EXPECT_FALSE(check_update_reply(server_answer(update, kTsig, 0, kAt, 0, false), update, kTsig, kAt));
  const auto refused = [&](unsigned code, unsigned error, bool sign) {
    const auto said = check_update_reply(server_answer(update, kTsig, code, kAt, error, sign), update, kTsig, kAt);
    return said ? raw("taken") : said.error().message;
  };
  EXPECT_NE(refused(5, 0, true).find("may not change"), std::string::npos);
  EXPECT_NE(refused(9, 17, false).find("does not know the key"), std::string::npos);
  EXPECT_NE(refused(9, 18, true).find("clock"), std::string::npos);
}

TEST(DnsUpdate, KeysAreReadAsNameServersWriteThem) {
  const char* const forms[] = {
      "key \"Update.Example.\" {\n  algorithm hmac-sha256;\n  secret \"MDEyMzQ1Njc4OWFiY2RlZg==\";\n};\n",
      "# made by keymgr\nkey:\n  - id: update.example\n    algorithm: hmac-sha256\n    secret: "
      "MDEyMzQ1Njc4OWFiY2RlZg==\n",
      "hmac-sha256:update.example:MDEyMzQ1Njc4OWFiY2RlZg==\n"};
  for (const char* form : forms) {
    const auto key = read_tsig_key(form);
    ASSERT_TRUE(key) << form << key.error().message;
    EXPECT_EQ(key->name, kTsig.name);
    EXPECT_EQ(key->algorithm, kTsig.algorithm);
    EXPECT_EQ(key->secret, kTsig.secret);
  }
  for (const char* bad : {"", "key x { algorithm hmac-md5; secret \"MDEy\"; };", "hmac-sha256:update.example:???",
                          "key x { algorithm hmac-sha256; };", "hmac-sha256::MDEy"}) {
    const auto key = read_tsig_key(bad);
    ASSERT_FALSE(key) << bad;
    EXPECT_EQ(key.error().message.find("MDEy"), std::string::npos) << "never the secret";
  }
}

} // namespace
} // namespace paquebot::dns
