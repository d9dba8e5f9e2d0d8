#include "base/fake_clock.h"
#include "delivery/signer.h"
#include "delivery/test_signing.h"
#include "mailauth/arc.h"
#include "net/task_group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::delivery {
namespace {

using directory::run_task;
using mailauth::KeyKind;
using store::MessageClass;
using testing::HasSubstr;
using testing::Not;

class SealTest : public ::testing::Test {
protected:
  SealTest() {
    for (const char* domain : {"one.test", "two.test", "ed.test"}) {
      const auto kind = std::string(domain) == "ed.test" ? KeyKind::ed25519 : KeyKind::rsa;
      server.domain(domain);
      test::add_keys(server.store(), domain, {test::key_of(kind, "s")});
      mailauth::test::publish(*zone, *mailauth::test::signing_key(kind, domain, "s"));
    }
  }

  /// The message as a peer gets it that `via` of the server `host` forwards to.
  std::string forwarded(const std::string& text, const std::string& via, const std::string& host = "mx.one.test",
                        MessageClass klass = MessageClass::incoming, std::optional<mail::Conversion> how = {}) {
    const queue::Job job = test::job_of(ids.next(), klass, text);
    Signer signer{server.store(), cpu, clock, host};
    Content content(server.store().content(), job, "Delivered-To: " + via + "\r\n");
    EXPECT_TRUE(run_task(content.open()));
    if (how) {
      EXPECT_TRUE(run_task(content.convert(*how)));
    }
    const auto done = run_task(signer.seal(job.message, via, content));
    EXPECT_TRUE(done) << done.error().message;
    return test::read_all(content);
  }

  /// "pass 2": the chain's result and its sets.
  std::string chain(const std::string& text) {
    const auto end = text.find("\r\n\r\n") + 4;
    const auto head = mail::Head::parse(text.substr(0, end)).value();
    mailauth::ArcVerifier verifier(head);
    verifier.body(std::string_view(text).substr(end));
    mailauth::DkimKeyCache cache;
    const auto outcome = run_task(verifier.finish(*zone, cache));
    return std::string(to_string(outcome.result)) + " " + std::to_string(outcome.sets);
  }

  static std::string letter(const std::string& results) {
    return results + "Received: from here\r\nFrom: ann@far.test\r\nTo: bob@one.test\r\nSubject: coffee\r\n"
                     "Date: Mon, 23 Nov 2026 11:58:12 +0000\r\nMessage-ID: <1@far.test>\r\n\r\nHello\r\n";
  }
  static std::string results(const std::string& host, const std::string& more = {}) {
    return "Authentication-Results: " + host + ";\r\n\tspf=pass smtp.mailfrom=far.test" + more + "\r\n";
  }

  directory::TestServer server;
  directory::CpuPool cpu{1};
  FakeClock clock;
  UlidSource ids{clock};
  std::shared_ptr<dns::FakeZone> zone = dns::FakeZone::parse("");
};

TEST_F(SealTest, WhatIsForwardedIsSealed) {
  const std::string text = forwarded(letter(results("mx.one.test")), "bob@one.test");
  EXPECT_EQ(chain(text), "pass 1");
  EXPECT_THAT(text,
              HasSubstr("ARC-Authentication-Results: i=1; mx.one.test;\r\n\tspf=pass smtp.mailfrom=far.test\r\n"));
  EXPECT_THAT(text, HasSubstr("Delivered-To: bob@one.test\r\n"));
}

TEST_F(SealTest, ASecondServerSealsOn) {
  const std::string first = forwarded(letter(results("mx.one.test")), "bob@one.test");
  const std::string came = results("mx.two.test", ";\r\n\tarc=pass header.oldest-pass=0") + first;
  const std::string second = forwarded(came, "bob@two.test", "mx.two.test");
  EXPECT_EQ(chain(second), "pass 2");
}

/// Destinations of one message, all at the same time: one seal for each domain that hands it on.
TEST_F(SealTest, SealedOnceForAllDestinations) {
  Signer signer{server.store(), cpu, clock, "mx.one.test"};
  const queue::Job job = test::job_of(ids.next(), MessageClass::incoming, letter(results("mx.one.test")));
  const std::string vias[] = {"bob@one.test", "team@One.test", "bob@two.test", "bob@one.test"};
  std::vector<std::unique_ptr<Content>> contents;
  const auto seal_one = [&](std::string via, Content& content) -> Task<void> {
    const auto done = co_await signer.seal(job.message, std::move(via), content);
    EXPECT_TRUE(done);
  };
  const auto seal_all = [&]() -> Task<bool> {
    net::TaskCount count;
    net::TaskGroup group(count);
    for (std::size_t i = 0; i < contents.size(); ++i) {
      Task<void> one = seal_one(vias[i], *contents[i]);
      co_await group.start(std::move(one));
    }
    const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    const bool ended = co_await group.wait_until(until);
    co_return ended;
  };
  for (const std::string& via : vias) {
    contents.push_back(std::make_unique<Content>(server.store().content(), job, "Delivered-To: " + via + "\r\n"));
    EXPECT_TRUE(run_task(contents.back()->open()));
  }
  EXPECT_TRUE(run_task(seal_all()));
  EXPECT_EQ(signer.made(), 2u);
  for (const auto& content : contents) EXPECT_EQ(chain(test::read_all(*content)), "pass 1");
}

TEST_F(SealTest, AChainThatWasBrokenIsLeftAsItIs) {
  const std::string first = forwarded(letter(results("mx.one.test")), "bob@one.test");
  for (const char* arc : {";\r\n\tarc=fail", "", ";\r\n\tarc=none"}) {
    const std::string came = results("mx.two.test", arc) + first;
    EXPECT_THAT(forwarded(came, "bob@two.test", "mx.two.test"), Not(HasSubstr("i=2"))) << arc;
  }
  EXPECT_THAT(forwarded(letter(results("mx.one.test", ";\r\n\tarc=pass")), "bob@one.test"), Not(HasSubstr("ARC-")))
      << "there is no chain that could have passed";
}

TEST_F(SealTest, NobodyElsesWordIsSealed) {
  EXPECT_THAT(forwarded(letter(""), "bob@one.test"), Not(HasSubstr("ARC-")));
  EXPECT_THAT(forwarded(letter(results("mx.other.test")), "bob@one.test"), Not(HasSubstr("ARC-")));
}

TEST_F(SealTest, OnlyWithARsaKeyAndOnlyForStrangers) {
  EXPECT_THAT(forwarded(letter(results("mx.one.test")), "bob@ed.test"), Not(HasSubstr("ARC-")));
  EXPECT_THAT(forwarded(letter(results("mx.one.test")), "bob@unknown.test"), Not(HasSubstr("ARC-")));
  EXPECT_THAT(forwarded(letter(results("mx.one.test")), "bob@one.test", "mx.one.test", MessageClass::submitted),
              Not(HasSubstr("ARC-")));
}

TEST_F(SealTest, TheFormThatThePeerGetsIsSealed) {
  std::string text = letter("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                            "Content-Transfer-Encoding: 8bit\r\n" +
                            results("mx.one.test"));
  text += "caf\xc3\xa9\r\n";
  const std::string sent = forwarded(text, "bob@one.test", "mx.one.test", MessageClass::incoming, mail::Conversion{});
  EXPECT_THAT(sent, HasSubstr("caf=C3=A9"));
  EXPECT_EQ(chain(sent), "pass 1");
}

} // namespace
} // namespace paquebot::delivery
