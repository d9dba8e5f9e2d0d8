// Fuzzes what an authority says. Octet 0: which document it is; the rest is the document. What was read of it is
// bounded, its URLs are whole ones of https, and words for people are printable. Octet 0 of 5 and more: the n-th answer
// of a conversation is that document, which comes to an end all the same.

#include "acme/message.h"
#include "acme/ordering.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

using namespace paquebot;
using namespace paquebot::acme;

namespace {

constexpr std::int64_t kNow = 1'767'225'600'000;
constexpr std::size_t kMostList = 200, kMostText = 4096;
constexpr unsigned kMostSteps = 3000;

void expect(bool holds) {
  if (!holds) std::abort();
}

void expect_url(const std::string& url, bool may_be_empty = false) {
  expect((may_be_empty && url.empty()) || is_authority_url(url));
}

bool is_shown(const std::string& text) {
  return text.size() <= kMostText && std::ranges::none_of(text, [](unsigned char c) { return c < 32 || c == 127; });
}

void expect_problem(const Problem& problem) { expect(is_shown(problem.kind) && is_shown(problem.words)); }

void read_one(unsigned which, const std::string& text) {
  if (which == 0) {
    if (const auto got = read_directory(text)) {
      for (const auto* url : {&got->new_nonce, &got->new_account, &got->new_order}) expect_url(*url);
      expect_url(got->renewal_info, true);
    }
  } else if (which == 1) {
    if (const auto got = read_order(text)) {
      expect(got->names.size() <= kMostList && got->authorizations.size() <= kMostList);
      for (const std::string& url : got->authorizations) expect_url(url);
      expect_problem(got->problem);
    }
  } else if (which == 2) {
    if (const auto got = read_authorization(text)) {
      expect(got->challenges.size() <= kMostList);
      for (const Challenge& one : got->challenges) expect_url(one.url);
    }
  } else if (which == 3) {
    const Reply reply{400, {{"content-type", "application/problem+json"}}, text};
    const Problem problem = read_problem(reply);
    expect_problem(problem);
    expect(is_shown(explain(problem, reply.status)));
  } else if (const auto got = read_window(text)) {
    expect(got->start < got->end);
  }
}

/// The first `good` answers are fine, then there is only that.
void talk(unsigned good, unsigned status, const std::string& text) {
  static const PrivateKey key = PrivateKey::make().value();
  OrderPlan plan{.directory = "https://ca.test/directory",
                 .account_key = key,
                 .account = {},
                 .contacts = {},
                 .terms_agreed = true,
                 .external = {},
                 .names = {"mx.example.test"},
                 .key = key,
                 .order = {},
                 .replaces = {},
                 .kinds = {ChallengeKind::http}};
  Ordering ordering(plan);
  unsigned asked = 0, steps = 0;
  for (; steps < kMostSteps; ++steps) {
    const OrderAction action = ordering.next();
    if (std::get_if<Ask>(&action) != nullptr) {
      Reply reply{200, {{"replay-nonce", "bm9uY2U"}, {"location", "https://ca.test/1"}}, {}};
      if (asked == 0)
        reply.content =
            R"({"newNonce":"https://ca.test/n","newAccount":"https://ca.test/a","newOrder":"https://ca.test/o"})";
      else if (asked == 2)
        reply.content = R"({"status":"valid"})", reply.status = 201;
      if (asked++ >= good) reply.content = text, reply.status = status;
      ordering.answered(std::move(reply), kNow);
    } else if (std::get_if<Wait>(&action) != nullptr) {
      ordering.waited();
    } else if (std::get_if<Keep>(&action) != nullptr) {
      ordering.kept();
    } else if (std::get_if<Publish>(&action) != nullptr) {
      ordering.published();
    } else if (std::get_if<Withdraw>(&action) != nullptr) {
      ordering.withdrawn();
    } else if (const auto* failed = std::get_if<Failed>(&action)) {
      expect(is_shown(failed->failure->words));
      break;
    } else {
      std::abort(); // nobody could sign a certificate with our key
    }
  }
  expect(steps < kMostSteps);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > 16384) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr unsigned kStatuses[] = {200, 201, 400, 403, 409, 503};
  if (data[0] < 5)
    read_one(data[0], text);
  else
    talk((data[0] - 5) % 6, kStatuses[(data[0] - 5) / 6 % 6], text);
  return 0;
}
