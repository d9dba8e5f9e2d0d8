#include "delivery/tls_reporter.h"

#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "delivery/addressee.h"
#include "mailauth/gzip.h"
#include "net/http_client.h"
#include "store/body_writer.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace paquebot::delivery {
namespace {

constexpr std::int64_t kReportDayMs = 24LL * 3600 * 1000;
constexpr std::int64_t kReportAgainMs = 3600LL * 1000;
constexpr std::int64_t kSpreadOfReportsMs = 4 * 3600LL * 1000;
constexpr std::size_t kTlsReportsAtOnce = 50;
constexpr std::size_t kTlsRowsAtOnce = 500;
constexpr std::size_t kMostPlaces = 5; ///< that one report goes to, of each kind

std::chrono::milliseconds within_four_hours() {
  std::uint32_t number = 0;
  for (const char octet : random_bytes(4)) number = number << 8 | static_cast<unsigned char>(octet);
  return std::chrono::milliseconds(number % kSpreadOfReportsMs);
}

} // namespace

PostReport post_over_https(boost::asio::any_io_executor executor, net::Wheel& wheel,
                           std::shared_ptr<dns::Resolver> resolver, const StsOptions& options) {
  auto client = policy_client(std::move(executor), wheel, std::move(resolver), options);
  return [client = std::move(client)](std::string url, std::string packed) -> Task<Result<http::Reply>> {
    net::HttpRequest request;
    request.method = "POST";
    request.url = std::move(url);
    request.fields = {{"User-Agent", "paquebot"}, {"Content-Type", "application/tlsrpt+gzip"}};
    request.content = std::move(packed);
    return client->send(std::move(request));
  };
}

TlsReporter::TlsReporter(Means means) : means_(std::move(means)), after_midnight_(within_four_hours()) {}

/// The first millisecond of the first day whose reports are not due.
std::int64_t TlsReporter::due_before() const {
  const std::int64_t settled = millis(means_.clock.settled()); // what is reported is forgotten
  const std::int64_t today = settled / kReportDayMs * kReportDayMs;
  return settled - today >= after_midnight_.count() ? today : today - kReportDayMs;
}

