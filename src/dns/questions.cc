#include "dns/questions.h"

#include "base/text.h"
#include "dns/wire.h"
#include "metrics/counters.h"

#include <algorithm>
#include <unbound.h>

namespace paquebot::dns {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kRecordsMost = 256;
/// And as many more than held_most_ that ask for policies.
constexpr std::size_t kHeldReserve = 500;
/// In all, with those in line.
constexpr std::size_t kUnderWayMost = 8000;
/// What a question has while others stand in line: an answer that is to be had is mostly there within one.
constexpr auto kHurried = 2s;
/// An abandoned question that libunbound has not answered by then never will be.
constexpr auto kAbandonedFor = 120s;
/// RFC 2308 section 7.1 allows five minutes; a temporary failure that lasts longer than it must delays mail.
constexpr std::uint32_t kFailureTtl = 5;

bool is_policy(const Question& question) { return question.type == Type::txt && question.name.starts_with("_dmarc."); }

Answer with_records(Type type, const ub_result& result) {
  Answer answer;
  answer.status = Status::ok;
  answer.secure = result.secure != 0;
  answer.ttl = bounded_ttl(result.ttl);
  for (int i = 0; result.data[i] != nullptr && answer.records.size() < kRecordsMost; ++i) {
    if (result.len[i] < 0) continue;
    if (auto record = parse_rdata(type, {result.data[i], static_cast<std::size_t>(result.len[i])}))
      answer.records.push_back(std::move(*record));
  }
  return answer.records.empty() ? failed("the answer holds no well-formed record") : answer;
}

/// Where aliases led, if that is another name and one that could be asked.
std::string canonical_of(const ub_result& result) {
  if (result.canonname == nullptr || result.qname == nullptr) return {};
  const auto plain = [](std::string_view name) {
    if (name.ends_with('.')) name.remove_suffix(1);
    return to_lower(name);
  };
  std::string name = plain(result.canonname);
  return name == plain(result.qname) || !is_query_name(name) ? std::string() : name;
}

Answer to_answer(Type type, int error, const ub_result* result) {
  if (error != 0 || result == nullptr) return own_failure(ub_strerror(error));
  if (result->bogus != 0) {
    Answer answer = failed(result->why_bogus != nullptr ? printable(result->why_bogus) : "DNSSEC validation failed");
    answer.bogus = true;
    return answer;
  }
  const bool none = result->nxdomain != 0;
  if (!none && result->rcode != 0) return failed("the name server answered with code " + std::to_string(result->rcode));
  if (!none && result->havedata != 0) {
    Answer answer = with_records(type, *result);
    answer.canonical = canonical_of(*result);
    return answer;
  }
  Answer answer;
  answer.canonical = canonical_of(*result);
  answer.status = none ? Status::nxdomain : Status::no_data;
  answer.secure = result->secure != 0;
  answer.ttl = bounded_negative_ttl(result->ttl);
  return answer;
}

} // namespace

Answer failed(std::string why) {
  Answer answer;
  answer.status = Status::servfail;
  answer.ttl = kFailureTtl;
  answer.why = std::move(why);
  return answer;
}

Answer own_failure(std::string why) {
  Answer answer = failed(std::move(why));
  answer.ttl = 0;
  answer.own_fault = true;
  return answer;
}

Questions::Questions(const Options& options, UnboundContext context, std::size_t held_most)
    : timeout_(options.timeout), at_once_(options.at_once), held_most_(held_most),
      cache_(options.cache_entries, options.cache_octets), context_(std::move(context)) {}
Questions::~Questions() = default;

int Questions::descriptor() const { return ub_fd(context_.get()); }

bool Questions::join(const Question& question, const Promised<Shared>& waiter) {
  const std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(question); found != entries_.end()) {
    found->second.waiters.push_back(waiter);
    return found->second.stage == Stage::abandoned;
  }
  if (entries_.size() >= kUnderWayMost + (is_policy(question) ? kUnderWayMost / 4 : 0)) {
    waiter.set(std::make_shared<const Answer>(own_failure("too many questions are under way")));
    return false;
  }
  Entry& fresh = entries_[question];
  fresh.owner = this;
  fresh.question = question;
  fresh.waiters.push_back(waiter);
  return true;
}

