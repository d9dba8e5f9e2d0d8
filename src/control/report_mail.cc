#include "control/report_mail.h"

#include "base/encoding.h"
#include "base/text.h"
#include "mail/content_type.h"
#include "mail/head.h"
#include "mail/transfer_encoding.h"
#include "mailauth/gzip.h"

#include <algorithm>
#include <array>
#include <set>

namespace paquebot::control {
namespace {

constexpr std::size_t kMostParts = 20;
constexpr int kMostDepth = 5;
constexpr std::size_t kReadAtOnce = 200;
constexpr std::uint64_t kMostReportSize = 2u << 20;
/// Messages of one mailbox that are looked into, and reports of all that are read, for one answer.
constexpr std::size_t kMostLookedInto = 5'000;
constexpr std::size_t kMostRead = 1'000;

struct Part {
  std::string encoding;
  std::string_view body;
};

/// Of one entity: its leaves, by their delimiters.
void collect_parts(std::string_view entity, int depth, std::vector<Part>& parts) {
  if (depth > kMostDepth || parts.size() >= kMostParts) return;
  const auto end = entity.starts_with("\r\n") ? std::size_t{0} : entity.find("\r\n\r\n");
  if (end == entity.npos) return;
  const std::size_t body_at = entity.starts_with("\r\n") ? 2 : end + 4;
  const std::string_view body = entity.substr(body_at);
  const auto head = mail::Head::parse(std::string(entity.substr(0, body_at)));
  if (!head) return;
  const auto type = mail::parse_content_type(head->value("Content-Type"));
  if (type.type != "multipart" || type.boundary.empty()) {
    if (type.type != "multipart" && !(type.type == "text" && type.subtype != "xml" && depth > 0))
      parts.push_back({mail::first_token(head->value("Content-Transfer-Encoding")), body});
    return;
  }
  const std::string mark = "--" + type.boundary;
  std::size_t begin = body.npos; // of the part under way
  for (std::size_t line = 0; line < body.size() && parts.size() < kMostParts;) {
    const std::size_t line_end = std::min(body.find("\r\n", line), body.size());
    const std::size_t next = std::min(line_end + 2, body.size());
    const std::string_view text = body.substr(line, line_end - line);
    const bool delimits =
        text.starts_with(mark) && (trim(text.substr(mark.size())).empty() || trim(text.substr(mark.size())) == "--");
    if (delimits) {
      if (begin != body.npos) collect_parts(body.substr(begin, line - begin), depth + 1, parts);
      begin = text.starts_with(mark + "--") ? body.npos : next;
    }
    line = next;
  }
}

std::string decoded(const Part& part) {
  if (part.encoding == "quoted-printable") return mail::quoted_printable_decode(part.body);
  if (part.encoding != "base64") return std::string(part.body);
  std::string plain;
  for (const char c : part.body)
    if (c != '\r' && c != '\n' && c != ' ' && c != '\t') plain += c;
  auto octets = base64_decode(plain);
  return octets ? std::move(*octets) : std::string();
}

} // namespace

/// RFC 9990, "Email", and RFC 8460 section 5.3 give the subject; some senders know of the media type only.
bool looks_like_report(const std::string& text) {
  const auto head = mail::Head::parse(text);
  if (!head) return false;
  if (to_lower(head->value("Subject")).find("report domain:") != std::string::npos) return true;
  const std::string type = to_lower(head->value("Content-Type"));
  constexpr std::array kTypes = {"application/gzip", "application/x-gzip", "application/zip",
                                 "application/x-zip-compressed", "application/tlsrpt"};
  if (std::ranges::any_of(kTypes, [&type](const char* one) { return type.starts_with(one); })) return true;
  return type.starts_with("multipart/report") && type.find("tlsrpt") != std::string::npos;
}

Task<Result<store::Id>> reader_of(Context& context, mail::Address address) {
  const std::string shown = address.to_string();
  const auto found = co_await context.directory.resolve(address);
  if (!found) co_return std::unexpected(found.error());
  for (const directory::Node& node : found->nodes)
    if (node.handling == store::Handling::mailbox) co_return node.account;
  co_return fail(Errc::not_found, "mail for " + shown + " goes to no mailbox here");
}

Task<Result<std::string>> read_whole(store::Store& store, store::EntryContent content) {
  std::string all = std::move(content.head);
  for (std::uint64_t offset = 0; offset < content.body.size;) {
    const auto piece = co_await store.content().read_body(content.body, offset, store::kBodyChunk);
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) co_return fail(Errc::io, "a stored body is shorter than it should be");
    all += *piece;
    offset += piece->size();
  }
  co_return all;
}

