#include "directory/directory.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>

namespace paquebot::directory {
namespace {

TEST(Password, ArgonRoundTrip) {
  const auto hash = hash_password("correct horse");
  ASSERT_TRUE(hash);
  EXPECT_TRUE(hash->starts_with("$argon2id$v=19$m=19456,t=2,p=1$")) << *hash;
  EXPECT_TRUE(known_hash(*hash));
  EXPECT_TRUE(verify_password(*hash, "correct horse"));
  EXPECT_FALSE(verify_password(*hash, "correct horsE"));
  EXPECT_FALSE(verify_password(*hash, ""));
}

TEST(Password, NulAndUtf8Count) {
  const std::string with_nul("before\0after!", 13);
  const auto hash = hash_password(with_nul);
  ASSERT_TRUE(hash);
  EXPECT_TRUE(verify_password(*hash, with_nul));
  EXPECT_FALSE(verify_password(*hash, "before"));
  EXPECT_TRUE(verify_password(*hash_password("Grüße aus Köln"), "Grüße aus Köln"));
}

/// "builder" under forms of crypt(3) that other servers leave behind.
constexpr const char* kBuilder[] = {
    "ab0YneVfCMp1c",
    "$1$saltsalt$zitrwOX1lEaNffiF89rXp.",
    "$5$saltsalt$ZZafy3axKGVvwp5WrR36Vrb3IbPVQKjJhmtDxaFOvd2",
    "$6$rounds=1000$saltsalt$MmgSuXltk7MiPun6iqUg4EhT4rBBBKAvbQv9VWc6Md1rJUZOHgD9R7ybTSRlsQRjv7LqQhuL8A3dxin579TRL.",
    "$2b$05$abcdefghijklmnopqrstuu3wiKDIdUrAhSFkvcAcWHGTjN7vc525q",
    "$y$j75$F5Jx5fExrKuPp53xLKQ..1$43c/Kp7sy6wWbMs84LAfjvwRMkHdW1gLSElP1nPW6F.",
};

TEST(Password, Crypt) {
  for (const char* hash : kBuilder) {
    EXPECT_TRUE(known_hash(hash)) << hash;
    EXPECT_TRUE(verify_password(hash, "builder")) << hash;
    EXPECT_FALSE(verify_password(hash, "builde")) << hash;
    EXPECT_FALSE(verify_password(hash, std::string("builder\0x", 9))) << hash;
  }
}

TEST(Password, KnowsItsForms) {
  for (const char* good :
       {"$gy$j9T$abcdefgh$Fi3mUfLMwr2ZyDlmydp6rw5RwzYJnsb1LquZlQ2CYq0",
        "$7$CU..../....abcdefgh$XWs9HxtpA2.6U5CDBBbcW.h3o9pYlC.MIIb8JqMgZx6",
        "$sha1$1000$abcdefgh$ji8ESnkwjcTjo4hThodnLYyi.3yG", "$md5,rounds=10$abcdefgh$$8ilunLmR980Ls26AwIcTK/",
        "$3$$878d8014606cda29677a44efa1353fc7", "_J9..saltLXKE4peqNCg", "ab54209IPh6ag"}) {
    EXPECT_TRUE(known_hash(good)) << good;
    EXPECT_FALSE(known_hash(std::string(good) + "x")) << good;
  }
  for (const char* whole : kBuilder) { // a hash that no password can have: cut, or with something behind it
    const std::string hash = whole;
    EXPECT_FALSE(known_hash(hash.substr(0, hash.size() - 1))) << hash;
    EXPECT_FALSE(known_hash(hash + "x")) << hash;
    EXPECT_FALSE(known_hash(hash + " ")) << hash;
    EXPECT_FALSE(known_hash(hash.substr(0, hash.size() - 1) + "!")) << hash;
    if (hash.starts_with('$')) {
      EXPECT_FALSE(known_hash(hash.substr(0, hash.rfind('$') + 1))) << hash;
    }
  }
  for (const char* bad : {"", "secret", "{PLAIN}secret", "$", "$99$x$y", "$argon2id$", "*", "!", "x",
                          "$argon2id$v=19$m=99999999,t=2,p=1$c2FsdHNhbHQ$aGFzaA", "plain:pass:wd"}) {
    EXPECT_FALSE(known_hash(bad)) << bad;
  }
  EXPECT_FALSE(known_hash(std::string(10000, 'a')));
}

TEST(Password, WhatWouldWorkForMinutesIsNone) {
  const std::string digest(53, 'a'), sha(86, 'a');
  for (const auto& [hash, known] : std::vector<std::pair<std::string, bool>>{
           {"$2y$04$" + digest, true},
           {"$2y$16$" + digest, true},
           {"$2y$17$" + digest, false},
           {"$2y$03$" + digest, false},
           {"$2y$99$" + digest, false},
           {"$2y$1x$" + digest, false},
           {"$6$rounds=656000$saltsalt$" + sha, true},
           {"$6$rounds=999999999$saltsalt$" + sha, false},
           {"$6$rounds=99999999999999999999$saltsalt$" + sha, false},
           {"$sha1$9999999$abcdefgh$" + std::string(28, 'a'), false},
           {"$7$zU..../....abcdefgh$" + std::string(43, 'a'), false},
           {"$y$jzT$abcdefgh$" + std::string(43, 'a'), false},
           {"$argon2id$v=19$m=65536,t=3,p=1$c2FsdHNhbHRzYWx0c2FsdA$" + std::string(43, 'A'), true},
           {"$argon2id$v=19$m=65536,t=999999,p=1$c2FsdHNhbHRzYWx0c2FsdA$" + std::string(43, 'A'), false}})
    EXPECT_EQ(known_hash(hash), known) << hash;
}

TEST(Password, MadeOnes) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const auto password = make_password();
    EXPECT_EQ(password.size(), 20U);
    EXPECT_TRUE(std::ranges::all_of(password, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '9'); }))
        << password;
    EXPECT_TRUE(seen.insert(password).second);
  }
}

} // namespace
} // namespace paquebot::directory
