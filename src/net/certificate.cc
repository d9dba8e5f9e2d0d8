#include "net/certificate.h"

#include "base/clock.h"
#include "base/text.h"
#include "net/tls_error.h"

#include <arpa/inet.h>
#include <ctime>
#include <fmt/format.h>
#include <memory>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace paquebot::net {
namespace {

constexpr std::size_t kMostCertificateNames = 100;
constexpr std::int64_t kDayMillis = 86400LL * 1000;

struct FreeParsed {
  void operator()(X509* p) const { X509_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(GENERAL_NAMES* p) const { GENERAL_NAMES_free(p); }
};
template <class T>
using Parsed = std::unique_ptr<T, FreeParsed>;

Parsed<X509> parse(const std::string& pem) {
  const Parsed<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Parsed<X509> certificate(bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
  if (!certificate) (void)take_tls_errors();
  return certificate;
}

std::int64_t time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return static_cast<std::int64_t>(::timegm(&parts)) * 1000;
}

std::string asn_text(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string address_of(const ASN1_OCTET_STRING* octets) {
  char text[INET6_ADDRSTRLEN] = {};
  const int family = ASN1_STRING_length(octets) == 4 ? AF_INET : AF_INET6;
  if (family == AF_INET6 && ASN1_STRING_length(octets) != 16) return {};
  inet_ntop(family, ASN1_STRING_get0_data(octets), text, sizeof text);
  return text;
}

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  const Parsed<GENERAL_NAMES> alternatives(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  const int count = alternatives ? sk_GENERAL_NAME_num(alternatives.get()) : 0;
  for (int i = 0; i < count && names.size() < kMostCertificateNames; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (name->type == GEN_DNS) names.push_back(asn_text(name->d.dNSName));
    if (name->type == GEN_IPADD) names.push_back(address_of(name->d.iPAddress));
  }
  if (!names.empty()) return names;
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0) names.push_back(asn_text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
  return names;
}

/// "2026-11-23", in UTC.
std::string date_of(std::int64_t at) {
  const std::time_t seconds = at / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

std::string days_of(std::int64_t span) {
  return fmt::format("{} day{}", span / kDayMillis, span / kDayMillis == 1 ? "" : "s");
}

bool covers(X509* certificate, const std::string& hostname) {
  return X509_check_host(certificate, hostname.data(), hostname.size(), 0, nullptr) == 1 ||
         X509_check_ip_asc(certificate, hostname.c_str(), 0) == 1;
}

} // namespace

Result<CertificateFacts> read_certificate(const std::string& pem) {
  const Parsed<X509> certificate = parse(pem);
  if (!certificate) return fail(Errc::invalid, "there is no certificate in it (PEM)");
  CertificateFacts facts;
  facts.not_before = time_of(X509_get0_notBefore(certificate.get()));
  facts.not_after = time_of(X509_get0_notAfter(certificate.get()));
  facts.names = names_of(certificate.get());
  facts.self_signed =
      X509_NAME_cmp(X509_get_subject_name(certificate.get()), X509_get_issuer_name(certificate.get())) == 0;
  return facts;
}

bool certificate_covers(const std::string& pem, const std::string& hostname) {
  const Parsed<X509> certificate = parse(pem);
  return certificate && covers(certificate.get(), hostname);
}

std::vector<std::string> certificate_problems(const std::string& pem, const std::string& hostname, std::int64_t now) {
  const auto facts = read_certificate(pem);
  if (!facts) return {"can't be read: " + facts.error().message};
  std::vector<std::string> problems;
  if (now >= facts->not_after)
    problems.push_back(fmt::format("has expired on {}", date_of(facts->not_after)));
  else if (facts->not_after - now < kCertificateNotice)
    problems.push_back(
        fmt::format("ends on {}, in {}: is it renewed?", date_of(facts->not_after), days_of(facts->not_after - now)));
  if (now < facts->not_before) problems.push_back(fmt::format("is not valid before {}", date_of(facts->not_before)));
  if (!certificate_covers(pem, hostname)) {
    std::string names;
    for (const std::string& name : facts->names) names += (names.empty() ? "" : ", ") + printable(name, 100);
    problems.push_back(
        fmt::format("is for {}, not for {}", names.empty() ? "no name" : printable(names, 300), hostname));
  }
  return problems;
}

} // namespace paquebot::net
