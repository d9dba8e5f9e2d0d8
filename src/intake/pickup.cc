#include "intake/pickup.h"

#include "base/log.h"
#include "mail/content_scan.h"
#include "mail/line_mender.h"

#include <algorithm>

namespace paquebot::intake {
namespace {

void refuse(directory::Node& node, mail::Reply reply) {
  node.handling = store::Handling::failed;
  node.reason = std::move(reply.text);
  node.code = reply.code;
  node.status = reply.enhanced;
}

/// Where mail for a recipient goes when nobody waits for the answer: unknown users of ours fail and are reported.
Task<Result<queue::DraftRecipient>> resolve(directory::Directory& directory, mail::Recipient recipient) {
  using Kind = directory::Resolution::Kind;
  queue::DraftRecipient row;
  row.recipient = recipient;
  auto found = co_await directory.resolve_local(recipient.address);
  if (!found) co_return std::unexpected(found.error());
  directory::Node node;
  node.address = recipient.address.to_string();
  switch (found->kind) {
    case Kind::found:
      if (!found->mailbox_full) {
        row.nodes = std::move(found->nodes);
        co_return row;
      }
      refuse(node, {552, {5, 2, 2}, "the mailbox is full"});
      break;
    case Kind::not_ours: node.handling = store::Handling::remote; break;
    case Kind::not_yet: co_return fail(Errc::temporary, "the domain is new, and nobody has that address yet");
    case Kind::unknown: refuse(node, {550, {5, 1, 1}, "there is no such user here"}); break;
    case Kind::too_large: refuse(node, {554, {5, 4, 0}, "this address expands to too many others"}); break;
    case Kind::loop: refuse(node, {554, {5, 4, 6}, "the aliases of this address go round in a loop"}); break;
  }
  row.nodes.push_back(std::move(node));
  co_return row;
}

/// Everything goes back to the sender, for this reason.
queue::DraftRecipient failed(const mail::Recipient& recipient, const mail::Reply& reply) {
  queue::DraftRecipient row;
  row.recipient = recipient;
  directory::Node node;
  node.address = recipient.address.to_string();
  refuse(node, reply);
  row.nodes.push_back(std::move(node));
  return row;
}

Origin origin_of(const DropFile& file) {
  Origin origin;
  origin.klass = store::MessageClass::local;
  origin.sender = file.envelope().sender;
  origin.client.login = "uid " + std::to_string(file.uid());
  return origin;
}

enum class Taken {
  yes,
  later,
  never,      ///< it is no message at all
  unreadable, ///< we may not read it
  returned,   ///< it can't be taken as it is: its sender is to be told
};
struct Outcome {
  Taken taken = Taken::later;
  std::string why{};   ///< never, unreadable
  mail::Reply reply{}; ///< returned: what a session would have said
};

/// What a session would say of it: such lines may mean something else to other servers.
Outcome unfit(const mail::ContentScan& scan) {
  const char* why = scan.has_nul ? "the message holds NUL" : "the message holds CR without LF";
  return Outcome{Taken::returned, {}, mail::Reply(550, {5, 6, 0}, why)};
}

/// The octets into the message, lines that end with LF alone mended. `later` when they can't be read now.
Task<Outcome> feed(DropFile& file, Incoming& incoming, std::uint64_t most) {
  std::uint64_t size = 0;
  mail::ContentScan scan;
  mail::LineMender mender;
  bool ends_line = true;
  for (;;) {
    auto piece = file.read();
    if (!piece) {
      log::error("drop-unreadable", {{"id", file.id().to_string()}, {"why", piece.error().message}});
      co_return Outcome{};
    }
    if (piece->empty()) {
      scan.finish();
      if (scan.bare_cr) co_return unfit(scan);
      const std::string_view end = ends_line ? "" : "\r\n"; // so that POP3 counts what it sends
      if (!ends_line) co_await incoming.write(end);
      co_return Outcome{Taken::yes};
    }
    std::string_view bytes = *piece;
    size += bytes.size();
    scan.feed(bytes);
    if (scan.has_nul || scan.bare_cr) co_return unfit(scan);
    if (most != 0 && size > most)
      co_return Outcome{
          Taken::returned, {}, mail::Reply(552, {5, 3, 4}, "the message is larger than this server takes")};
    ends_line = bytes.ends_with('\n');
    while (!bytes.empty()) {
      std::string_view lines = mender.next(bytes);
      co_await incoming.write(lines);
    }
  }
}

Task<Outcome> take(DropFile& file, IntakeMeans means, directory::Directory& directory, const Options& options) {
  Origin origin = origin_of(file);
  for (const mail::Recipient& recipient : file.envelope().recipients) {
    auto row = co_await resolve(directory, recipient);
    if (!row) co_return Outcome{};
    origin.recipients.push_back(std::move(*row));
  }
  std::optional<Ulid> id = file.id();
  Incoming incoming(means, options, std::move(origin), id);
  Outcome fed = co_await feed(file, incoming, options.max_message_size);
  if (fed.taken != Taken::yes) {
    co_await incoming.discard();
    co_return fed;
  }
  mail::Reply reply = co_await incoming.finish();
  if (reply.permanent()) co_return Outcome{Taken::returned, {}, std::move(reply)};
  co_return Outcome{reply.positive() ? Taken::yes : Taken::later};
}

/// What a report may return: lines as mail has them.
std::string without_nul(std::string text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool bare_cr = text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n');
    if (text[i] == '\0' || bare_cr) text[i] = '?';
  }
  return text;
}

/// The head of the message, as much of it as a report returns, with the line end that closes it.
Result<std::string> read_head(DropFile& file) {
  constexpr std::size_t kReturned = 64u << 10;
  mail::HeadSplitter splitter(kReturned);
  mail::LineMender mender;
  std::string all, lines;
  while (!splitter.head_complete()) {
    auto piece = file.read();
    if (!piece) return std::unexpected(piece.error());
    std::string_view bytes = *piece;
    lines.clear();
    while (!bytes.empty()) lines += mender.next(bytes);
    all += lines;
    const auto body = lines.empty() ? splitter.finish() : splitter.feed(lines);
    if (!body) { // too large: whole lines of it
      all.resize(std::min(all.size(), kReturned));
      const std::size_t end = all.rfind("\r\n");
      return without_nul(all.substr(0, end == std::string::npos ? 0 : end + 2) + "\r\n");
    }
    if (lines.empty()) break;
  }
  return without_nul(splitter.take_head());
}

/// The message is taken for nobody: each recipient has failed, which is reported to the sender. Its content is not
/// kept.
Task<Outcome> give_back(DropFile& file, mail::Reply why, IntakeMeans means, const Options& options) {
  Origin origin = origin_of(file);
  origin.given_back = true;
  origin.sender.ret = mail::Ret::headers;
  for (const mail::Recipient& recipient : file.envelope().recipients)
    origin.recipients.push_back(failed(recipient, why));
  auto head = read_head(file);
  if (!head) co_return Outcome{};
  std::optional<Ulid> id = file.id();
  Incoming incoming(means, options, std::move(origin), id);
  std::string_view bytes = *head;
  co_await incoming.write(bytes);
  mail::Reply reply = co_await incoming.finish();
  if (reply.permanent()) co_return Outcome{Taken::never, reply.to_string()};
  co_return Outcome{reply.positive() ? Taken::yes : Taken::later};
}

Outcome unusable(const Error& why) {
  // sendmail makes its files readable before they get their names: what is not was never meant to be taken.
  if (why.code == Errc::permission) return {Taken::unreadable, why.message};
  return {why.code == Errc::invalid ? Taken::never : Taken::later, why.message};
}

/// Opens a file; one with a name of another day gets one of now first, which is in `name` then. The acceptance comes
/// after that is on the disk, so that a crash between the two can't make two messages of it.
Result<DropFile> open_named(const std::string& directory, std::string& name, UlidSource& ids) {
  auto file = DropFile::open(directory, name);
  if (!file || file->well_named()) return file;
  const Ulid id = ids.next();
  if (auto renamed = rename_drop(directory, name, id); !renamed) return std::unexpected(renamed.error());
  log::warning("drop-renamed", {{"file", name}, {"id", id.to_string()}, {"why", "its name tells of another day"}});
  name = id.to_string();
  return DropFile::open(directory, name);
}

/// One file by name, which may change.
Task<Outcome> take_file(std::string directory_name, std::string& name, IntakeMeans means,
                        directory::Directory& directory, const Options& options) {
  auto file = open_named(directory_name, name, means.ids);
  if (!file) co_return unusable(file.error());
  DropFile& opened = *file;
  Outcome outcome = co_await take(opened, means, directory, options);
  if (outcome.taken != Taken::returned) co_return outcome;
  auto again = DropFile::open(directory_name, name);
  if (!again) co_return unusable(again.error());
  DropFile& reopened = *again;
  mail::Reply why = outcome.reply;
  log::warning("drop-returned", {{"id", opened.id().to_string()}, {"uid", opened.uid()}, {"reply", why.to_string()}});
  Outcome returned = co_await give_back(reopened, std::move(why), means, options);
  co_return returned;
}

} // namespace

Task<std::size_t> pick_up(DropDesk& desk, IntakeMeans means, directory::Directory& directory, const Options& options) {
  std::size_t taken = 0;
  if (!means.store.acceptance().has_room()) co_return taken;
  const std::vector<DropEntry> chosen = desk.choose(means.clock.now());
  for (DropEntry entry : chosen) {
    std::string place = desk.directory();
    std::string& name = entry.name;
    Outcome outcome = co_await take_file(std::move(place), name, means, directory, options);
    if (outcome.taken == Taken::never || outcome.taken == Taken::unreadable)
      desk.set_aside(entry, outcome.why, outcome.taken == Taken::never, means.clock.now());
    else if (outcome.taken == Taken::yes && remove_drop(desk.directory(), entry.name))
      desk.forget(entry);
    else
      desk.postpone(entry, means.clock.now());
    if (outcome.taken == Taken::yes) ++taken;
  }
  co_return taken;
}

} // namespace paquebot::intake
