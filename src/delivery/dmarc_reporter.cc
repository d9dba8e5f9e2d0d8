#include "delivery/dmarc_reporter.h"

#include "base/log.h"
#include "base/random.h"
#include "delivery/addressee.h"
#include "mailauth/dmarc_message.h"
#include "mailauth/dmarc_row.h"
#include "store/body_writer.h"

#include <algorithm>
#include <functional>

namespace paquebot::delivery {
namespace {

constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;
constexpr std::int64_t kTryAgainMs = 3600LL * 1000;
constexpr std::size_t kReportsAtOnce = 50;
constexpr std::size_t kRowsAtOnce = 500;
constexpr std::size_t kMostRecipients = 10;

std::chrono::milliseconds within_an_hour() {
  std::uint32_t number = 0;
  for (const char octet : random_bytes(4)) number = number << 8 | static_cast<unsigned char>(octet);
  return std::chrono::milliseconds(number % kTryAgainMs);
}

mailauth::DmarcReport begin_report(const store::DmarcDue& due, const DmarcSending& how, const Ulid& id) {
  mailauth::DmarcReport report;
  report.org_name = how.org_name;
  report.email = how.contact;
  report.report_id = id.to_string();
  report.begin = due.of.day / 1000;
  report.end = (due.of.day + kDayMs) / 1000 - 1;
  mailauth::set_published(report, due.of.domain,
                          mailauth::parse_dmarc_record(due.policy).value_or(mailauth::DmarcRecord{}));
  return report;
}

std::vector<mail::Address> addresses_of(const std::vector<queue::DraftRecipient>& recipients) {
  std::vector<mail::Address> out;
  out.reserve(recipients.size());
  for (const queue::DraftRecipient& row : recipients) out.push_back(row.recipient.address);
  return out;
}

} // namespace

DmarcReporter::DmarcReporter(queue::Queue& queue, store::Store& store, directory::Directory& directory,
                             std::shared_ptr<dns::Resolver> resolver, UlidSource& ids, const Clock& clock,
                             std::string hostname)
    : queue_(queue), store_(store), directory_(directory), resolver_(std::move(resolver)), ids_(ids), clock_(clock),
      hostname_(std::move(hostname)), after_midnight_(within_an_hour()) {}

/// The first millisecond of the first day whose reports are not due.
std::int64_t DmarcReporter::due_before() const {
  const std::int64_t settled = millis(clock_.settled()); // what is reported is forgotten
  const std::int64_t today = settled / kDayMs * kDayMs;
  return settled - today >= after_midnight_.count() ? today : today - kDayMs;
}

Task<void> DmarcReporter::round(DmarcSending how) {
  if (!how.send) co_return;
  const std::int64_t at = now(); // what is further away was put off by a clock that was ahead
  std::erase_if(put_off_, [at](const auto& one) { return one.second <= at || one.second > at + kTryAgainMs; });
  const std::int64_t before = due_before();
  store::DmarcDay after;
  for (;;) {
    const auto page = co_await store_.books().list_dmarc(before, after, kReportsAtOnce);
    if (!page) {
      log::error("dmarc-reports-unreadable", {{"why", page.error().message}});
      co_return;
    }
    if (page->empty()) co_return;
    for (const store::DmarcDue& due : *page) {
      if (stopping_) co_return;
      after = due.of;
      if (!put_off_.contains(due.of)) co_await send(due, how);
    }
  }
}

Task<void> DmarcReporter::send(store::DmarcDue due, DmarcSending how) {
  auto to = co_await recipients(due);
  if (!to) co_return put_off(due.of, to.error().message);
  if (to->empty()) {
    co_await drop(due.of);
    co_return;
  }
  queue::Draft draft;
  draft.id = ids_.next();
  mailauth::DmarcReport report = begin_report(due, how, draft.id);
  const auto read = co_await read_rows(due.of, report);
  if (!read) co_return put_off(due.of, read.error().message);
  const mailauth::ReportSender sender{hostname_, how.from};
  mailauth::ReportMessage message;
  std::move_only_function<void()> compose = [&] {
    message = mailauth::compose_report_message(report, sender, addresses_of(*to), clock_.wall());
  };
  const bool composed = co_await directory_.compute(std::move(compose)); // a large one takes a tenth of a second
  if (!composed) co_return put_off(due.of, "too much waits for the processor");
  auto body = co_await store_body(std::move(message.body));
  if (!body) co_return put_off(due.of, body.error().message);
  draft.klass = store::MessageClass::report;
  draft.sender.reverse_path = how.from; // so that SPF speaks for the From, as "Email" asks for
  draft.recipients = std::move(*to);
  draft.head = std::move(message.head);
  draft.body = std::move(*body);
  draft.note = "DMARC report about " + due.of.domain;
  draft.dmarc = due.of;
  const std::string id = draft.id.to_string();
  const auto result = co_await queue_.accept(std::move(draft));
  if (result.status == store::AcceptStatus::accepted)
    log::info("dmarc-report", {{"id", id}, {"domain", due.of.domain}, {"rows", report.rows.size()}});
  else if (result.status != store::AcceptStatus::duplicate)
    put_off(due.of, result.why);
}

/// Who is to get it; nobody, when no address can be used.
Task<Result<DmarcReporter::Recipients>> DmarcReporter::recipients(store::DmarcDue due) {
  std::vector<mail::Address> to;
  const auto record = mailauth::parse_dmarc_record(due.policy);
  const std::vector<std::string> uris = record ? record->rua : std::vector<std::string>();
  for (const std::string& uri : uris) {
    const auto added = co_await add_addresses(due.of.domain, uri, to);
    if (!added) co_return std::unexpected(added.error());
  }
  std::ranges::sort(to);
  to.erase(std::ranges::unique(to).begin(), to.end());
  if (to.size() > kMostRecipients) to.resize(kMostRecipients);
  Recipients out;
  for (const mail::Address& address : to) {
    auto row = co_await addressee(directory_, address);
    if (row)
      out.push_back(std::move(*row));
    else if (row.error().code != Errc::not_found)
      co_return std::unexpected(row.error());
  }
  co_return out;
}

/// RFC 9990, "Report Delivery": what is malformed is ignored.
Task<Result<>> DmarcReporter::add_addresses(std::string domain, std::string uri, std::vector<mail::Address>& to) {
  auto wanted = mailauth::rua_address(uri);
  if (!wanted) co_return Result<>();
  mail::Address address = std::move(*wanted);
  dns::Resolver& resolver = *resolver_;
  const auto found = co_await mailauth::report_addresses(domain, address, resolver);
  if (!found) co_return std::unexpected(found.error());
  if (found->empty()) log::info("dmarc-report-not-wanted", {{"domain", domain}, {"to", address.to_string()}});
  to.insert(to.end(), found->begin(), found->end());
  co_return Result<>();
}

Task<Result<>> DmarcReporter::read_rows(store::DmarcDay of, mailauth::DmarcReport& report) {
  std::optional<store::DmarcRow> after;
  for (;;) {
    const auto rows = co_await store_.books().read_dmarc(of, after, kRowsAtOnce);
    if (!rows) co_return std::unexpected(rows.error());
    for (const store::DmarcRow& row : *rows) {
      auto told = mailauth::unpack_dmarc_row(row.detail);
      if (!told) continue;
      told->source_ip = row.source;
      told->count = row.count;
      report.rows.push_back(std::move(*told));
    }
    if (rows->size() < kRowsAtOnce) co_return Result<>();
    after = rows->back();
  }
}

Task<Result<store::NewBody>> DmarcReporter::store_body(std::string body) {
  store::BodyWriter writer(store_.acceptance());
  std::string_view text = body;
  const auto written = co_await writer.write(text);
  if (!written) {
    writer.discard();
    co_return std::unexpected(written.error());
  }
  auto stored = co_await writer.finish();
  if (!stored) writer.discard();
  co_return stored;
}

/// Nobody is to get this report.
Task<void> DmarcReporter::drop(store::DmarcDay of) {
  const auto dropped = co_await store_.books().drop_dmarc(of);
  if (!dropped) put_off(of, dropped.error().message);
}

void DmarcReporter::put_off(const store::DmarcDay& of, const std::string& why) {
  log::warning("dmarc-report-put-off", {{"domain", of.domain}, {"why", why}});
  put_off_[of] = now() + kTryAgainMs;
}

} // namespace paquebot::delivery
