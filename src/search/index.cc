#include "search/index.h"

#include "base/log.h"
#include "net/wheel.h"
#include "search/searcher.h"

#include <algorithm>
#include <filesystem>
#include <utility>

namespace paquebot::search {

using namespace std::chrono_literals;
using store::sqlite::DbError;

namespace {

constexpr std::chrono::milliseconds kBetween{300}; // rounds, when there is something to do
constexpr std::chrono::seconds kAfterFailure{10};  // until it is tried again

Error error_of(const DbError& error) {
  return {error.full() ? Errc::no_space : Errc::io, "the search index: " + error.message};
}

std::uint64_t octets_of(const std::string& path) {
  std::uint64_t octets = 0;
  for (const char* beside : {"", "-wal"}) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path + beside, error);
    if (!error) octets += size;
  }
  return octets;
}

} // namespace

IndexFacts facts_of_file(const std::string& directory) {
  IndexFacts facts{.state = IndexFacts::State::stopped};
  const std::string path = directory + "/search.db";
  facts.octets = octets_of(path);
  try {
    if (facts.octets > 0) facts.messages = IndexReader(path).count();
  } catch (const DbError&) { // it is made anew by who opens it next
  }
  return facts;
}

std::string damage_of_file(const std::string& directory) {
  const std::string path = directory + "/search.db";
  if (octets_of(path) == 0) return {};
  try {
    return IndexReader(path).check();
  } catch (const DbError& error) {
    return error.damaged() ? "it is no database any more" : "it can't be read: " + error.message;
  }
}

Index::Index(store::Store& store, std::string directory)
    : store_(store), path_(std::move(directory) + "/search.db"), searcher_(std::make_unique<Searcher>(path_)) {}

Index::~Index() = default;

void Index::tell(const store::Change& change) {
  using Kind = store::Change::Kind;
  if (!on_) return;
  if (change.kind == Kind::mailbox && change.id == 0) all_due_ = true;
  if (change.id == 0 || (change.kind != Kind::mailbox && change.kind != Kind::account_ended)) return;
  const std::lock_guard lock(mutex_);
  if (change.kind == Kind::mailbox)
    changed_.insert(change.id);
  else
    ended_.push_back(change.id);
}

void Index::rebuild() {
  behind_ = std::max<std::uint64_t>(behind_ + messages_, 1); // until it is known better
  anew_ = true;
}

IndexFacts Index::facts() const {
  IndexFacts facts;
  if (!on_) return facts;
  facts.messages = messages_;
  facts.behind = behind_;
  facts.octets = octets_of(path_);
  const std::lock_guard lock(mutex_);
  facts.why = why_;
  const bool waits = !opened_ || all_due_ || looking_ || anew_ || facts.behind > 0;
  facts.state = !why_.empty() ? IndexFacts::State::failing
                : waits       ? IndexFacts::State::filling
                              : IndexFacts::State::current;
  return facts;
}

Task<store::UidSet> Index::rule_out(store::Id mailbox, std::shared_ptr<const imap::FilterPlan> plan) {
  {
    const std::lock_guard lock(mutex_);
    if (!on_ || !opened_ || anew_ || !known_.contains(mailbox)) co_return store::UidSet();
  }
  auto found = co_await searcher_->ask(mailbox, std::move(plan));
  if (found.damaged) {
    log::warning("search-index-damaged", {{"file", path_}, {"what", "it is made anew"}});
    rebuild();
  }
  co_return std::move(found.ruled_out);
}

// ---- Rounds ----

Task<void> Index::run() {
  auto pause = kBetween;
  while (!stopping_) {
    const Result<> done = co_await round();
    note(done);
    const auto until = system_clock().now() + (done ? std::chrono::milliseconds(0) : kAfterFailure);
    do co_await net::sleep_for(pause);
    while (!stopping_ && system_clock().now() < until);
  }
}

