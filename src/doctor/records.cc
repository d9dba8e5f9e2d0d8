#include "doctor/records.h"

#include "mailauth/dkim_key.h"
#include "setup/records.h"

#include <string_view>
#include <utility>

namespace paquebot::doctor {

Record mx_record(const std::string& domain, const std::string& host) {
  return plain_record(domain, "MX", "10 " + host, "MX: mail for " + domain + " comes to this server",
                      "10 " + host + ".");
}

Record spf_record(const std::string& domain) {
  return text_record(domain, "v=spf1 mx -all", "SPF: only this server sends mail of " + domain);
}

std::optional<Record> host_spf_record(const std::string& domain, const std::string& host) {
  if (!host.ends_with("." + domain)) return std::nullopt;
  return text_record(host, "v=spf1 a -all", "SPF: for reports, which have no sender but this name");
}

std::optional<Record> dkim_record(const store::DkimKey& key) {
  const auto parsed = mailauth::PrivateKey::from_pem(key.private_key);
  if (!parsed) return std::nullopt;
  const std::string_view kind = key.algorithm == store::DkimKey::Algorithm::rsa ? "rsa" : "ed25519";
  std::string purpose = "DKIM: the " + std::string(kind) + " key with which others check the signatures of this server";
  if (key.state == store::DkimKey::State::next) purpose += "; it signs once it is published and made active";
  if (key.state == store::DkimKey::State::retired)
    purpose += "; it signs no more, but is needed until it is deleted here";
  return text_record(mailauth::dkim_key_name(key.selector, key.domain), mailauth::dkim_record_of(*parsed),
                     std::move(purpose));
}

Record dmarc_record(const std::string& domain) {
  return text_record("_dmarc." + domain, "v=DMARC1; p=quarantine; rua=mailto:postmaster@" + domain,
                     "DMARC: what fails both checks belongs among the junk; tell us about it");
}

std::vector<Record> set_up_records(const setup::Facts& facts, const std::string& domain) {
  std::vector<Record> records;
  for (setup::Record& one : setup::setup_records(facts, domain)) {
    if (one.type == setup::Record::Type::txt) {
      records.push_back(text_record(std::move(one.name), std::move(one.value), std::move(one.purpose)));
      continue;
    }
    std::string zone = setup::zone_line(one);
    records.push_back({std::move(one.name), std::string(setup::name_of(one.type)), std::move(one.value),
                       std::move(zone), std::move(one.purpose)});
  }
  return records;
}

} // namespace paquebot::doctor
