#include "delivery/signer.h"

#include "base/log.h"
#include "mail/head.h"
#include "mailauth/author.h"

namespace paquebot::delivery {
namespace {

constexpr std::size_t kDomains = 1000;   // whose keys are kept parsed, twice so many at most
constexpr std::size_t kSignatures = 500; // of about 1.5 KiB, with a seal 3 KiB
constexpr auto kUseAgain = std::chrono::hours(1);
constexpr int kMostParents = 8;
/// What is in front of a stored head, and what a conversion adds.
constexpr std::size_t kMaxHead = 2 * mail::kMaxHead;

bool made_here(store::MessageClass klass) {
  using enum store::MessageClass;
  return klass == submitted || klass == local || klass == report;
}

/// The parsed keys that sign; what can't be read is told and left out.
std::vector<std::shared_ptr<const mailauth::SigningKey>> active_of(const std::vector<store::DkimKey>& all) {
  std::vector<std::shared_ptr<const mailauth::SigningKey>> out;
  for (const store::DkimKey& key : all) {
    if (key.state != store::DkimKey::State::active) continue;
    auto parsed = mailauth::PrivateKey::from_pem(key.private_key);
    if (parsed)
      out.push_back(std::make_shared<const mailauth::SigningKey>(key.domain, key.selector, std::move(*parsed)));
    else
      log::error("dkim-key-unusable", {{"domain", key.domain},
                                       {"selector", key.selector},
                                       {"why", parsed.error().message},
                                       {"advice", "paquebot dkim rotate " + key.domain}});
  }
  return out;
}

} // namespace

Signer::Turn::Turn(const std::shared_ptr<UnderWay>& all, Version version) : all_(all), version_(std::move(version)) {
  all->versions.insert(version_);
}

Signer::Turn::~Turn() {
  const auto all = all_.lock();
  if (!all) return;
  all->versions.erase(version_);
  all->less.notify_all();
}

Signer::Signer(store::Store& store, directory::CpuPool& cpu, const Clock& clock, std::string hostname)
    : store_(store), cpu_(cpu), clock_(clock), hostname_(std::move(hostname)), keys_(kDomains) {}

Task<Result<>> Signer::sign(const store::MessageFacts& message, Content& content) {
  if (!on_ || !made_here(message.klass) || !content.signature().empty()) co_return Result<>();
  const auto head = mail::Head::parse(content.head());
  if (!head) co_return Result<>();
  mailauth::Author author = mailauth::author_of(*head);
  if (author.state != mailauth::Author::State::one) co_return Result<>();
  // What a user sends on is not ours to sign for its author, should the author's domain have become ours since.
  if (head->find("Resent-From") != nullptr && author.domain != message.sender.reverse_path.domain) co_return Result<>();
  auto keys = co_await keys_for(std::move(author.domain));
  if (!keys) co_return std::unexpected(keys.error());
  if ((*keys)->empty()) co_return Result<>();
  const Version version{message.id, content.form(), {}};
  const Keys used = *keys;
  const bool known = co_await put_known(version, used, content); // RFC 6376 section 5.6: before all others
  if (known) co_return Result<>();
  const Turn turn(under_way_, version);
  auto fields = co_await compose(content, used);
  if (!fields) co_return std::unexpected(fields.error());
  if (auto again = content.rewind(); !again) co_return again;
  if (fields->empty()) co_return Result<>();
  content.put_signature(*fields);
  keep(version, {std::move(*fields), used, clock_.wall()});
  co_return Result<>();
}

Task<bool> Signer::put_known(const Version& version, const Keys& keys, Content& content) {
  while (under_way_->versions.contains(version)) co_await under_way_->less.wait();
  const std::string* known = find(version, keys);
  if (known) content.put_signature(*known);
  co_return known != nullptr;
}

/// The active keys of the domain, else of the nearest one that it lies in; none: an empty list.
Task<Result<Signer::Keys>> Signer::keys_for(std::string domain) {
  const std::uint64_t generation = store_.directory().generation();
  if (auto known = keys_.get(generation, domain)) co_return std::move(*known);
  auto found = std::make_shared<KeyList>();
  std::string name = domain;
  for (int i = 0; i <= kMostParents && !name.empty() && found->empty(); ++i) {
    auto all = co_await store_.keys().list_dkim_keys(name);
    if (!all) co_return std::unexpected(all.error());
    *found = active_of(*all);
    const auto dot = name.find('.');
    name = dot == std::string::npos ? std::string() : name.substr(dot + 1);
  }
  // Who asked at the same time may have it already: one list for all, or what is made with it is made again.
  if (auto known = keys_.get(generation, domain)) co_return std::move(*known);
  Keys keys = std::move(found);
  keys_.put(generation, domain, keys);
  co_return keys;
}

Task<Result<std::optional<mail::Head>>> Signer::read_through(Content& content, const BodyTaker& take) {
  mail::HeadSplitter splitter(kMaxHead);
  for (;;) {
    auto piece = co_await content.next();
    if (!piece) co_return std::unexpected(piece.error());
    auto body = piece->empty() ? splitter.finish() : splitter.feed(*piece);
    if (!body) {
      log::error("not-signed", {{"why", body.error().message}});
      co_return std::nullopt;
    }
    take(*body);
    if (piece->empty()) break;
  }
  auto head = mail::Head::parse(splitter.take_head());
  if (!head) co_return std::nullopt;
  co_return std::move(*head);
}

/// Reads the content to its end and signs it; no fields when that fails by a fault of ours.
Task<Result<std::string>> Signer::compose(Content& content, Keys keys) {
  mailauth::DkimSigner signer;
  const BodyTaker take = [&signer](std::string_view body) { signer.body(body); };
  const auto read = co_await read_through(content, take);
  if (!read) co_return std::unexpected(read.error());
  if (!*read) co_return std::string();
  const mail::Head& head = **read;
  const WallTime now = clock_.wall();
  Result<std::string> fields;
  std::move_only_function<void()> work = [&] { fields = signer.finish(head, *keys, now); };
  const bool done = co_await cpu_.run(std::move(work));
  if (!done) co_return fail(Errc::temporary, "too much waits to be signed");
  if (!fields) {
    log::error("not-signed", {{"why", fields.error().message}});
    co_return std::string();
  }
  co_return fields;
}

const std::string* Signer::find(const Version& version, const Keys& keys) {
  const auto it = made_.find(version);
  if (it == made_.end() || it->second.keys != keys || clock_.wall() - it->second.at > kUseAgain) return nullptr;
  return &it->second.fields;
}

void Signer::keep(const Version& version, Made made) {
  ++made_count_;
  if (made_.insert_or_assign(version, std::move(made)).second) order_.push_back(version);
  if (order_.size() <= kSignatures) return;
  made_.erase(order_.front());
  order_.pop_front();
}

} // namespace paquebot::delivery
