#include "base/encoding.h"
#include "mailauth/dkim_key.h"
#include "mailauth/tags.h"
#include "mailauth/test_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::mailauth {
namespace {

using testing::HasSubstr;

constexpr std::string_view kEd25519 = "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="; // RFC 8463 appendix A.2

TEST(Tags, Lists) {
  const auto list = TagList::parse(" a=b ;\r\n\tc = d e\t; F= ;_x1=");
  EXPECT_FALSE(list); // a name begins with a letter
  const auto good = TagList::parse(" a=b ;\r\n\tc = d e\t; F= ; x_1==;");
  ASSERT_TRUE(good);
  EXPECT_EQ(good->find("a"), "b");
  EXPECT_EQ(good->find("c"), "d e");
  EXPECT_EQ(good->find("F"), "");
  EXPECT_EQ(good->find("f"), std::nullopt);
  EXPECT_EQ(good->find("x_1"), "=");
  EXPECT_TRUE(TagList::parse(""));
  for (const char* bad : {"a", "=b", "a=1;;b=2", "a=1;a=2", "a b=1", "1a=2", ";a=1"})
    EXPECT_FALSE(TagList::parse(bad)) << bad;
  std::string many;
  for (int i = 0; i < 65; ++i) many += "t" + std::to_string(i) + "=;";
  EXPECT_FALSE(TagList::parse(many));
}

TEST(DkimKey, Records) {
  const std::string ed(kEd25519);
  const std::string rsa = "p=" + base64_encode(test::test_key(KeyKind::rsa).public_octets());
  for (const std::string& good :
       {"v=DKIM1; k=ed25519; " + ed, "k=ed25519;" + ed + ";", "v=DKIM1; k=rsa; " + rsa, rsa,
        "v=DKIM1; n=a note; " + rsa, "v=DKIM1; h=sha1:sha256; " + rsa, "v=DKIM1; s=email; " + rsa,
        "v=DKIM1; s=x:*; " + rsa, "v=DKIM1; g=*; " + rsa, "v=DKIM1; t=y : s; " + rsa,
        "v=DKIM1;p=" + rsa.substr(2, 40) + " \t" + rsa.substr(42)})
    EXPECT_TRUE(parse_dkim_key(good)) << good;
  const std::pair<std::string, Errc> bad[] = {
      {"", Errc::invalid},
      {"v=DKIM1", Errc::invalid},
      {"v=DKIM1; p=", Errc::not_found},
      {"k=rsa; v=DKIM1; " + rsa, Errc::invalid},
      {"v=DKIM2; " + rsa, Errc::invalid},
      {"v=DKIM1; k=dsa; " + rsa, Errc::unsupported},
      {"v=DKIM1; h=sha1; " + rsa, Errc::unsupported},
      {"v=DKIM1; s=other; " + rsa, Errc::unsupported},
      {"v=DKIM1; p=!!!", Errc::invalid},
      {"v=DKIM1; p=AAAA", Errc::invalid},
      {"v=DKIM1; k=ed25519; p=AAAA", Errc::invalid},
      {"v=DKIM1; k=ed25519; " + rsa, Errc::invalid},
      {"v=DKIM1; " + ed, Errc::invalid},
      {rsa + ";" + rsa, Errc::invalid},
      {"v=DKIM1; p=" + std::string(9000, 'A'), Errc::invalid},
  };
  for (const auto& [record, code] : bad) {
    const auto key = parse_dkim_key(record);
    ASSERT_FALSE(key) << record;
    EXPECT_EQ(key.error().code, code) << record;
  }
  const auto flags = parse_dkim_key("t=y:s;k=ed25519;" + ed);
  EXPECT_TRUE(flags->testing && flags->strict_identity);
  EXPECT_EQ(parse_dkim_key(rsa)->key.bits(), 2048u);
}

/// Strangers fill the cache: what can't be a key takes no room in it.
TEST(DkimKey, LongRecordsAreNotKept) {
  DkimKeyCache cache(1);
  const std::string record = "k=ed25519; " + std::string(kEd25519);
  const auto first = cache.parse(record);
  EXPECT_FALSE(*cache.parse("p=" + std::string(60'000, 'A')));
  EXPECT_EQ(cache.parse(record), first);
}

/// RSAPublicKey of RFC 8017 appendix A.1.1 with this modulus and exponent, both without leading zeros.
std::string rsa_octets(std::string modulus, std::string exponent) {
  const auto element = [](char tag, const std::string& content) {
    const auto size = content.size();
    return std::string{tag, '\x82', static_cast<char>(size >> 8), static_cast<char>(size & 0xFF)} + content;
  };
  for (std::string* number : {&modulus, &exponent})
    if (number->empty() || (*number)[0] < 0) number->insert(0, 1, '\0');
  return element('\x30', element('\x02', modulus) + element('\x02', exponent));
}

/// What a check costs is up to whoever publishes the key, within bounds.
TEST(PublicKey, BoundsOfRsa) {
  const std::string modulus = std::string(255, '\xC1') + "\x01";
  const std::string high(254, '\xC1');
  const struct {
    std::string what, modulus, exponent;
    bool taken;
  } cases[] = {
      {"3", modulus, "\x03", true},
      {"65537", modulus, {"\x01\x00\x01", 3}, true},
      {"32 bits", modulus, "\xFF\xFF\xFF\xFF", true},
      {"0", modulus, "", false},
      {"1", modulus, "\x01", false},
      {"even", modulus, "\x04", false},
      {"33 bits", modulus, {"\x01\x00\x00\x00\x01", 5}, false},
      {"nearly the modulus", modulus, high + "\x01", false},
      {"4096 bits", std::string(511, '\xC1') + "\x01", "\x03", true},
      {"4104 bits", std::string(512, '\xC1') + "\x01", "\x03", false},
      {"16384 bits", std::string(2047, '\xC1') + "\x01", "\x03", false},
  };
  for (const auto& c : cases) {
    const auto key = PublicKey::parse(KeyKind::rsa, rsa_octets(c.modulus, c.exponent));
    EXPECT_EQ(key.has_value(), c.taken) << c.what;
    if (key) {
      EXPECT_FALSE(key->verify(sha256("x"), std::string(key->bits() / 8, 'x'))) << c.what;
    }
  }
}

TEST(DkimKey, CacheParsesOnce) {
  DkimKeyCache cache(2);
  const std::string record = "k=ed25519; " + std::string(kEd25519);
  const auto first = cache.parse(record);
  EXPECT_EQ(cache.parse(record), first);
  EXPECT_FALSE(*cache.parse("x"));
  cache.parse("y"); // full: begins anew
  EXPECT_TRUE(*cache.parse(record));
}

TEST(DkimKey, ZoneLines) {
  EXPECT_EQ(txt_zone_line("s._domainkey.a.test", "v=\"1\\"), "s._domainkey.a.test. IN TXT \"v=\\\"1\\\\\"");
  const std::string line = txt_zone_line("a.test", std::string(300, 'x'));
  EXPECT_EQ(line, "a.test. IN TXT (\n    \"" + std::string(255, 'x') + "\"\n    \"" + std::string(45, 'x') + "\" )");
  const auto record = dkim_record_of(test::test_key(KeyKind::rsa));
  EXPECT_TRUE(parse_dkim_key(record));
  EXPECT_GT(record.size(), 255u);
}

TEST(PrivateKey, Pem) {
  for (const auto kind : {KeyKind::rsa, KeyKind::ed25519}) {
    const auto& key = test::test_key(kind);
    const auto read = PrivateKey::from_pem(key.to_pem());
    ASSERT_TRUE(read);
    EXPECT_EQ(read->kind(), kind);
    EXPECT_EQ(read->public_octets(), key.public_octets());
    const auto digest = sha256("x");
    const auto signature = read->sign(digest);
    ASSERT_TRUE(signature);
    const auto open = PublicKey::parse(kind, key.public_octets());
    EXPECT_TRUE(open->verify(digest, *signature));
    EXPECT_FALSE(open->verify(sha256("y"), *signature));
    EXPECT_FALSE(open->verify(digest, ""));
    EXPECT_FALSE(open->verify(digest, *signature + "x"));
  }
  EXPECT_FALSE(PrivateKey::from_pem(""));
  EXPECT_FALSE(PrivateKey::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
}

} // namespace
} // namespace paquebot::mailauth
