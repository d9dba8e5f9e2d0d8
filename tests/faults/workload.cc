#include "workload.h"

#include "folder_work.h"
#include "run_task.h"
#include "store/store.h"

#include <algorithm>
#include <charconv>
#include <random>
#include <sstream>

namespace paquebot::faults {
namespace {

using store::Store;

constexpr const char* kPlace = "far.test";
constexpr const char* kLogin = "anna@example.test";
constexpr std::uint64_t kLarge = 150'000;

std::unique_ptr<Store> open(const std::string& directory, std::string& why) {
  store::StoreOptions options;
  options.readers = 1;
  options.on_fatal = [](const std::string&) {};
  auto opened = store::open_store(directory, options);
  if (opened) return std::move(*opened);
  why = opened.error().message;
  return nullptr;
}

class Workload {
public:
  Workload(LogVfs& vfs, Store& store, unsigned seed) : vfs_(vfs), store_(store), chance_(seed) {}

  void run_rounds(int rounds) {
    make_account();
    FolderWork folders(vfs_, store_, ids_, account_, chance_());
    for (int i = 0; i < rounds; ++i) {
      accept_some();
      if (i % 2 == 0) deliver();
      if (i % 3 == 1) remove_one();
      folders.change_some();
      if (i % 4 == 3) static_cast<void>(run(store_.upkeep().maintain(1)));
    }
  }

private:
  void make_account() {
    static_cast<void>(run(store_.directory().add_domain("example.test")));
    store::Account wanted;
    wanted.login = kLogin;
    // Of "secret of anna".
    wanted.password =
        "$argon2id$v=19$m=19456,t=2,p=1$p5BW2Z8dJPFkmS9nZLLkCA$S+OKfZ8dNOCVSfoKDHnlRwmLVVDiGZ5Cn4CL2lwRsF8";
    static_cast<void>(run(store_.directory().add_account(wanted)));
    const auto account = run(store_.directory().find_account(kLogin));
    if (!account) return;
    account_ = account->id;
    vfs_.note("account " + std::to_string(account_));
    const auto inbox = run(store_.mailboxes().open(account_, "INBOX"));
    if (inbox) inbox_ = inbox->id;
  }

  /// Up to five at a time, which the writer takes as one transaction or as several.
  void accept_some() {
    const auto many = 1 + chance_() % 5;
    for (auto i = many; i > 0; --i) {
      const bool large = chance_() % 4 == 0;
      const std::uint64_t size = large ? kLarge + chance_() % kLarge : chance_() % 3000;
      boost::asio::co_spawn(context(), accept(static_cast<char>('a' + chance_() % 26), size, large),
                            [](const std::exception_ptr& error) {
                              if (error) std::rethrow_exception(error);
                            });
    }
    context().restart();
    context().run();
  }

  Task<void> accept(char letter, std::uint64_t size, bool large) {
    auto request = std::make_shared<store::AcceptRequest>();
    request->id = ids_.next();
    request->accepted_at = request->id.millis();
    request->expires_at = request->accepted_at + 5LL * 24 * 3600 * 1000;
    request->head = "Subject: " + std::string(1, letter) + "\r\nX-Id: " + request->id.to_string() + "\r\n\r\n";
    request->body.size = size;
    if (large) {
      const auto staged = co_await stage(letter, size);
      if (!staged) co_return;
      request->body.staged = *staged;
    } else {
      request->body.bytes.assign(size, letter);
    }
    store::NewRecipient local;
    local.address = kLogin;
    local.handling = store::Handling::mailbox;
    local.account = account_;
    store::NewRecipient remote;
    remote.address = "b@far.test";
    remote.destination = kPlace;
    request->recipients = {local, remote};
    const std::shared_ptr<const store::AcceptRequest> sealed = request;
    const auto done = co_await store_.acceptance().accept(sealed);
    if (done.status != store::AcceptStatus::accepted) co_return;
    vfs_.note("accepted " + request->id.to_string() + " " + letter + " " + std::to_string(size));
  }

  Task<Result<std::shared_ptr<store::Staged>>> stage(char letter, std::uint64_t size) {
    auto staged = co_await store_.acceptance().stage();
    if (!staged) co_return staged;
    for (std::uint64_t done = 0; done < size;) {
      const std::uint64_t part = std::min<std::uint64_t>(64 << 10, size - done);
      std::string chunk(part, letter);
      const auto appended = co_await (*staged)->append(std::move(chunk));
      if (!appended) co_return std::unexpected(appended.error());
      done += part;
    }
    const auto finished = co_await (*staged)->finish();
    if (!finished) co_return std::unexpected(finished.error());
    co_return staged;
  }

  /// Takes some in hand; most are relayed, some wait again.
  void deliver() {
    const auto items = run(store_.queue().claim(kPlace, INT64_MAX, 4));
    if (!items || items->items.empty()) return;
    std::vector<store::Outcome> outcomes;
    std::vector<std::string> relayed;
    for (const auto& item : items->items) {
      for (const auto& recipient : item.recipients) {
        store::Outcome outcome;
        outcome.message = item.message.id;
        outcome.index = recipient.index;
        outcome.to = chance_() % 4 == 0 ? store::State::waiting : store::State::relayed;
        outcome.reply = mail::Told::by(mail::Reply(250, {2, 0, 0}, "ok"), "mx.far.test");
        if (outcome.to == store::State::relayed) relayed.push_back(item.message.id.to_string());
        outcomes.push_back(outcome);
      }
    }
    if (!run(store_.queue().record(outcomes, std::nullopt))) return;
    for (const std::string& id : relayed) vfs_.note("relayed " + id);
  }

