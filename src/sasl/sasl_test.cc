#include "sasl/client.h"
#include "sasl/secret.h"
#include "sasl/server.h"

#include <gtest/gtest.h>

namespace paquebot::sasl {
namespace {

using namespace std::string_literals;

struct PlainCase {
  std::string message;
  bool asks;
  std::string authzid, authcid, password;
};

TEST(SaslPlain, ReadsItsOneMessage) {
  const PlainCase cases[] = {
      {"\0alice\0wonderland"s, true, "", "alice", "wonderland"},
      {"boss\0alice\0wonderland"s, true, "boss", "alice", "wonderland"},
      {"\0\xC3\xBC\0p\xC3\xA4ss"s, true, "", "\xC3\xBC", "p\xC3\xA4ss"},
      {""s, false, {}, {}, {}},
      {"alice"s, false, {}, {}, {}},
      {"\0alice"s, false, {}, {}, {}},
      {"\0\0secret"s, false, {}, {}, {}},
      {"\0alice\0"s, false, {}, {}, {}},
      {"\0alice\0one\0two"s, false, {}, {}, {}},
      {"\0\xFF\0secret"s, false, {}, {}, {}},
      {"\0"s + std::string(256, 'a') + "\0x"s, false, {}, {}, {}},
      {"\0a\0"s + std::string(1025, 'x'), false, {}, {}, {}},
  };
  for (const PlainCase& c : cases) {
    const auto plain = make_server("plain", {});
    const Step step = plain->step(&c.message);
    const Ask* ask = std::get_if<Ask>(&step);
    ASSERT_EQ(ask != nullptr, c.asks) << c.message;
    if (ask == nullptr) {
      ASSERT_TRUE(std::holds_alternative<Failure>(step));
      EXPECT_TRUE(std::get<Failure>(step).malformed);
      continue;
    }
    EXPECT_EQ(ask->question.authzid, c.authzid);
    EXPECT_EQ(ask->question.authcid, c.authcid);
    EXPECT_EQ(ask->question.secret, c.password);
  }
}

TEST(SaslPlain, ActsAsItselfUnlessAnotherIsNamed) {
  const std::string own = "\0alice\0x"s;
  const std::string other = "team\0alice\0x"s;
  auto plain = make_server("PLAIN", {});
  plain->step(&own);
  EXPECT_EQ(std::get<Success>(plain->answer(true)).authzid, "alice");
  plain = make_server("PLAIN", {});
  plain->step(&other);
  EXPECT_EQ(std::get<Success>(plain->answer(true)).authzid, "team");
  EXPECT_FALSE(std::get<Failure>(plain->answer(false)).malformed);
}

TEST(SaslLogin, AsksForNameAndPassword) {
  const std::string name = "alice", password = "wonderland";
  auto login = make_server("LOGIN", {});
  EXPECT_EQ(std::get<Challenge>(login->step(nullptr)).bytes, "Username:");
  EXPECT_EQ(std::get<Challenge>(login->step(&name)).bytes, "Password:");
  EXPECT_EQ(std::get<Ask>(login->step(&password)).question.secret, "wonderland");
  login = make_server("LOGIN", {});
  EXPECT_EQ(std::get<Challenge>(login->step(&name)).bytes, "Password:") << "initial response";
}

TEST(SaslServer, KnowsItsMechanismsOnly) {
  for (const auto name : server_mechanisms({})) EXPECT_NE(make_server(name, {}), nullptr) << name;
  for (const auto name : {"", "CRAM-MD5", "PLAINER", "ANONYMOUS"}) EXPECT_EQ(make_server(name, {}), nullptr) << name;
}

TEST(SaslClient, PrefersPlainThenLogin) {
  const std::vector<std::string> both{"CRAM-MD5", "login", "plain"}, login{"LOGIN"}, none{"GSSAPI"};
  const Credentials who{"", "alice", "wonderland"};
  EXPECT_EQ(make_client(both, who)->name(), "PLAIN");
  EXPECT_EQ(make_client(login, who)->name(), "LOGIN");
  EXPECT_EQ(make_client(none, who), nullptr);
}

TEST(SaslClient, SpeaksWithTheServerSide) {
  for (const std::string name : {"PLAIN", "LOGIN"}) {
    const std::vector<std::string> offered{name};
    const auto client = make_client(offered, {"", "alice", "wonderland"});
    const auto server = make_server(name, {});
    auto response = client->initial();
    Step step = server->step(response ? &*response : nullptr);
    for (int i = 0; i < 5 && std::holds_alternative<Challenge>(step); ++i) {
      const auto next = client->respond(std::get<Challenge>(step).bytes);
      ASSERT_TRUE(next);
      step = server->step(&*next);
    }
    ASSERT_TRUE(std::holds_alternative<Ask>(step)) << name;
    EXPECT_EQ(std::get<Ask>(step).question.authcid, "alice");
    EXPECT_EQ(std::get<Ask>(step).question.secret, "wonderland");
    EXPECT_FALSE(client->respond("more?")) << name;
  }
}

TEST(SaslSecret, WipeLeavesNothing) {
  std::string secret(100, 's');
  wipe(secret);
  EXPECT_TRUE(secret.empty());
}

} // namespace
} // namespace paquebot::sasl