std::vector<std::string> attached_texts(std::string_view message) {
  std::vector<Part> parts;
  collect_parts(message, 0, parts);
  std::vector<std::string> texts;
  for (const Part& part : parts) {
    const std::string octets = decoded(part);
    std::string text;
    const auto unpacked = mailauth::unpack(octets, kMostUnpacked, [&text](std::string_view piece) {
      text += piece;
      return true;
    });
    if (unpacked && !text.empty()) texts.push_back(std::move(text));
  }
  return texts;
}

namespace {

struct Reading {
  std::int64_t since = 0;
  std::function<void(const std::string&)> use;
  std::size_t read = 0;
  std::uint64_t skipped = 0;
};

Task<Result<>> read_entry(store::Store& store, store::Id mailbox, std::uint32_t uid, std::uint64_t size,
                          Reading& reading) {
  auto content = co_await store.mailboxes().read_entry(mailbox, uid);
  if (!content && content.error().code == Errc::not_found) co_return Result<>();
  if (!content) co_return std::unexpected(content.error());
  if (!looks_like_report(content->head)) co_return Result<>();
  if (size > kMostReportSize || reading.read >= kMostRead) {
    ++reading.skipped;
    co_return Result<>();
  }
  ++reading.read;
  const auto text = co_await read_whole(store, std::move(*content));
  if (!text) co_return std::unexpected(text.error());
  reading.use(*text);
  co_return Result<>();
}

Task<Result<>> read_inbox(store::Store& store, store::Id account, Reading& reading) {
  const std::string name = "INBOX";
  const auto mailbox = co_await store.mailboxes().open(account, name);
  if (!mailbox) co_return std::unexpected(mailbox.error());
  std::size_t looked = 0;
  for (std::uint32_t after = 0;;) {
    const auto entries = co_await store.mailboxes().list_entries(mailbox->id, after, kReadAtOnce);
    if (!entries) co_return std::unexpected(entries.error());
    for (const store::EntryInfo& entry : *entries) {
      after = entry.uid;
      if (entry.internal_date < reading.since) continue;
      if (++looked > kMostLookedInto) {
        ++reading.skipped;
        continue;
      }
      const auto done = co_await read_entry(store, mailbox->id, entry.uid, entry.size, reading);
      if (!done) co_return done;
    }
    if (entries->size() < kReadAtOnce) co_return Result<>();
  }
}

} // namespace

Task<Result<std::uint64_t>> each_report(Context& context, std::vector<std::string> domains, std::int64_t since,
                                        std::function<void(const std::string& message)> use) {
  Reading reading{.since = since, .use = std::move(use)};
  std::set<store::Id> readers;
  for (const std::string& domain : domains) {
    mail::Address postmaster{"postmaster", domain};
    const auto account = co_await reader_of(context, std::move(postmaster));
    if (!account && account.error().code == Errc::not_found) continue;
    if (!account) co_return std::unexpected(account.error());
    if (!readers.insert(*account).second) continue;
    const auto read = co_await read_inbox(context.store, *account, reading);
    if (!read) co_return std::unexpected(read.error());
  }
  co_return reading.skipped;
}

} // namespace paquebot::control
