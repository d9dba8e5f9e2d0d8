#include "intake/pickup.h"

#include "base/log.h"

#include <algorithm>

namespace paquebot::intake {
namespace {

constexpr std::size_t kRound = 100;
constexpr std::size_t kListed = 10'000;
constexpr std::chrono::seconds kFirstWait{5};
constexpr std::chrono::seconds kMostWait{600};

void refuse(directory::Node& node, mail::Reply reply) {
  node.route = store::NewRecipient::Route::failed;
  node.reason = std::move(reply.text);
  node.code = reply.code;
  node.status = reply.enhanced;
}

/// Where mail for a recipient goes when nobody waits for the answer: unknown users of ours fail and are reported.
Task<Result<queue::DraftRecipient>> resolve(directory::Directory& directory, mail::Recipient recipient) {
  using Kind = directory::Resolution::Kind;
  using Route = store::NewRecipient::Route;
  queue::DraftRecipient row;
  row.recipient = recipient;
  auto found = co_await directory.resolve(recipient.address);
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
    case Kind::not_ours: node.route = Route::remote; break;
    case Kind::unknown: refuse(node, {550, {5, 1, 1}, "there is no such user here"}); break;
    case Kind::too_large: refuse(node, {554, {5, 4, 0}, "this address expands to too many others"}); break;
    case Kind::loop: refuse(node, {554, {5, 4, 6}, "the aliases of this address go round in a loop"}); break;
  }
  row.nodes.push_back(std::move(node));
  co_return row;
}

enum class Taken { yes, later, never };

Task<Taken> take(DropFile& file, Services services, directory::Directory& directory, const Options& options) {
  Origin origin;
  origin.klass = store::MessageClass::local;
  origin.sender = file.envelope().sender;
  origin.client.login = "uid " + std::to_string(file.uid());
  for (const mail::Recipient& recipient : file.envelope().recipients) {
    auto row = co_await resolve(directory, recipient);
    if (!row) co_return Taken::later;
    origin.recipients.push_back(std::move(*row));
  }
  std::optional<Ulid> id = file.id();
  Incoming incoming(services, options, std::move(origin), id);
  std::uint64_t size = 0;
  for (;;) {
    auto piece = file.read();
    if (!piece) {
      log::error("drop-unreadable", {{"id", file.id().to_string()}, {"why", piece.error().message}});
      co_await incoming.discard();
      co_return Taken::later;
    }
    if (piece->empty()) break;
    std::string_view bytes = *piece;
    size += bytes.size();
    if (options.max_message_size != 0 && size > options.max_message_size) {
      log::warning("refused",
                   {{"id", file.id().to_string()}, {"why", "the dropped message is larger than limits.message_size"}});
      co_await incoming.discard();
      co_return Taken::never;
    }
    co_await incoming.write(bytes);
  }
  mail::Reply reply = co_await incoming.finish();
  if (reply.permanent()) // loops, an endless head: it would never be taken
    co_return Taken::never;
  co_return reply.positive() ? Taken::yes : Taken::later;
}

/// Those whose turn it is, oldest first; forgets postponed files that are gone.
std::vector<std::string> choose(const std::string& directory, Postponed& postponed, Instant now) {
  std::vector<std::string> chosen;
  std::map<std::string, Postponed::Entry> still;
  for (std::string& name : list_drops(directory, kListed)) {
    auto known = postponed.files.find(name);
    if (known != postponed.files.end()) still.insert(*known);
    if ((known == postponed.files.end() || known->second.next <= now) && chosen.size() < kRound)
      chosen.push_back(std::move(name));
  }
  postponed.files = std::move(still);
  return chosen;
}

void postpone(Postponed& postponed, const std::string& name, Instant now) {
  auto [entry, first] = postponed.files.try_emplace(name, Postponed::Entry{now, kFirstWait});
  if (!first) entry->second.wait = std::min(entry->second.wait * 2, kMostWait);
  entry->second.next = now + entry->second.wait;
}

/// One file by name.
Task<Taken> take_file(std::string directory_name, std::string name, Services services, directory::Directory& directory,
                      const Options& options) {
  auto file = DropFile::open(directory_name, name);
  if (!file) {
    log::warning("drop-unreadable", {{"file", name}, {"why", file.error().message}});
    co_return file.error().code == Errc::invalid ? Taken::never : Taken::later;
  }
  DropFile& opened = *file;
  Taken taken = co_await take(opened, services, directory, options);
  co_return taken;
}

} // namespace

Task<std::size_t> pick_up(std::string drop_directory, Services services, directory::Directory& directory,
                          const Options& options, Postponed& postponed) {
  std::size_t taken = 0;
  if (!services.store.has_room()) co_return taken;
  for (const std::string& name : choose(drop_directory, postponed, services.clock.now())) {
    Taken result = co_await take_file(drop_directory, name, services, directory, options);
    bool cleared = result == Taken::yes     ? remove_drop(drop_directory, name)
                   : result == Taken::never ? set_drop_aside(drop_directory, name)
                                            : false;
    if (cleared)
      postponed.files.erase(name);
    else
      postpone(postponed, name, services.clock.now());
    if (result == Taken::never)
      log::warning("drop-set-aside", {{"file", name}, {"why", "it can't be accepted: see the line before"}});
    if (cleared && result == Taken::yes) ++taken;
  }
  co_return taken;
}

} // namespace paquebot::intake
