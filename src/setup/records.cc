#include "setup/records.h"

#include <fmt/format.h>

namespace paquebot::setup {
namespace {

std::string_view service_of(const Offer& offer) {
  const bool implicit = offer.security == Security::implicit;
  if (offer.protocol == Protocol::imap) return implicit ? "_imaps" : "_imap";
  if (offer.protocol == Protocol::pop3) return implicit ? "_pop3s" : "_pop3";
  return implicit ? "_submissions" : "_submission";
}

std::string_view words_of(const Offer& offer) {
  switch (offer.protocol) {
    case Protocol::imap: return "read their mail";
    case Protocol::pop3: return "fetch their mail";
    case Protocol::submission: break;
  }
  return "send mail";
}

/// Implicit TLS is to be preferred (RFC 8314 section 3): the lower number.
Record srv(const ClientSettings& settings, const Offer& offer, std::string_view domain) {
  const bool implicit = offer.security == Security::implicit;
  return {fmt::format("{}._tcp.{}", service_of(offer), domain), Record::Type::srv,
          fmt::format("{} 1 {} {}", implicit ? 0 : 10, offer.port, settings.host),
          fmt::format("SRV: where users' programs {}, with {}", words_of(offer), implicit ? "TLS" : "STARTTLS")};
}

void add_alias(std::vector<Record>& records, std::string_view prefix, std::string_view domain, std::string_view server,
               std::string purpose) {
  std::string name = fmt::format("{}.{}", prefix, domain);
  if (name != server)
    records.push_back({std::move(name), Record::Type::cname, std::string(server), std::move(purpose)});
}

} // namespace

std::string_view name_of(Record::Type type) {
  switch (type) {
    case Record::Type::srv: return "SRV";
    case Record::Type::cname: return "CNAME";
    case Record::Type::txt: return "TXT";
  }
  return "";
}

std::string zone_line(const Record& record) {
  return fmt::format("{}. IN {} {}.", record.name, name_of(record.type), record.value);
}

std::vector<Record> setup_records(const Facts& facts, std::string_view domain) {
  const std::string& server = facts.server;
  std::vector<Record> records;
  for (const Offer& offer : facts.clients.offers) records.push_back(srv(facts.clients, offer, domain));
  if (!facts.clients.web) return records;
  add_alias(records, "autoconfig", domain, server, "where Thunderbird and others ask how to set themselves up");
  records.push_back({fmt::format("_autodiscover._tcp.{}", domain), Record::Type::srv, fmt::format("0 1 443 {}", server),
                     "where Microsoft's programs ask how to set themselves up"});
  if (facts.mta_sts.mode == MtaStsMode::off) return records;
  add_alias(records, "mta-sts", domain, server, "MTA-STS: where other servers fetch the policy");
  records.push_back({fmt::format("_mta-sts.{}", domain), Record::Type::txt, mta_sts_text(facts.mta_sts, server),
                     "MTA-STS: mail comes here with verified TLS"});
  records.push_back({fmt::format("_smtp._tls.{}", domain), Record::Type::txt,
                     fmt::format("v=TLSRPTv1; rua=mailto:postmaster@{}", domain),
                     "TLS-RPT: others tell us when TLS to here fails"});
  return records;
}

} // namespace paquebot::setup
