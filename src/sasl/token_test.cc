#include "sasl/client.h"
#include "sasl/server.h"

#include <gtest/gtest.h>

namespace paquebot::sasl {
namespace {

using namespace std::string_literals;

const Offer kAll{.channel = {.certificate_names = {"ann@example.test"}}, .tokens = true};

TEST(Tokens, Responses) {
  const struct {
    const char* mechanism;
    std::string message;
    const char* authzid; ///< null: malformed
    const char* token;
  } cases[] = {
      {"OAUTHBEARER",
       "n,a=ann@example.test,\x01host=mx\x01port=587\x01"
       "auth=Bearer abc.def-_~+/=\x01\x01",
       "ann@example.test", "abc.def-_~+/="},
      {"OAUTHBEARER",
       "n,,\x01"
       "auth=bearer abc\x01\x01",
       "", "abc"},
      {"OAUTHBEARER",
       "n,a=a=2Cb,\x01"
       "auth=Bearer x\x01\x01",
       "a,b", "x"},
      {"OAUTHBEARER",
       "p=tls-unique,,\x01"
       "auth=Bearer x\x01\x01",
       nullptr, ""},
      {"OAUTHBEARER",
       "n,,\x01"
       "auth=Bearer x\x01",
       nullptr, ""},
      {"OAUTHBEARER",
       "n,,\x01"
       "auth=Basic x\x01\x01",
       nullptr, ""},
      {"OAUTHBEARER",
       "n,,\x01"
       "auth=Bearer \x01\x01",
       nullptr, ""},
      {"OAUTHBEARER",
       "n,,\x01"
       "auth=Bearer a b\x01\x01",
       nullptr, ""},
      {"OAUTHBEARER", "n,,\x01\x01", nullptr, ""},
      {"OAUTHBEARER", "n,,", nullptr, ""},
      {"OAUTHBEARER", "", nullptr, ""},
      {"OAUTHBEARER",
       "n,,\x01"
       "auth=Bearer " +
           std::string(8193, 'x') + "\x01\x01",
       nullptr, ""},
      {"XOAUTH2",
       "user=ann@example.test\x01"
       "auth=Bearer abc\x01\x01",
       "ann@example.test", "abc"},
      {"XOAUTH2", "auth=Bearer abc\x01\x01", nullptr, ""},
      {"XOAUTH2",
       "user=\x01"
       "auth=Bearer abc\x01\x01",
       nullptr, ""},
      {"XOAUTH2", "user=ann\x01\x01", nullptr, ""},
      {"XOAUTH2", "\x01", nullptr, ""},
      {"XOAUTH2", "", nullptr, ""},
      {"XOAUTH2",
       "user=a\0b\x01"
       "auth=Bearer abc\x01\x01"s,
       nullptr, ""},
  };
  for (const auto& c : cases) {
    const auto server = make_server(c.mechanism, kAll);
    const Step step = server->step(&c.message);
    const auto* ask = std::get_if<Ask>(&step);
    ASSERT_EQ(ask != nullptr, c.authzid != nullptr) << c.mechanism << " " << c.message;
    if (ask == nullptr) {
      EXPECT_TRUE(std::get<Failure>(step).malformed) << c.message;
      continue;
    }
    EXPECT_EQ(ask->question.kind, Question::Kind::token);
    EXPECT_EQ(ask->question.authzid, c.authzid);
    EXPECT_EQ(ask->question.secret, c.token);
  }
}

TEST(Tokens, ARefusalIsToldAndAnswered) {
  const std::string bearer = "n,a=ann,\x01"
                             "auth=Bearer x\x01\x01",
                    google = "user=ann\x01"
                             "auth=Bearer x\x01\x01";
  const std::string dummy = "\x01", nothing;
  auto server = make_server("OAUTHBEARER", kAll);
  (void)server->step(&bearer);
  EXPECT_EQ(std::get<Challenge>(server->answer(false)).bytes, R"({"status":"invalid_token"})");
  EXPECT_FALSE(std::get<Failure>(server->step(&dummy)).malformed);
  server = make_server("XOAUTH2", kAll);
  (void)server->step(&google);
  EXPECT_NE(std::get<Challenge>(server->answer(false)).bytes.find("\"401\""), std::string::npos);
  EXPECT_FALSE(std::get<Failure>(server->step(&nothing)).malformed);
}

TEST(External, NamesWhomItMayBe) {
  const std::string nothing, other = "bob", broken = "a\0b"s;
  auto server = make_server("EXTERNAL", kAll);
  EXPECT_EQ(std::get<Challenge>(server->step(nullptr)).bytes, "");
  EXPECT_EQ(std::get<Ask>(server->step(&nothing)).question.kind, Question::Kind::certificate);
  EXPECT_EQ(std::get<Success>(server->answer(true)).authzid, "EXTERNAL");
  server = make_server("EXTERNAL", kAll);
  EXPECT_EQ(std::get<Ask>(server->step(&other)).question.authzid, "bob");
  EXPECT_FALSE(std::get<Failure>(server->answer(false)).malformed);
  server = make_server("EXTERNAL", kAll);
  EXPECT_TRUE(std::get<Failure>(server->step(&broken)).malformed);
}

TEST(Offers, OnlyWhatThereIs) {
  using Names = std::vector<std::string_view>;
  EXPECT_EQ(server_mechanisms({}), (Names{"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"}));
  EXPECT_EQ(server_mechanisms({.scram = false}), (Names{"PLAIN", "LOGIN"}));
  EXPECT_EQ(server_mechanisms({.channel = {.bindings = {{"tls-exporter", "x"}}}, .scram = false}),
            (Names{"PLAIN", "LOGIN"}));
  EXPECT_EQ(server_mechanisms(kAll),
            (Names{"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2", "EXTERNAL"}));
  for (const char* name : {"OAUTHBEARER", "XOAUTH2", "EXTERNAL", "SCRAM-SHA-1-PLUS"})
    EXPECT_EQ(make_server(name, {}), nullptr) << name;
}

TEST(SaslClient, TokensAndCertificates) {
  const std::vector<std::string> all{"XOAUTH2", "OAUTHBEARER", "PLAIN", "EXTERNAL"}, google{"XOAUTH2", "PLAIN"};
  const Credentials token{"", "ann", "", "TOKEN"};
  const Credentials certificate{.authcid = "ann", .external = true};
  auto client = make_client(all, token);
  EXPECT_EQ(client->name(), "OAUTHBEARER");
  EXPECT_EQ(*client->initial(), "n,a=ann,\x01"
                                "auth=Bearer TOKEN\x01\x01");
  EXPECT_EQ(*client->respond("{}"), "\x01");
  EXPECT_FALSE(client->complete());
  EXPECT_FALSE(client->respond(""));
  client = make_client(google, token);
  EXPECT_EQ(*client->initial(), "user=ann\x01"
                                "auth=Bearer TOKEN\x01\x01");
  EXPECT_EQ(*make_client(all, certificate)->initial(), "");
  EXPECT_EQ(make_client(google, certificate), nullptr);
}

} // namespace
} // namespace paquebot::sasl
