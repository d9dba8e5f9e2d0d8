#include "mailauth/dmarc_message.h"

#include "base/encoding.h"
#include "base/text.h"
#include "dns/wire.h"
#include "mail/date.h"
#include "mailauth/dmarc.h"
#include "mailauth/gzip.h"

#include <fmt/format.h>

namespace paquebot::mailauth {
namespace {

constexpr std::size_t kLineOctets = 57; // give 76 characters (RFC 2045 section 6.8)

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const std::string_view digits = text.substr(i + 1, 2);
    if (digits.size() < 2 || digits.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos)
      return std::nullopt;
    out += static_cast<char>(std::stoi(std::string(digits), nullptr, 16));
    i += 2;
  }
  return out;
}

/// The addresses that the destination names instead; none when one of them is at another host.
std::vector<mail::Address> overridden(const DmarcRecord& record, const mail::Address& to) {
  std::vector<mail::Address> out;
  for (const std::string& uri : record.rua) {
    const auto address = rua_address(uri);
    if (!address) continue;
    if (address->domain != to.domain) return {};
    out.push_back(*address);
  }
  if (out.empty()) out.push_back(to);
  return out;
}

} // namespace

std::string joined_addresses(const std::vector<mail::Address>& addresses) {
  std::string out;
  for (const mail::Address& address : addresses) out += (out.empty() ? "<" : ",\r\n <") + address.to_string() + ">";
  return out;
}

std::string attachment_lines(std::string_view octets) {
  std::string out;
  for (std::size_t i = 0; i < octets.size(); i += kLineOctets)
    out += base64_encode(octets.substr(i, kLineOctets)) + "\r\n";
  return out;
}

std::string report_date(WallTime now) { return mail::format_date(now); }

Result<mail::Address> rua_address(std::string_view uri) {
  if (!istarts_with(uri, "mailto:")) return fail(Errc::unsupported, "reports are sent by mail only");
  const auto text = percent_decoded(uri.substr(7, uri.find('?') - 7));
  if (!text) return fail(Errc::invalid, "malformed URI");
  auto address = mail::parse_address(*text, false);
  if (address && (address->is_literal() || address->domain.empty())) return fail(Errc::invalid, "no domain");
  return address;
}

Task<Result<std::vector<mail::Address>>> report_addresses(std::string policy_domain, mail::Address to,
                                                          dns::Resolver& resolver) {
  using List = std::vector<mail::Address>;
  DmarcWalker walker(resolver);
  const DmarcWalk ours = co_await walker.walk(policy_domain);
  const DmarcWalk theirs = co_await walker.walk(to.domain);
  if (!ours.failed.empty() || !theirs.failed.empty())
    co_return fail(Errc::temporary, "the DNS failed for " + to.domain);
  if (ours.organizational_domain() == theirs.organizational_domain()) co_return List{to};
  std::string name = policy_domain + "._report._dmarc." + to.domain;
  if (!dns::is_query_name(name)) co_return List();
  const auto answer = co_await resolver.query(std::move(name), dns::Type::txt);
  if (answer->status == dns::Status::servfail) co_return fail(Errc::temporary, "the DNS failed for " + to.domain);
  for (const auto& text : answer->records)
    if (const auto record = parse_dmarc_record(text.text)) co_return overridden(*record, to);
  co_return List();
}

ReportMessage compose_report_message(const DmarcReport& report, const ReportSender& sender,
                                     const std::vector<mail::Address>& to, WallTime now) {
  const std::string file = dmarc_report_file(report, sender.hostname, report.report_id);
  const std::string boundary = "=_" + report.report_id;
  ReportMessage out;
  out.head = fmt::format("From: <{}>\r\n"
                         "To: {}\r\n"
                         "Subject: Report Domain: {}\r\n"
                         " Submitter: {}\r\n"
                         " Report-ID: <{}>\r\n"
                         "Date: {}\r\n"
                         "Message-ID: <{}@{}>\r\n"
                         "Auto-Submitted: auto-generated\r\n"
                         "MIME-Version: 1.0\r\n"
                         "Content-Type: multipart/mixed; boundary=\"{}\"\r\n"
                         "\r\n",
                         sender.from.to_string(), joined_addresses(to), report.domain, sender.hostname,
                         report.report_id, mail::format_date(now), report.report_id, sender.hostname, boundary);
  out.body = fmt::format("--{0}\r\n"
                         "Content-Type: text/plain; charset=us-ascii\r\n"
                         "\r\n"
                         "This is a DMARC aggregate report about mail from {1}, as {2} received it.\r\n"
                         "It is sent because the DMARC record of {1} asks for it (rua=).\r\n"
                         "\r\n"
                         "--{0}\r\n"
                         "Content-Type: application/gzip; name=\"{3}\"\r\n"
                         "Content-Transfer-Encoding: base64\r\n"
                         "Content-Disposition: attachment; filename=\"{3}\"\r\n"
                         "\r\n",
                         boundary, report.domain, sender.hostname, file);
  out.body += attachment_lines(gzip(compose_dmarc_report(report)));
  out.body += "--" + boundary + "--\r\n";
  return out;
}

} // namespace paquebot::mailauth