  void remove_one() {
    const auto entries = run(store_.mailboxes().list_entries(inbox_, 0, 3));
    if (!entries || entries->empty()) return;
    const std::uint32_t uid = (*entries)[chance_() % entries->size()].uid;
    vfs_.note("deleting " + std::to_string(uid));
    if (run(store_.mailboxes().expunge(inbox_, {uid}, "test"))) vfs_.note("deleted " + std::to_string(uid));
  }

  LogVfs& vfs_;
  Store& store_;
  std::mt19937 chance_;
  UlidSource ids_;
  store::Id account_ = 0;
  store::Id inbox_ = 0;
};

/// Looks at one opened store.
class Judge {
public:
  explicit Judge(Store& store) : store_(store) {}

  void say(std::string problem) { problems_.push_back(std::move(problem)); }
  std::vector<std::string> take() { return std::move(problems_); }

  /// By the id in the head: the uid of each message in the mailbox.
  std::map<std::string, store::EntryContent> read_mailbox(store::Id account) {
    std::map<std::string, store::EntryContent> found;
    const auto inbox = run(store_.mailboxes().open(account, "INBOX"));
    if (!inbox) {
      say("the mailbox is gone: " + inbox.error().message);
      return found;
    }
    const auto entries =
        run(store_.mailboxes().list_entries(inbox->id, 0, 100'000)).value_or(std::vector<store::EntryInfo>());
    for (const auto& entry : entries) {
      auto content = run(store_.mailboxes().read_entry(inbox->id, entry.uid));
      if (!content) {
        say("uid " + std::to_string(entry.uid) + " can't be read: " + content.error().message);
        continue;
      }
      const auto at = content->head.find("X-Id: ");
      if (at != std::string::npos) found.emplace(content->head.substr(at + 6, 26), std::move(*content));
    }
    return found;
  }

  void look_at_body(const std::string& id, const store::BodyRef& body, char letter, std::uint64_t size) {
    if (body.size != size) return say(id + " is of another size");
    for (std::uint64_t at = 0; at < size;) {
      const auto part = run(store_.content().read_body(body, at, 1 << 20));
      if (!part || part->empty() || part->find_first_not_of(letter) != std::string::npos)
        return say(id + " has another content");
      at += part->size();
    }
  }

  void look_at_recipient(const std::string& id, bool relayed) {
    const auto trace = run(store_.trail().trace(*Ulid::parse(id)));
    if (!trace || trace->recipients.size() != 2) return say(id + " is lost");
    const store::State state = trace->recipients[1].state;
    if (relayed && state != store::State::relayed) say(id + " was relayed, and would be again");
    if (state != store::State::relayed && state != store::State::waiting) say(id + " neither waits nor was relayed");
  }

private:
  Store& store_;
  std::vector<std::string> problems_;
};

} // namespace

void Promises::take(const std::string& note) {
  std::istringstream words(note);
  std::string what;
  std::string subject;
  words >> what >> subject;
  if (what == "account") account_ = std::stoll(subject);
  if (what == "relayed") relayed_.insert(subject);
  if (what == "deleting") deleting_.insert(static_cast<std::uint32_t>(std::stoul(subject)));
  if (what == "deleted") deleted_.insert(static_cast<std::uint32_t>(std::stoul(subject)));
  folders_.take(note);
  if (what != "accepted") return;
  Message message{};
  words >> message.letter >> message.size;
  accepted_.emplace(subject, message);
}

std::vector<std::string> Promises::accepted() const {
  std::vector<std::string> ids;
  for (const auto& [id, message] : accepted_) ids.push_back(id);
  return ids;
}

std::vector<std::string> Promises::broken_in(const std::string& directory) const {
  std::string why;
  const auto store = open(directory, why);
  if (!store) return {"it can't be opened: " + why};
  Judge judge(*store);
  const auto findings = run(store->upkeep().verify());
  if (!findings) judge.say("it can't be checked: " + findings.error().message);
  for (const std::string& line : findings.value_or(std::vector<std::string>())) judge.say(line);
  if (account_ == 0) return judge.take();
  for (std::string& problem : folders_.broken_in(*store, account_)) judge.say(std::move(problem));
  const auto mailbox = judge.read_mailbox(account_);
  std::set<std::uint32_t> uids;
  for (const auto& [id, content] : mailbox) uids.insert(content.info.uid);
  for (const std::uint32_t uid : deleted_)
    if (uids.contains(uid)) judge.say("uid " + std::to_string(uid) + " was deleted, and is back");
  std::size_t missing = 0;
  for (const auto& [id, message] : accepted_) {
    judge.look_at_recipient(id, relayed_.contains(id));
    const auto there = mailbox.find(id);
    if (there != mailbox.end()) {
      judge.look_at_body(id, there->second.body, message.letter, message.size);
    } else if (++missing > deleting_.size()) {
      judge.say(id + " is not in the mailbox");
    }
  }
  return judge.take();
}

void work(LogVfs& vfs, const WorkOptions& options) {
  std::string why;
  auto store = open(options.directory, why);
  if (!store) return;
  Workload(vfs, *store, options.seed).run_rounds(options.rounds);
  if (options.linger) static_cast<void>(store.release());
}

} // namespace paquebot::faults
