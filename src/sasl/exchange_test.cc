#include "base/encoding.h"
#include "sasl/exchange.h"

#include <gtest/gtest.h>

namespace paquebot::sasl {
namespace {

using Outcome = Exchange::Outcome;

std::string plain(std::string_view name, std::string_view password) {
  std::string out(1, '\0');
  out.append(name).append(1, '\0').append(password);
  return base64_encode(out);
}

TEST(Exchange, AnInitialResponseIsAskedAboutAtOnce) {
  Exchange exchange;
  ASSERT_EQ(exchange.begin("plain", plain("anna", "secret"), {}), Outcome::ask);
  EXPECT_EQ(exchange.mechanism(), "PLAIN");
  EXPECT_EQ(exchange.question().authcid, "anna");
  EXPECT_EQ(exchange.question().secret, "secret");
  EXPECT_FALSE(exchange.waits());
  EXPECT_EQ(exchange.answer(true), Outcome::accepted);
  EXPECT_EQ(exchange.identity(), "anna");
  EXPECT_TRUE(exchange.question().secret.empty()) << "wiped once it was judged";
  EXPECT_FALSE(exchange.take_refusal());
}

TEST(Exchange, WithoutOneTheClientIsAsked) {
  Exchange exchange;
  ASSERT_EQ(exchange.begin("LOGIN", {}, {}), Outcome::challenge);
  EXPECT_EQ(base64_decode(exchange.challenge()), "Username:");
  EXPECT_TRUE(exchange.waits());
  ASSERT_EQ(exchange.respond(base64_encode("anna")), Outcome::challenge);
  ASSERT_EQ(exchange.respond(base64_encode("wrong")), Outcome::ask);
  EXPECT_EQ(exchange.answer(false), Outcome::refused);
  EXPECT_FALSE(exchange.running());
  EXPECT_FALSE(exchange.take_refusal()) << "who was asked logs it";
}

TEST(Exchange, WhatNeverComesToAQuestionIsTold) {
  const struct {
    std::string_view mechanism;
    std::optional<std::string_view> initial;
    std::string_view line; ///< then, unless empty
    Outcome outcome;
    std::string_view cause;
  } cases[] = {
      {"NTLM", {}, "", Outcome::not_offered, "this mechanism is not offered here"},
      {"PLAIN", "%%%", "", Outcome::no_base64, "a response that is no base 64"},
      {"PLAIN", "*", "", Outcome::no_base64, "a response that is no base 64"},
      {"PLAIN", {}, "*", Outcome::cancelled, "the client broke it off"},
      {"PLAIN", {}, "=", Outcome::no_base64, "a response that is no base 64"},
  };
  for (const auto& one : cases) {
    Exchange exchange;
    Outcome outcome = exchange.begin(one.mechanism, one.initial, {});
    if (!one.line.empty()) {
      ASSERT_EQ(outcome, Outcome::challenge) << one.mechanism;
      outcome = exchange.respond(one.line);
    }
    EXPECT_EQ(outcome, one.outcome) << one.mechanism;
    EXPECT_FALSE(exchange.running() || exchange.waits());
    const auto refusal = exchange.take_refusal();
    ASSERT_TRUE(refusal) << one.mechanism;
    EXPECT_EQ(refusal->cause, one.cause);
    EXPECT_EQ(refusal->mechanism, one.mechanism);
    EXPECT_FALSE(exchange.take_refusal()) << "once";
  }
}

TEST(Exchange, AnEqualsSignIsAnInitialResponseWithoutOctets) {
  Exchange exchange;
  EXPECT_EQ(exchange.begin("PLAIN", "=", {}), Outcome::malformed);
  EXPECT_TRUE(exchange.take_refusal());
}

TEST(Exchange, APasswordMayComeAsCommandsOfTheProtocol) {
  Exchange exchange;
  exchange.take_password("anna", "two words", "PASS");
  EXPECT_EQ(exchange.mechanism(), "PASS");
  EXPECT_EQ(exchange.question().secret, "two words");
  EXPECT_EQ(exchange.answer(true), Outcome::accepted);
  EXPECT_EQ(exchange.identity(), "anna");
  exchange.take_password("anna", "wrong", "PASS");
  EXPECT_EQ(exchange.answer(false), Outcome::refused);
}

TEST(Exchange, AnAnswerToNoQuestionLetsNobodyIn) {
  Exchange exchange;
  EXPECT_EQ(exchange.answer(true), Outcome::refused);
  EXPECT_EQ(exchange.answer_keys({}), Outcome::refused);
  exchange.take_password("anna", "secret", "PASS");
  EXPECT_EQ(exchange.answer_keys({}), Outcome::refused);
  EXPECT_EQ(exchange.answer(true), Outcome::refused) << "the question is gone";
}

TEST(Exchange, WhatIsBrokenOffFromOutsideIsTold) {
  Exchange exchange;
  ASSERT_EQ(exchange.begin("PLAIN", {}, {}), Outcome::challenge);
  exchange.end("a response of more octets than may be");
  EXPECT_FALSE(exchange.waits());
  EXPECT_EQ(exchange.take_refusal()->cause, "a response of more octets than may be");
  exchange.refuse("a login without TLS");
  const auto refusal = exchange.take_refusal();
  EXPECT_EQ(refusal->mechanism, "");
  EXPECT_EQ(refusal->cause, "a login without TLS");
}

TEST(Exchange, TheNameOfAMechanismIsKeptToABound) {
  Exchange exchange;
  EXPECT_EQ(exchange.begin(std::string(12'000, 'x'), {}, {}), Outcome::not_offered);
  EXPECT_EQ(exchange.mechanism(), std::string(64, 'X'));
}

} // namespace
} // namespace paquebot::sasl
