#include "mailauth/tls_report.h"

#include "base/text.h"
#include "mailauth/gzip.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

namespace paquebot::mailauth {
namespace {

namespace json = boost::json;

constexpr std::array kTlsResults = {"",
                                    "starttls-not-supported",
                                    "certificate-host-mismatch",
                                    "certificate-expired",
                                    "certificate-not-trusted",
                                    "validation-failure",
                                    "tlsa-invalid",
                                    "dnssec-invalid",
                                    "sts-policy-fetch-error",
                                    "sts-policy-invalid",
                                    "sts-webpki-invalid"};
constexpr std::array kTlsPolicyTypes = {"no-policy-found", "tlsa", "sts"};
constexpr std::size_t kMostUris = 10;

std::string clean(std::string_view text, std::size_t most = 255) { return printable(text, most); }

json::array array_of(const std::vector<std::string>& texts) {
  json::array out;
  for (const std::string& text : texts) out.emplace_back(text);
  return out;
}

std::string text_at(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? clean(std::string_view(value->get_string()), 1000) : std::string();
}

std::uint64_t number_at(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return 0;
  if (value->is_int64()) return static_cast<std::uint64_t>(std::max<std::int64_t>(value->get_int64(), 0));
  return value->is_uint64() ? value->get_uint64() : 0;
}

const json::object* object_at(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr ? value->if_object() : nullptr;
}

const json::array* array_at(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr ? value->if_array() : nullptr;
}

/// A list, or one text, as some senders write it.
std::vector<std::string> texts_at(const json::object& object, std::string_view name) {
  std::vector<std::string> out;
  if (const json::array* list = array_at(object, name))
    for (const json::value& one : *list)
      if (one.is_string() && out.size() < 100) out.push_back(clean(std::string_view(one.get_string()), 1000));
  if (const std::string one = text_at(object, name); !one.empty()) out.push_back(one);
  return out;
}

std::string time_text(std::int64_t seconds) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

std::optional<std::int64_t> time_of(const std::string& text) {
  std::tm when{};
  if (text.size() < 19 || text.size() > 40) return std::nullopt;
  const char* end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &when);
  if (end == nullptr) return std::nullopt;
  return static_cast<std::int64_t>(::timegm(&when));
}

json::object policy_json(const TlsReport::Policy& policy) {
  json::object told{{"policy-type", policy.type}};
  if (!policy.text.empty()) told["policy-string"] = array_of(policy.text);
  told["policy-domain"] = policy.domain;
  if (!policy.mx.empty()) told["mx-host"] = array_of(policy.mx);
  json::array details;
  for (const TlsReport::Failure& failure : policy.details) {
    json::object one{{"result-type", failure.result}};
    const auto add = [&one](const char* name, const std::string& value) {
      if (!value.empty()) one[name] = value;
    };
    add("sending-mta-ip", failure.sending_ip);
    add("receiving-mx-hostname", failure.mx);
    add("receiving-ip", failure.receiving_ip);
    one["failed-session-count"] = failure.count;
    add("failure-reason-code", failure.reason);
    details.emplace_back(std::move(one));
  }
  json::object out{
      {"policy", std::move(told)},
      {"summary",
       {{"total-successful-session-count", policy.successes}, {"total-failure-session-count", policy.failures}}}};
  if (!details.empty()) out["failure-details"] = std::move(details);
  return out;
}

void read_failures(const json::object& from, TlsReport::Policy& into, std::size_t& left) {
  const json::array* list = array_at(from, "failure-details");
  if (list == nullptr) return;
  for (const json::value& value : *list) {
    const json::object* one = value.if_object();
    if (one == nullptr || left == 0) continue;
    --left;
    into.details.push_back({.result = text_at(*one, "result-type"),
                            .mx = text_at(*one, "receiving-mx-hostname"),
                            .sending_ip = text_at(*one, "sending-mta-ip"),
                            .receiving_ip = text_at(*one, "receiving-ip"),
                            .reason = text_at(*one, "failure-reason-code"),
                            .count = number_at(*one, "failed-session-count")});
  }
}

} // namespace