Questions::Entry* Questions::find(const Question& question) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(question);
  return found == entries_.end() ? nullptr : &found->second;
}

Questions::Entry* Questions::find(const Due& due) {
  Entry* entry = find(due.question);
  return entry != nullptr && entry->serial == due.serial ? entry : nullptr;
}

/// Who waits now, and in which stage the entry is from the same moment on.
std::vector<Promised<Questions::Shared>> Questions::take_waiters(Entry& entry, Stage stage) {
  const std::lock_guard lock(mutex_);
  entry.stage = stage;
  return std::exchange(entry.waiters, {});
}

bool Questions::has_room(const Question& question) const {
  if (!is_policy(question)) return awaited_ < at_once_ && held_ < held_most_;
  return awaited_ < at_once_ + std::max<std::size_t>(at_once_ / 4, 1) && held_ < held_most_ + kHeldReserve;
}

void Questions::start(const Question& question) {
  Entry* entry = find(question);
  if (entry == nullptr || (entry->stage != Stage::fresh && entry->stage != Stage::abandoned)) return;
  const Instant now = system_clock().now();
  entry->serial = ++last_serial_;
  deadlines_.push_back({now + timeout_, question, entry->serial});
  if (entry->stage == Stage::abandoned) { // libunbound is still at it
    const std::lock_guard lock(mutex_);
    entry->stage = Stage::asked;
    ++awaited_;
    begun_.push_back({now, question, entry->serial});
    return;
  }
  if (has_room(question)) return ask(*entry);
  const std::lock_guard lock(mutex_);
  entry->stage = Stage::in_line;
  (is_policy(question) ? policies_ : line_).push_back(question);
}

void Questions::ask(Entry& entry) {
  {
    const std::lock_guard lock(mutex_);
    entry.stage = Stage::asked;
  }
  ++awaited_;
  ++held_;
  entry.asked_at = system_clock().now();
  begun_.push_back({entry.asked_at, entry.question, entry.serial});
  const int code = ub_resolve_async(context_.get(), entry.question.name.c_str(), static_cast<int>(entry.question.type),
                                    1, &entry, &Questions::answered, &entry.id);
  if (code != 0) finish(entry, own_failure(ub_strerror(code)));
}

void Questions::process() {
  ub_process(context_.get());
  fill();
}

void Questions::answered(void* data, int error, ub_result* result) {
  Entry& entry = *static_cast<Entry*>(data);
  entry.owner->finish(entry, to_answer(entry.question.type, error, result));
  ub_resolve_free(result);
}

/// It no longer counts in what it counted in.
void Questions::leave(Entry& entry) {
  if (entry.stage == Stage::asked) --awaited_;
  if (entry.stage == Stage::asked || entry.stage == Stage::abandoned) --held_;
}

void Questions::finish(Entry& entry, Answer answer) {
  const bool wanted = entry.stage != Stage::abandoned; // who gave up was told; the failure that follows is no news
  if (entry.stage == Stage::asked || entry.stage == Stage::abandoned)
    metrics::dns.observe(answer.status == Status::servfail ? metrics::DnsResult::failed : metrics::DnsResult::answered,
                         system_clock().now() - entry.asked_at);
  leave(entry);
  const Shared shared = std::make_shared<const Answer>(std::move(answer));
  if (wanted || shared->status != Status::servfail) cache_.keep(entry.question, shared, system_clock().now());
  std::vector<Promised<Shared>> waiters;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(entry.question);
    waiters = std::move(found->second.waiters);
    entries_.erase(found);
  }
  for (const auto& waiter : waiters) waiter.set(shared);
}

