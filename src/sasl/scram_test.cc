#include "base/encoding.h"
#include "sasl/client.h"
#include "sasl/prepare.h"
#include "sasl/server.h"

#include <gsasl.h>
#include <gtest/gtest.h>

namespace paquebot::sasl {
namespace {

using namespace std::string_literals;

/// Fixed where the examples of the RFCs are.
ScramCredentials credentials_of(ScramHash hash, const std::string& password, const std::string& salt,
                                std::uint32_t iterations = 4096) {
  return {salt, iterations, {{"x", "x"}, make_scram_key(hash, password, salt, iterations)}};
}

std::string challenge_of(const Step& step) {
  const auto* challenge = std::get_if<Challenge>(&step);
  if (challenge != nullptr) return challenge->bytes;
  const auto* failure = std::get_if<Failure>(&step);
  return failure != nullptr ? "FAILED " + failure->cause : "not a challenge";
}

struct Example {
  const char* mechanism;
  ScramHash hash;
  std::string client_nonce, server_nonce, salt;
  std::string client_first, server_first, client_final, server_final;
};

/// RFC 5802 section 5 and RFC 7677 section 3.
const Example kExamples[] = {
    {"SCRAM-SHA-1", ScramHash::sha1, "fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j", "QSXCR+Q6sek8bf92",
     "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL", "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
     "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
     "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    {"SCRAM-SHA-256", ScramHash::sha256, "rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
     "W22ZaJ0SNY7soEsUEjb6gQ==", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
     "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
     "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
     "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
};

TEST(Scram, SpeaksTheExamplesOfTheRfcs) {
  for (const Example& e : kExamples) {
    const std::vector<std::string> offered{e.mechanism};
    const auto client = make_client(offered, {"", "user", "pencil"}, {}, e.client_nonce);
    const auto server = make_server(e.mechanism, {.nonce = e.server_nonce});
    const std::string first = *client->initial();
    EXPECT_EQ(first, e.client_first);
    const Step asked = server->step(&first);
    ASSERT_TRUE(std::holds_alternative<Ask>(asked));
    EXPECT_EQ(std::get<Ask>(asked).question.kind, Question::Kind::scram_keys);
    EXPECT_EQ(std::get<Ask>(asked).question.authcid, "user");
    const auto server_first =
        challenge_of(server->answer_keys(credentials_of(e.hash, "pencil", *base64_decode(e.salt))));
    EXPECT_EQ(server_first, e.server_first);
    const auto last = client->respond(server_first);
    ASSERT_TRUE(last);
    EXPECT_EQ(*last, e.client_final);
    EXPECT_FALSE(client->complete()) << "the server has proved nothing yet";
    const Step proved = server->step(&*last);
    ASSERT_TRUE(std::holds_alternative<Ask>(proved));
    EXPECT_TRUE(std::get<Ask>(proved).question.right);
    EXPECT_EQ(std::get<Ask>(proved).question.key, 1u);
    const auto server_final = challenge_of(server->answer(true));
    EXPECT_EQ(server_final, e.server_final);
    const auto end = client->respond(server_final);
    ASSERT_TRUE(end);
    EXPECT_TRUE(client->complete());
    EXPECT_EQ(std::get<Success>(server->step(&*end)).authzid, "user");
  }
}

/// A server in the middle of an exchange: SCRAM-SHA-256, nonce "server", the password "pencil".
struct Exchange {
  std::unique_ptr<ServerMechanism> server;
  std::string server_first;
};

Exchange begin(const std::string& first, Offer offer = {}, const char* mechanism = "SCRAM-SHA-256") {
  offer.nonce = "server";
  Exchange exchange{make_server(mechanism, offer), {}};
  const Step step = exchange.server->step(&first);
  if (std::holds_alternative<Ask>(step))
    exchange.server_first =
        challenge_of(exchange.server->answer_keys(credentials_of(ScramHash::sha256, "pencil", "salt")));
  else
    exchange.server_first = challenge_of(step);
  return exchange;
}

/// The last message of a client that knows the password, whatever else it does.
std::string final_message(const std::string& bare, const std::string& server_first, const std::string& cbind,
                          const std::string& nonce) {
  const std::string without = "c=" + base64_encode(cbind) + ",r=" + nonce;
  const std::string message = bare + "," + server_first + "," + without;
  const std::string salted = salted_password(ScramHash::sha256, "pencil", "salt", 4096);
  const std::string key = hmac(ScramHash::sha256, salted, "Client Key");
  const std::string proof = exclusive_or(key, hmac(ScramHash::sha256, digest(ScramHash::sha256, key), message));
  return without + ",p=" + base64_encode(proof);
}

TEST(ScramServer, AsksAboutEveryProof) {
  const struct {
    const char* what;
    std::string gs2, cbind, nonce;
    bool right;
  } cases[] = {
      {"all fine", "n,,", "n,,", "clientserver", true},
      {"another header than at first", "n,,", "y,,", "clientserver", false},
      {"an authzid slipped in", "n,,", "n,a=boss,", "clientserver", false},
      {"a nonce of another exchange", "n,,", "n,,", "clientother", false},
      {"the client's part of the nonce only", "n,,", "n,,", "client", false},
      {"binding data without -PLUS", "n,,", "n,,data", "clientserver", false},
  };
  for (const auto& c : cases) {
    Exchange exchange = begin(c.gs2 + "n=user,r=client");
    const std::string last = final_message("n=user,r=client", exchange.server_first, c.cbind, c.nonce);
    const Step step = exchange.server->step(&last);
    ASSERT_TRUE(std::holds_alternative<Ask>(step)) << c.what;
    EXPECT_EQ(std::get<Ask>(step).question.right, c.right) << c.what;
    EXPECT_EQ(std::holds_alternative<Challenge>(exchange.server->answer(true)), c.right)
        << c.what << ": an outside that says yes to a wrong proof is not believed";
  }
}

TEST(ScramServer, RefusesWhatIsMalformed) {
  const char* const firsts[] = {
      "",
      "n",
      "n,,",
      "n,,n=user",
      "n,,r=client",
      "n,,r=client,n=user",
      "x,,n=u,r=c",
      "p=,,n=u,r=c",
      "n,b=x,n=u,r=c",
      "n,a=,n=u,r=c",
      "n,,n=,r=c",
      "n,,n=u=,r=c",
      "n,,n=u=2D,r=c",
      "n,,n=u,r=",
      "n,,n=u,r=c c",
      "n,,n=\xFF,r=c",
      "n,,m=x,n=u,r=c",
      "N,,n=u,r=c",
  };
  for (const char* first : firsts) EXPECT_TRUE(begin(first).server_first.starts_with("FAILED")) << first;
  EXPECT_TRUE(begin("n,,n=u,r=" + std::string(513, 'c')).server_first.starts_with("FAILED"));
  EXPECT_TRUE(begin(std::string(5000, 'n')).server_first.starts_with("FAILED"));
  for (const char* last : {"", "c=biws", "c=biws,r=clientserver", "c=biws,r=clientserver,p=!", "r=clientserver,p=AAAA",
                           "c=!,r=clientserver,p=AAAA", "c=biws,p=AAAA"}) {
    Exchange exchange = begin("n,,n=user,r=client");
    const std::string message = last;
    const Step step = exchange.server->step(&message);
    ASSERT_TRUE(std::holds_alternative<Failure>(step)) << last;
    EXPECT_TRUE(std::get<Failure>(step).malformed) << last;
  }
}

TEST(ScramServer, NamesMayHoldCommas) {
  const auto server = make_server("SCRAM-SHA-1", {});
  const std::string first = "n,a=a=2Cb,n=c=3Dd,r=x";
  const Step step = server->step(&first);
  ASSERT_TRUE(std::holds_alternative<Ask>(step));
  EXPECT_EQ(std::get<Ask>(step).question.authcid, "c=d");
}

const Offer kBound{.channel = {.bindings = {{"tls-exporter", "EXPORTED"}, {"tls-unique", "FINISHED"}}}, .plus = true};

TEST(ScramPlus, BindsToTheChannel) {
  const struct {
    const char* mechanism;
    std::string gs2, cbind;
    bool begins, right;
  } cases[] = {
      {"SCRAM-SHA-256-PLUS", "p=tls-exporter,,", "p=tls-exporter,,EXPORTED", true, true},
      {"SCRAM-SHA-256-PLUS", "p=tls-unique,,", "p=tls-unique,,FINISHED", true, true},
      {"SCRAM-SHA-256-PLUS", "p=tls-exporter,,", "p=tls-exporter,,OTHER", true, false},
      {"SCRAM-SHA-256-PLUS", "p=tls-exporter,,", "p=tls-exporter,,", true, false},
      {"SCRAM-SHA-256-PLUS", "p=tls-unique,,", "p=tls-unique,,EXPORTED", true, false},
      {"SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,", "", false, false},
      {"SCRAM-SHA-256-PLUS", "n,,", "", false, false},
      {"SCRAM-SHA-256-PLUS", "y,,", "", false, false},
      {"SCRAM-SHA-256", "p=tls-exporter,,", "", false, false},
      {"SCRAM-SHA-256", "y,,", "", false, false},
      {"SCRAM-SHA-256", "n,,", "n,,", true, true},
  };
  for (const auto& c : cases) {
    Exchange exchange = begin(c.gs2 + "n=user,r=client", kBound, c.mechanism);
    ASSERT_EQ(!exchange.server_first.starts_with("FAILED"), c.begins) << c.mechanism << " " << c.gs2;
    if (!c.begins) continue;
    const std::string last = final_message("n=user,r=client", exchange.server_first, c.cbind, "clientserver");
    const Step step = exchange.server->step(&last);
    EXPECT_EQ(std::get<Ask>(step).question.right, c.right) << c.gs2;
  }
  EXPECT_EQ(make_server("SCRAM-SHA-256-PLUS", {}), nullptr) << "nothing to bind to";
}

TEST(ScramPlus, IsOfferedOnlyWhenTheSettingSaysSo) {
  Offer plain = kBound;
  plain.plus = false;
  EXPECT_EQ(make_server("SCRAM-SHA-256-PLUS", plain), nullptr);
  for (const std::string_view name : server_mechanisms(plain)) EXPECT_FALSE(name.ends_with("-PLUS")) << name;
  EXPECT_EQ(server_mechanisms(kBound).front(), "SCRAM-SHA-256-PLUS");
  // RFC 5802 section 6: a client that could bind and saw no -PLUS says "y", which is now the truth.
  const Exchange exchange = begin("y,,n=user,r=client", plain, "SCRAM-SHA-256");
  ASSERT_FALSE(exchange.server_first.starts_with("FAILED"));
  const std::string last = final_message("n=user,r=client", exchange.server_first, "y,,", "clientserver");
  EXPECT_TRUE(std::get<Ask>(exchange.server->step(&last)).question.right);
}

TEST(ScramClient, FallsBackToPlainOnlyWhereTheServerIsKnown) {
  const std::vector<std::string> all{"SCRAM-SHA-256", "PLAIN"}, only{"SCRAM-SHA-256", "LOGIN"};
  const Credentials who{"", "user", "pencil"};
  Channel proved, bound = kBound.channel;
  proved.verified = true;
  const auto scram = make_client(all, who);
  ASSERT_EQ(make_fallback(*scram, all, who, proved)->name(), "PLAIN");
  EXPECT_EQ(make_fallback(*scram, all, who, {}), nullptr) << "in clear, or not verified";
  EXPECT_EQ(make_fallback(*scram, all, who, bound), nullptr) << "TLS with anybody";
  EXPECT_EQ(make_fallback(*scram, only, who, proved), nullptr);
  const auto plain = make_client(std::vector<std::string>{"PLAIN"}, who);
  EXPECT_EQ(make_fallback(*plain, all, who, proved), nullptr);
}

TEST(ScramPlus, OurClientUsesItWhenBothCan) {
  const std::vector<std::string> all{"PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"};
  const std::vector<std::string> without{"PLAIN", "SCRAM-SHA-256"};
  const Credentials who{"", "user", "pencil"};
  EXPECT_EQ(make_client(all, who, kBound.channel)->name(), "SCRAM-SHA-256-PLUS");
  EXPECT_TRUE(make_client(all, who, kBound.channel)->initial()->starts_with("p=tls-exporter,,n=user,r="));
  EXPECT_EQ(make_client(all, who)->name(), "SCRAM-SHA-256");
  EXPECT_TRUE(make_client(all, who)->initial()->starts_with("n,,"));
  EXPECT_TRUE(make_client(without, who, kBound.channel)->initial()->starts_with("y,,"));
}

TEST(ScramClient, DoesNotTrustItsServer) {
  const std::vector<std::string> offered{"SCRAM-SHA-256"};
  for (const char* first : {"", "r=client,s=c2FsdA==,i=4096", "r=otherserver,s=c2FsdA==,i=4096",
                            "r=clientserver,s=,i=4096", "r=clientserver,s=!,i=4096", "r=clientserver,s=c2FsdA==,i=4095",
                            "r=clientserver,s=c2FsdA==,i=1000001", "r=clientserver,s=c2FsdA==,i=0",
                            "r=clientserver,s=c2FsdA==,i=99999999999999999999", "m=x,r=clientserver,s=c2FsdA==,i=4096",
                            "r=clientserver,s=c2FsdA==,i=-4096", "s=c2FsdA==,r=clientserver,i=4096"}) {
    const auto client = make_client(offered, {"", "user", "pencil"}, {}, "client");
    (void)client->initial();
    EXPECT_FALSE(client->respond(first)) << first;
  }
  for (const char* last : {"", "v=", "v=AAAA", "e=other-error", "v=!"}) {
    const auto client = make_client(offered, {"", "user", "pencil"}, {}, "client");
    (void)client->initial();
    ASSERT_TRUE(client->respond("r=clientserver,s=c2FsdA==,i=4096"));
    EXPECT_FALSE(client->respond(last)) << last;
    EXPECT_FALSE(client->complete()) << last;
  }
}

TEST(Prepare, Passwords) {
  const struct {
    const char* text;
    const char* prepared; ///< null: refused
  } cases[] = {
      {"correct horse", "correct horse"},
      {"I\xC2\xADX", "IX"}, // RFC 4013 section 3
      {"\xC2\xAA", "a"},
      {"\xE2\x85\xA8", "IX"},
      {"\x07", nullptr},
      {"\xD8\xA7\x31", nullptr},
      {"a\xCC\x8A", "\xC3\xA5"},
      {"\xC2\xA0", " "},
      {"", nullptr},
      {"\xFF", nullptr},
  };
  for (const auto& c : cases) {
    const auto prepared = prepare_password(c.text, true);
    EXPECT_EQ(prepared.has_value(), c.prepared != nullptr) << c.text;
    EXPECT_EQ(prepared.value_or(""), c.prepared == nullptr ? "" : c.prepared);
  }
  EXPECT_FALSE(prepare_password(std::string(1025, 'x'), true));
  EXPECT_FALSE(prepare_password("a\0b"s, true));
  EXPECT_FALSE(prepare_name(std::string(256, 'x')));
}

/// GNU SASL as the client, a second opinion on the server.
int give_property(Gsasl*, Gsasl_session* session, Gsasl_property property) {
  if (property == GSASL_AUTHID) return gsasl_property_set(session, property, "user");
  if (property == GSASL_PASSWORD) return gsasl_property_set(session, property, "pencil");
  const bool plus = std::string_view(gsasl_mechanism_name(session)).ends_with("-PLUS");
  if (property == GSASL_CB_TLS_EXPORTER && plus)
    return gsasl_property_set(session, property, "RVhQT1JURUQ="); // EXPORTED
  return GSASL_NO_CALLBACK;
}

TEST(Scram, AgreesWithGnuSasl) {
  const struct {
    const char* mechanism;
    ScramHash hash;
  } cases[] = {{"SCRAM-SHA-1", ScramHash::sha1},
               {"SCRAM-SHA-256", ScramHash::sha256},
               {"SCRAM-SHA-1-PLUS", ScramHash::sha1},
               {"SCRAM-SHA-256-PLUS", ScramHash::sha256}};
  Gsasl* library = nullptr;
  ASSERT_EQ(gsasl_init(&library), GSASL_OK);
  gsasl_callback_set(library, give_property);
  for (const auto& c : cases) {
    const bool plus = std::string_view(c.mechanism).ends_with("PLUS");
    const auto server = make_server(c.mechanism, plus ? kBound : Offer{});
    Gsasl_session* client = nullptr;
    ASSERT_EQ(gsasl_client_start(library, c.mechanism, &client), GSASL_OK) << c.mechanism;
    std::string input;
    Step step = Challenge{};
    for (int round = 0; round < 8 && std::holds_alternative<Challenge>(step); ++round) {
      char* out = nullptr;
      std::size_t size = 0;
      const int code = gsasl_step(client, input.data(), input.size(), &out, &size);
      ASSERT_TRUE(code == GSASL_OK || code == GSASL_NEEDS_MORE)
          << c.mechanism << " to " << input << ": " << gsasl_strerror(code);
      const std::string response(out == nullptr ? "" : out, size);
      gsasl_free(out);
      step = server->step(&response);
      if (const auto* ask = std::get_if<Ask>(&step)) {
        const bool keys = ask->question.kind == Question::Kind::scram_keys;
        EXPECT_TRUE(keys || ask->question.right) << c.mechanism;
        step = keys ? server->answer_keys(credentials_of(c.hash, "pencil", "some salt", 10000)) : server->answer(true);
      }
      if (const auto* challenge = std::get_if<Challenge>(&step)) input = challenge->bytes;
    }
    EXPECT_TRUE(std::holds_alternative<Success>(step)) << c.mechanism << challenge_of(step);
    gsasl_finish(client);
  }
  gsasl_done(library);
}

TEST(Hmac, IsThatOfRfc2104) {
  // RFC 4231 sections 4.2, 4.3 and 4.7, RFC 2202 section 3.
  const auto sha256 = [](std::string_view key, std::string_view text) {
    return hex_encode(hmac(ScramHash::sha256, key, text));
  };
  EXPECT_EQ(sha256(std::string(20, 0x0b), "Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(sha256("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(hex_encode(hmac(ScramHash::sha1, "Jefe", "what do ya want for nothing?")),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
}

} // namespace
} // namespace paquebot::sasl
