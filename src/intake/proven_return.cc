#include "intake/proven_return.h"

#include "base/text.h"
#include "mail/report.h"

#include <algorithm>

namespace paquebot::intake {
namespace {

constexpr std::size_t kMostFailed = 100;
constexpr std::size_t kMostSaid = 500; // octets of what a report quotes

/// "dns; mx.far.example": what stands behind the type (RFC 3464 section 2.3).
std::string_view behind_type(std::string_view typed) {
  const auto semicolon = typed.find(';');
  return trim(semicolon == typed.npos ? typed : typed.substr(semicolon + 1));
}

/// "550 5.1.1 no such user", "550-5.1.1 …": code and status, where there are some, and the words.
mail::Reply reply_in(std::string_view diagnostic, std::string_view status) {
  mail::Reply reply;
  reply.heard = true;
  const auto code = parse_u64(diagnostic.substr(0, 3));
  if (code && *code >= 400 && *code < 600) {
    reply.code = static_cast<std::uint16_t>(*code);
    diagnostic.remove_prefix(std::min<std::size_t>(4, diagnostic.size()));
  }
  if (const auto own = mail::EnhancedCode::parse(diagnostic)) {
    reply.enhanced = *own;
    diagnostic = trim(diagnostic.substr(own->to_string().size()));
  } else if (const auto told = mail::EnhancedCode::parse(status)) {
    reply.enhanced = *told;
  }
  if (reply.code == 0) reply.code = reply.enhanced.klass == 4 ? 450 : 550; // it failed, whatever the words are
  reply.text = printable(diagnostic, kMostSaid);
  return reply;
}

} // namespace

store::ProvenReturn proven_return(const policy::Returned& returned, const Ulid& report, std::string_view begin) {
  store::ProvenReturn proven{.report = report, .message = returned.about.id, .recipient = returned.recipient};
  proven.most = returned.most();
  const auto parsed = mail::parse_report(begin);
  if (!parsed) return proven;
  for (const mail::ParsedRecipient& one : parsed->recipients) {
    if (one.action != "failed" || proven.failed.size() == kMostFailed) continue;
    std::string address = to_lower(std::string(behind_type(one.original_recipient)));
    if (address.empty()) address = to_lower(std::string(behind_type(one.final_recipient)));
    std::string host = printable(behind_type(one.remote_mta), 255);
    if (host.empty()) host = printable(behind_type(parsed->reporting_mta), 255);
    proven.failed.push_back(
        {std::move(address), mail::Told::by(reply_in(behind_type(one.diagnostic_code), one.status), std::move(host))});
  }
  return proven;
}

std::vector<mail::BounceClass> classes_of(const store::ProvenReturn& proven) {
  std::vector<mail::BounceClass> all;
  for (const auto& one : proven.failed) all.push_back(mail::class_of(one.told));
  return all;
}

} // namespace paquebot::intake