/// Its waiters get this answer. What libunbound has in hand stays there.
void Questions::give_up_waiting(Entry& entry, Answer answer) {
  if (entry.stage != Stage::asked) return finish(entry, std::move(answer));
  --awaited_;
  const Shared shared = std::make_shared<const Answer>(std::move(answer));
  cache_.keep(entry.question, shared, system_clock().now());
  for (const auto& waiter : take_waiters(entry, Stage::abandoned)) waiter.set(shared);
  abandoned_.push_back({system_clock().now() + kAbandonedFor, entry.question, entry.serial});
}

void Questions::fill() {
  while (fill_from(policies_) || fill_from(line_)) {
  }
}

/// Asks the first, if there is room for it.
bool Questions::fill_from(std::deque<Question>& line) {
  const Question* first = first_of(line);
  if (first == nullptr || !has_room(*first)) return false;
  const Question question = std::move(line.front());
  line.pop_front();
  ask(*find(question));
  return true;
}

/// While others stand in line, those that have been asked for long make room.
void Questions::hurry(Instant now) {
  while (!begun_.empty() && !is_asked(begun_.front())) begun_.pop_front();
  while (held_ < held_most_ && somebody_in_line() && !begun_.empty() && begun_.front().when + kHurried <= now) {
    const Due oldest = std::move(begun_.front());
    begun_.pop_front();
    if (!is_asked(oldest)) continue;
    give_up_waiting(*find(oldest), own_failure("it was not answered in the short time there is while many wait"));
    fill();
  }
}

bool Questions::is_asked(const Due& due) {
  const Entry* entry = find(due);
  return entry != nullptr && entry->stage == Stage::asked;
}

/// Those whose time was over have left the line without a word.
const Question* Questions::first_of(std::deque<Question>& line) {
  while (!line.empty()) {
    const Entry* entry = find(line.front());
    if (entry != nullptr && entry->stage == Stage::in_line) return &line.front();
    line.pop_front();
  }
  return nullptr;
}

bool Questions::somebody_in_line() { return first_of(policies_) != nullptr || first_of(line_) != nullptr; }

void Questions::forget_abandoned(Instant now) {
  while (!abandoned_.empty() && abandoned_.front().when <= now) {
    const Due due = std::move(abandoned_.front());
    abandoned_.pop_front();
    Entry* entry = find(due);
    if (entry == nullptr || entry->stage != Stage::abandoned) continue;
    ub_cancel(context_.get(), entry->id);
    // Who came to wait for it in this very moment has called start(): that finds nothing, so it is answered here.
    finish(*entry, failed("timed out"));
  }
}

void Questions::expire() {
  const Instant now = system_clock().now();
  while (!deadlines_.empty() && deadlines_.front().when <= now) {
    const Due due = std::move(deadlines_.front());
    deadlines_.pop_front();
    Entry* entry = find(due);
    if (entry == nullptr || entry->stage == Stage::abandoned) continue; // answered long ago
    // Who stood in line for most of its time had no fair chance.
    const bool asked =
        entry->stage == Stage::asked && now - entry->asked_at >= std::min<Instant::duration>(timeout_, kHurried);
    give_up_waiting(*entry, asked ? failed("timed out") : own_failure("too many questions are under way"));
  }
  forget_abandoned(now);
  fill();
  hurry(now);
}

Instant Questions::next_look() const {
  Instant next = Instant::max();
  if (!deadlines_.empty()) next = std::min(next, deadlines_.front().when);
  if (!abandoned_.empty()) next = std::min(next, abandoned_.front().when);
  // Where libunbound takes no more, to hurry makes no room: process() does, and is looked at again after that.
  const bool hurries = held_ < held_most_ && (!line_.empty() || !policies_.empty()) && !begun_.empty();
  if (hurries) next = std::min(next, begun_.front().when + kHurried);
  return next;
}

void Questions::end_all(const std::string& why) {
  std::vector<Entry*> all;
  {
    const std::lock_guard lock(mutex_);
    all.reserve(entries_.size());
    for (auto& [question, entry] : entries_) all.push_back(&entry);
  }
  for (Entry* entry : all) {
    if (entry->stage == Stage::asked || entry->stage == Stage::abandoned) ub_cancel(context_.get(), entry->id);
    finish(*entry, own_failure(why));
  }
}

} // namespace paquebot::dns