Task<void> TlsReporter::round(TlsSending how) {
  if (!how.send) co_return;
  const std::int64_t at = now(); // what is further away was put off by a clock that was ahead
  std::erase_if(put_off_, [at](const auto& one) { return one.second <= at || one.second > at + kReportAgainMs; });
  const std::int64_t before = due_before();
  store::DmarcDay after{.kind = store::DmarcDay::Kind::tls};
  for (;;) {
    const auto page = co_await means_.store.books().list_dmarc(before, after, kTlsReportsAtOnce);
    if (!page) {
      log::error("tls-reports-unreadable", {{"why", page.error().message}});
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

/// What is malformed, or of another scheme, is passed over.
TlsReporter::Where TlsReporter::where_to(const std::string& record) {
  Where to;
  for (const std::string& uri : mailauth::tlsrpt_uris({record})) {
    if (istarts_with(uri, "https://") && to.urls.size() < kMostPlaces) to.urls.push_back(uri);
    auto address = mailauth::rua_address(uri);
    if (address && to.mail.size() < kMostPlaces) to.mail.push_back(std::move(*address));
  }
  std::ranges::sort(to.mail);
  to.mail.erase(std::ranges::unique(to.mail).begin(), to.mail.end());
  return to;
}

Task<void> TlsReporter::send(store::DmarcDue due, TlsSending how) {
  Where to = where_to(due.policy);
  std::string id = means_.ids.next().to_string();
  const auto report = co_await compose(due, how, std::move(id));
  if (!report) co_return put_off(due.of, report.error().message);
  const mailauth::TlsReport& told = *report;
  std::string domain = due.of.domain;
  bool posted = to.urls.empty() && to.mail.empty(); // nobody is to get it
  if (!to.urls.empty()) posted = co_await post(told, std::move(to.urls), std::move(domain));
  if (!to.mail.empty()) {
    const auto sent = co_await send_mail(due, how, told, std::move(to.mail));
    if (sent) co_return;
    if (!posted) co_return put_off(due.of, sent.error().message);
  }
  if (!posted) co_return put_off(due.of, "nobody took it");
  const auto dropped = co_await means_.store.books().drop_dmarc(due.of);
  if (!dropped) put_off(due.of, dropped.error().message);
}

Task<Result<mailauth::TlsReport>> TlsReporter::compose(store::DmarcDue due, const TlsSending& how, std::string id) {
  mailauth::TlsReport report;
  report.organization = how.org_name;
  report.contact = how.contact;
  report.id = std::move(id);
  report.begin = due.of.day / 1000;
  report.end = (due.of.day + kReportDayMs) / 1000 - 1;
  std::optional<store::DmarcRow> after;
  for (;;) {
    const auto rows = co_await means_.store.books().read_dmarc(due.of, after, kTlsRowsAtOnce);
    if (!rows) co_return std::unexpected(rows.error());
    for (const store::DmarcRow& row : *rows) {
      auto sessions = mailauth::unpack_tls_sessions(row.detail);
      if (!sessions) continue;
      sessions->mx = row.source;
      sessions->count = row.count;
      mailauth::add_sessions(report, due.of.domain, *sessions);
    }
    if (rows->size() < kTlsRowsAtOnce) co_return report;
    after = rows->back();
  }
}

/// True when one of them took it.
Task<bool> TlsReporter::post(const mailauth::TlsReport& report, std::vector<std::string> urls, std::string domain) {
  const std::string packed = mailauth::gzip(mailauth::compose_tls_report(report));
  bool taken = false;
  for (const std::string& one : urls) {
    std::string url = one, content = packed;
    const auto reply = co_await means_.post(std::move(url), std::move(content));
    const bool done = reply && reply->status / 100 == 2;
    taken = taken || done;
    const std::string why = reply ? "it answers " + std::to_string(reply->status) : reply.error().message;
    if (done)
      log::info("tls-report", {{"id", report.id}, {"domain", domain}, {"to", one}});
    else
      log::info("tls-report-not-taken", {{"domain", domain}, {"to", one}, {"why", why}});
  }
  co_return taken;
}

Task<Result<>> TlsReporter::send_mail(store::DmarcDue due, const TlsSending& how, const mailauth::TlsReport& report,
                                      std::vector<mail::Address> to) {
  queue::Draft draft;
  draft.id = means_.ids.next();
  for (const mail::Address& address : to) {
    auto row = co_await addressee(means_.directory, address);
    if (row)
      draft.recipients.push_back(std::move(*row));
    else if (row.error().code != Errc::not_found)
      co_return std::unexpected(row.error());
  }
  if (draft.recipients.empty()) co_return fail(Errc::not_found, "none of its addresses exists");
  const mailauth::ReportSender sender{means_.hostname, how.from};
  auto message = mailauth::compose_tls_message(report, due.of.domain, sender, to, means_.clock.wall());
  auto body = co_await store_body(std::move(message.body));
  if (!body) co_return std::unexpected(body.error());
  draft.klass = store::MessageClass::report;
  draft.sender.reverse_path = how.from;
  draft.sender.tls = mail::TlsWish::not_required; // or the report on what is broken would wait for it (section 5.3)
  draft.head = std::move(message.head);
  draft.body = std::move(*body);
  draft.note = "TLS report about " + due.of.domain;
  draft.dmarc = due.of;
  const std::string id = draft.id.to_string();
  const auto result = co_await means_.queue.accept(std::move(draft));
  if (result.status == store::AcceptStatus::accepted)
    log::info("tls-report", {{"id", id}, {"domain", due.of.domain}, {"to", "mail"}});
  else if (result.status != store::AcceptStatus::duplicate)
    co_return fail(Errc::temporary, result.why);
  co_return Result<>();
}

Task<Result<store::NewBody>> TlsReporter::store_body(std::string body) {
  store::BodyWriter writer(means_.store.acceptance());
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

void TlsReporter::put_off(const store::DmarcDay& of, const std::string& why) {
  log::warning("tls-report-put-off", {{"domain", of.domain}, {"why", why}});
  put_off_[of] = now() + kReportAgainMs;
}

} // namespace paquebot::delivery