/// A failure is logged when it begins.
void Index::note(const Result<>& done) {
  std::string why = done ? std::string() : done.error().message;
  const std::lock_guard lock(mutex_);
  if (!done && why_.empty() && !stopping_) log::warning("search-index-failed", {{"why", why}});
  why_ = std::move(why);
}

Task<Result<>> Index::round() {
  Result<> done = co_await attempt();
  // A damaged file is gone by now: the next one is filled at once. One that is damaged again is the disk's fault.
  if (!done && removed_ && may_go_on()) done = co_await attempt();
  co_return done;
}

Task<Result<>> Index::attempt() {
  if (anew_ || (!on_ && !removed_)) close(true);
  if (!on_) co_return Result<>();
  anew_ = false;
  Result<> done;
  try {
    open();
    done = co_await work();
  } catch (const DbError& error) {
    done = std::unexpected(error_of(error));
    if (error.damaged()) log::warning("search-index-damaged", {{"file", path_}, {"what", "it is made anew"}});
    close(error.damaged());
  }
  if (!done) all_due_ = true;
  co_return done;
}

void Index::open() {
  if (file_) return;
  removed_ = false;
  file_.emplace(path_);
  messages_ = file_->count();
  all_due_ = true;
  searcher_->begin_anew();
  const std::lock_guard lock(mutex_);
  opened_ = true;
}

void Index::close(bool remove) {
  {
    const std::lock_guard lock(mutex_);
    opened_ = false;
    known_.clear();
    if (!on_) changed_.clear(), ended_.clear();
  }
  searcher_->begin_anew();
  file_.reset();
  if (!remove) return;
  IndexFile::remove(path_);
  removed_ = true;
  messages_ = 0;
}

Task<Result<>> Index::work() {
  if (all_due_) {
    looking_ = true; // facts() must not take it for current between
    all_due_ = false;
    auto all = co_await look_at_all();
    looking_ = false;
    if (!all) co_return all;
  }
  const std::vector<store::Id> changed = take_changed();
  for (const store::Id mailbox : changed) {
    if (!may_go_on()) co_return Result<>();
    auto followed = co_await follow(mailbox);
    if (!followed) co_return followed;
  }
  if (may_go_on() && !all_due_) behind_ = 0;
  if (!tidy_) tidy_ = file_->tidy();
  co_return Result<>();
}

std::vector<store::Id> Index::take_changed() {
  const std::lock_guard lock(mutex_);
  // Mailboxes that are new have an account that is not known.
  if (!ended_.empty())
    for (const auto& [mailbox, cursor] : known_)
      if (cursor.account == 0 || std::ranges::find(ended_, cursor.account) != ended_.end()) changed_.insert(mailbox);
  ended_.clear();
  std::vector<store::Id> all(changed_.begin(), changed_.end());
  changed_.clear();
  std::ranges::sort(all);
  return all;
}

void Index::keep(store::Id mailbox, Cursor cursor) {
  const std::lock_guard lock(mutex_);
  known_[mailbox] = cursor;
}

void Index::forget(store::Id mailbox) {
  const std::lock_guard lock(mutex_);
  known_.erase(mailbox);
}

void Index::did(std::uint64_t messages) {
  const std::uint64_t behind = behind_;
  behind_ = behind - std::min(behind, messages);
}

void Index::drop(store::Id mailbox, store::UidRun uids) {
  for (std::uint64_t dropped = kDroppedAtOnce; dropped == kDroppedAtOnce;) {
    dropped = file_->drop(mailbox, uids);
    messages_ -= dropped;
    if (dropped > 0) tidy_ = false;
  }
}

// ---- All mailboxes ----