std::string_view to_string(TlsResult result) { return kTlsResults[static_cast<std::size_t>(result)]; }
std::string_view to_string(TlsPolicyType type) { return kTlsPolicyTypes[static_cast<std::size_t>(type)]; }

std::string pack_tls_sessions(const TlsSessions& sessions, std::size_t most) {
  json::object out{{"t", static_cast<unsigned>(sessions.policy.type)}, {"r", static_cast<unsigned>(sessions.result)}};
  if (sessions.result != TlsResult::success) {
    out["s"] = clean(sessions.sending_ip);
    out["a"] = clean(sessions.receiving_ip);
    out["w"] = clean(sessions.reason);
  }
  json::array text, mx;
  std::size_t left = most - std::min(most, json::serialize(out).size() + 40);
  const auto add = [&left](json::array& into, const std::vector<std::string>& from) {
    for (const std::string& one : from) {
      const std::string line = clean(one);
      const std::size_t size = json::serialize(json::value(line)).size() + 1;
      if (size > left) return;
      left -= size;
      into.emplace_back(line);
    }
  };
  add(text, sessions.policy.text);
  add(mx, sessions.policy.mx);
  out["p"] = std::move(text);
  out["m"] = std::move(mx);
  return json::serialize(out);
}

Result<TlsSessions> unpack_tls_sessions(std::string_view packed) {
  boost::system::error_code error;
  const json::value value = json::parse(packed, error);
  const json::object* object = error ? nullptr : value.if_object();
  if (object == nullptr) return fail(Errc::invalid, "not what was packed");
  const std::uint64_t type = number_at(*object, "t"), result = number_at(*object, "r");
  if (type >= kTlsPolicyTypes.size() || result >= kTlsResults.size()) return fail(Errc::invalid, "not what was packed");
  TlsSessions out;
  out.policy = {static_cast<TlsPolicyType>(type), texts_at(*object, "p"), texts_at(*object, "m")};
  out.result = static_cast<TlsResult>(result);
  out.sending_ip = text_at(*object, "s");
  out.receiving_ip = text_at(*object, "a");
  out.reason = text_at(*object, "w");
  return out;
}

void add_sessions(TlsReport& report, const std::string& domain, const TlsSessions& sessions) {
  const std::string type(to_string(sessions.policy.type));
  auto policy = std::ranges::find_if(report.policies, [&](const TlsReport::Policy& one) {
    return one.type == type && one.text == sessions.policy.text && one.mx == sessions.policy.mx;
  });
  if (policy == report.policies.end()) {
    report.policies.push_back({.type = type, .domain = domain, .text = sessions.policy.text, .mx = sessions.policy.mx});
    policy = std::prev(report.policies.end());
  }
  if (sessions.result == TlsResult::success) {
    policy->successes += sessions.count;
    return;
  }
  policy->failures += sessions.count;
  policy->details.push_back({.result = std::string(to_string(sessions.result)),
                             .mx = sessions.mx,
                             .sending_ip = sessions.sending_ip,
                             .receiving_ip = sessions.receiving_ip,
                             .reason = sessions.reason,
                             .count = sessions.count});
}

std::string compose_tls_report(const TlsReport& report) {
  json::array policies;
  for (const TlsReport::Policy& policy : report.policies) policies.emplace_back(policy_json(policy));
  const json::object out{
      {"organization-name", report.organization},
      {"date-range", {{"start-datetime", time_text(report.begin)}, {"end-datetime", time_text(report.end)}}},
      {"contact-info", report.contact},
      {"report-id", report.id},
      {"policies", std::move(policies)}};
  return json::serialize(out);
}

