// A key record, a NUL, and a message: nothing in them breaks the verifiers of DKIM and ARC; chunks don't matter to the
// hash of a body; and what we sign ourselves, we verify.

#include "base/encoding.h"
#include "mail/head.h"
#include "mailauth/arc.h"
#include "mailauth/dkim_sign.h"
#include "mailauth/dkim_verify.h"
#include "net/test_support.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace paquebot;
using namespace paquebot::mailauth;

namespace {

void check(bool good) {
  if (!good) std::abort();
}

/// Gives the same text to every question.
class OneAnswer final : public dns::Resolver {
public:
  explicit OneAnswer(std::string text) {
    auto answer = std::make_shared<dns::Answer>();
    answer->status = dns::Status::ok;
    answer->records.push_back({std::move(text)});
    answer_ = std::move(answer);
  }
  Task<std::shared_ptr<const dns::Answer>> query(std::string, dns::Type) override { co_return answer_; }

private:
  std::shared_ptr<const dns::Answer> answer_;
};

Digest hash(Canonical form, std::string_view body, std::size_t chunk) {
  BodyHash h(form);
  for (std::size_t i = 0; i < body.size(); i += chunk) h.feed(body.substr(i, chunk));
  const Digest digest = h.finish();
  check(h.size() <= body.size() + 2);
  return digest;
}

std::vector<DkimVerdict> verify(net::test::Loop& loop, const mail::Head& head, std::string_view body,
                                const std::string& record) {
  OneAnswer resolver(record);
  DkimKeyCache cache;
  DkimVerifier verifier(head, from_millis(1'767'225'600'000));
  verifier.body(body);
  auto verdicts = loop.run(verifier.finish(resolver, cache));
  ArcVerifier arc(head);
  arc.body(body);
  (void)loop.run(arc.finish(resolver, cache));
  return verdicts;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static net::test::Loop loop;
  static const auto key =
      std::make_shared<const SigningKey>(SigningKey{"a.test", "s", PrivateKey::generate(KeyKind::ed25519)});
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string record(input.substr(0, input.find('\0')));
  const std::string message(record.size() < size ? input.substr(record.size() + 1) : std::string_view());
  (void)parse_dkim_key(record);

  mail::HeadSplitter splitter;
  std::string body(splitter.feed(message).value_or(""));
  if (const auto rest = splitter.finish()) body += *rest;
  auto head = mail::Head::parse(splitter.take_head());
  if (!head) return 0;
  for (const auto form : {Canonical::simple, Canonical::relaxed})
    check(hash(form, body, 1) == hash(form, body, body.size() + 1));
  (void)verify(loop, *head, body, record);

  DkimSigner signer;
  signer.body(body);
  const auto field = signer.finish(*head, {key}, from_millis(1'767'225'000'000));
  check(field.has_value());
  head->prepend_raw(*field);
  const auto verdicts = verify(loop, *head, body, dkim_record_of(key->key));
  check(verdicts.front().result == DkimResult::pass || verdicts.front().result == DkimResult::policy);
  return 0;
}