Task<Result<std::vector<Index::Box>>> Index::list_boxes() {
  std::vector<Box> boxes;
  std::string after;
  for (bool more = true; more && may_go_on();) {
    store::Within everybody;
    std::string behind = after;
    auto accounts = co_await store_.directory().page_accounts(std::move(everybody), std::move(behind), kEntriesAtOnce);
    if (!accounts) co_return std::unexpected(accounts.error());
    for (const store::Account& account : *accounts) {
      const store::Id id = account.id;
      auto list = co_await store_.mailboxes().list_folders(id);
      if (!list) co_return std::unexpected(list.error());
      for (const store::Folder& one : list->folders) boxes.push_back({one.view(), one.count, id});
    }
    more = accounts->size() == kEntriesAtOnce;
    if (more) after = accounts->back().login;
  }
  std::ranges::sort(boxes, {}, [](const Box& one) { return one.view.mailbox; });
  co_return std::move(boxes);
}

Task<Result<>> Index::look_at_all() {
  const bool first = known_.empty();
  const Instant begun = system_clock().now();
  auto boxes = co_await list_boxes();
  if (!boxes) co_return std::unexpected(boxes.error());
  if (!may_go_on()) co_return Result<>();
  std::uint64_t total = 0;
  for (const Box& box : *boxes) total += box.count;
  behind_ = total;
  drop_others(*boxes);
  for (const Box& box : *boxes) {
    if (!may_go_on()) co_return Result<>();
    auto compared = co_await compare(box);
    if (!compared) co_return compared;
  }
  if (first && may_go_on())
    log::info("search-index-ready",
              {{"messages", messages_.load()},
               {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(system_clock().now() - begun).count()}});
  co_return Result<>();
}

/// Of mailboxes that are not there any more.
void Index::drop_others(const std::vector<Box>& boxes) {
  store::Id at = 0;
  while (const auto next = file_->next_mailbox(at)) {
    at = *next;
    const auto found = std::ranges::lower_bound(boxes, at, {}, [](const Box& one) { return one.view.mailbox; });
    if (found != boxes.end() && found->view.mailbox == at && found->count > 0) continue;
    forget(at);
    drop(at, kAllUids);
  }
}

/// Makes the rows of a mailbox what they should be.
Task<Result<>> Index::compare(Box box) {
  const store::Id mailbox = box.view.mailbox;
  const bool counted = box.counted;
  if (box.count == 0) co_return Result<>();
  for (std::uint32_t at = 0; at != UINT32_MAX && may_go_on();) {
    auto until = co_await compare_some(mailbox, at, counted);
    if (!until) co_return std::unexpected(until.error());
    at = *until;
  }
  if (may_go_on()) keep(mailbox, {box.view.uidnext, box.view.modseq, box.account});
  co_return Result<>();
}

/// Gives the uid up to which it went.
Task<Result<std::uint32_t>> Index::compare_some(store::Id mailbox, std::uint32_t after, bool counted) {
  auto entries = co_await store_.mailboxes().list_entries(mailbox, after, kEntriesAtOnce);
  if (!entries) co_return std::unexpected(entries.error());
  const std::uint32_t last = entries->size() == kEntriesAtOnce ? entries->back().uid : UINT32_MAX;
  const auto rows = file_->list(mailbox, {after + 1, last});
  std::vector<std::uint32_t> missing;
  auto row = rows.begin();
  for (const store::EntryInfo& entry : *entries) {
    for (; row != rows.end() && row->uid < entry.uid; ++row) drop(mailbox, {row->uid, row->uid});
    const bool there = row != rows.end() && row->uid == entry.uid;
    if (there && row->message != entry.message) drop(mailbox, {row->uid, row->uid});
    if (!there || row->message != entry.message) missing.push_back(entry.uid);
    if (there) ++row;
  }
  for (; row != rows.end(); ++row) drop(mailbox, {row->uid, row->uid});
  if (counted)
    did(entries->size() - missing.size());
  else
    behind_ += missing.size();
  auto added = co_await add(mailbox, std::move(missing));
  if (!added) co_return std::unexpected(added.error());
  co_return last;
}

} // namespace paquebot::search