Result<TlsReport> parse_tls_report(std::string_view text) {
  if (text.size() > kMostTlsReport) return fail(Errc::invalid, "it is too large");
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  const json::object* object = error ? nullptr : value.if_object();
  const json::array* policies = object != nullptr ? array_at(*object, "policies") : nullptr;
  if (policies == nullptr) return fail(Errc::invalid, "it is no report on TLS");
  TlsReport out;
  out.organization = text_at(*object, "organization-name");
  out.contact = text_at(*object, "contact-info");
  out.id = text_at(*object, "report-id");
  if (const json::object* range = object_at(*object, "date-range")) {
    out.begin = time_of(text_at(*range, "start-datetime")).value_or(0);
    out.end = time_of(text_at(*range, "end-datetime")).value_or(0);
  }
  std::size_t details = kMostTlsDetails;
  for (const json::value& one : *policies) {
    const json::object* entry = one.if_object();
    const json::object* policy = entry != nullptr ? object_at(*entry, "policy") : nullptr;
    if (policy == nullptr || out.policies.size() >= kMostTlsPolicies) continue;
    TlsReport::Policy told{.type = text_at(*policy, "policy-type"),
                           .domain = to_lower(text_at(*policy, "policy-domain")),
                           .text = texts_at(*policy, "policy-string"),
                           .mx = texts_at(*policy, "mx-host")};
    if (const json::object* summary = object_at(*entry, "summary")) {
      told.successes = number_at(*summary, "total-successful-session-count");
      told.failures = number_at(*summary, "total-failure-session-count");
    }
    read_failures(*entry, told, details);
    out.policies.push_back(std::move(told));
  }
  return out;
}

std::vector<std::string> tlsrpt_uris(const std::vector<std::string>& texts) {
  const std::string* record = nullptr;
  for (const std::string& text : texts) {
    if (trim(std::string_view(text).substr(0, text.find(';'))) != "v=TLSRPTv1") continue;
    if (record != nullptr) return {};
    record = &text;
  }
  std::vector<std::string> uris;
  if (record == nullptr) return uris;
  for (const std::string_view raw : split(*record, ';')) {
    const std::string_view field = trim(raw);
    if (!field.starts_with("rua=") || !uris.empty()) continue;
    for (const std::string_view uri : split(field.substr(4), ','))
      if (!trim(uri).empty() && uris.size() < kMostUris) uris.emplace_back(trim(uri));
  }
  return uris;
}

ReportMessage compose_tls_message(const TlsReport& report, const std::string& domain, const ReportSender& sender,
                                  const std::vector<mail::Address>& to, WallTime now) {
  const std::string file =
      fmt::format("{}!{}!{}!{}!{}.json.gz", sender.hostname, domain, report.begin, report.end, report.id);
  const std::string boundary = "=_" + report.id;
  ReportMessage out;
  out.head =
      fmt::format("From: <{}>\r\n"
                  "To: {}\r\n"
                  "Subject: Report Domain: {}\r\n"
                  " Submitter: {}\r\n"
                  " Report-ID: <{}@{}>\r\n"
                  "Date: {}\r\n"
                  "Message-ID: <{}@{}>\r\n"
                  "Auto-Submitted: auto-generated\r\n"
                  "TLS-Required: No\r\n"
                  "TLS-Report-Domain: {}\r\n"
                  "TLS-Report-Submitter: {}\r\n"
                  "MIME-Version: 1.0\r\n"
                  "Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n"
                  " boundary=\"{}\"\r\n"
                  "\r\n",
                  sender.from.to_string(), joined_addresses(to), domain, sender.hostname, report.id, sender.hostname,
                  report_date(now), report.id, sender.hostname, domain, sender.hostname, boundary);
  out.body = fmt::format("--{0}\r\n"
                         "Content-Type: text/plain; charset=us-ascii\r\n"
                         "\r\n"
                         "This is a report on how {2} reached the mail hosts of {1} under TLS (RFC 8460).\r\n"
                         "It is sent because the record _smtp._tls.{1} asks for it (rua=).\r\n"
                         "\r\n"
                         "--{0}\r\n"
                         "Content-Type: application/tlsrpt+gzip; name=\"{3}\"\r\n"
                         "Content-Transfer-Encoding: base64\r\n"
                         "Content-Disposition: attachment; filename=\"{3}\"\r\n"
                         "\r\n",
                         boundary, domain, sender.hostname, file);
  out.body += attachment_lines(gzip(compose_tls_report(report)));
  out.body += "--" + boundary + "--\r\n";
  return out;
}

} // namespace paquebot::mailauth
