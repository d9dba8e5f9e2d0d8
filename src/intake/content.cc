#include "intake/content.h"

#include "base/text.h"
#include "intake/drop.h"

namespace paquebot::intake {
namespace {

/// Of a head's bound, for what we put in front of it: trace fields, results, what filters add.
constexpr std::size_t kRoomInHead = 64u << 10;
/// Octets that a message may hold without asking.
constexpr std::uint64_t kFreeMemory = 32u << 10;
static_assert(kMaxDropHead == store::kMaxHead - kRoomInHead);

bool all_leave(const std::vector<queue::DraftRecipient>& recipients) {
  for (const queue::DraftRecipient& recipient : recipients)
    for (const directory::Node& node : recipient.nodes)
      if (node.handling != store::Handling::remote && node.handling != store::Handling::expanded) return false;
  return true;
}

mail::Reply head_too_large() { return mail::Reply(552, {5, 3, 4}, "the header block is larger than 1 MiB"); }

mail::Reply not_kept(const Error& why) {
  if (why.code == Errc::no_space)
    return mail::Reply(452, {4, 3, 1}, "no room for the message now, please try again later", why.message);
  return mail::Reply(451, {4, 3, 0}, "the message can't be stored now, please try again later", why.message);
}

} // namespace

Content::Content(Passage& message)
    : message_(message), memory_(message.means.memory, kFreeMemory, message.means.memory_of),
      splitter_(store::kMaxHead - kRoomInHead), body_(message.means.store.acceptance()) {
  const Origin& origin = message.origin;
  if (origin.sender.body != mail::BodyType::binary) return;
  conversion_.begin(all_leave(origin.recipients) && origin.filters == nullptr); // filters know lines only
}

/// Octets that the message has in memory once these are there: the head also where it is checked where it is from.
std::uint64_t Content::holds(std::size_t coming) const {
  const std::uint64_t copies = message_.authentication ? 2 : 1;
  const std::uint64_t head = splitter_.head().size() + (splitter_.head_complete() ? 0 : coming);
  return copies * head + body_.buffered() + (splitter_.head_complete() ? coming : 0);
}

/// Others hold it all: the rest of the content is only swallowed, for which nothing is kept.
void Content::give_memory_back() {
  message_.failure = mail::Reply(452, {4, 3, 1}, "no memory for the message now, please try again later");
  splitter_ = mail::HeadSplitter();
  drop();
  message_.authentication.reset();
  memory_.reset();
}

Task<void> Content::write(std::string_view chunk) {
  if (!message_.fine()) co_return; // the rest is only swallowed
  const std::uint64_t needed = holds(chunk.size());
  if (!memory_.covers(needed)) {
    const bool got = co_await memory_.grow(needed);
    if (!got) give_memory_back();
    if (!got) co_return;
  }
  Authentication* const watched = message_.authentication.get();
  if (watched != nullptr && watched->feed(chunk) && !message_.is_submitted()) co_await watched->ask_ahead();
  std::string_view bytes = chunk;
  if (conversion_.on()) {
    const auto fed = conversion_.feed(chunk);
    if (!fed) message_.failure = not_convertible(fed.error());
    if (!fed) co_return;
    bytes = *fed;
  }
  co_await keep(bytes);
}

bool Content::write_now(std::string_view chunk) {
  // What the head's end turns out to be body of is at most what the splitter holds.
  const bool small = chunk.size() + splitter_.head().size() <= body_.room();
  if (!small || message_.authentication || conversion_.on() || !message_.fine() || !memory_.covers(holds(chunk.size())))
    return false;
  if (auto part = splitter_.feed(chunk))
    body_.write_now(*part);
  else
    message_.failure = head_too_large();
  return message_.fine();
}

Task<void> Content::keep(std::string_view content) {
  auto part = splitter_.feed(content);
  if (!part) {
    message_.failure = head_too_large();
    co_return;
  }
  if (part->empty()) co_return;
  std::string_view bytes = *part;
  auto written = co_await body_.write(bytes);
  if (!written) message_.failure = not_kept(written.error());
}

bool Content::has_8bit() const { return body_.has_8bit() || !is_ascii(splitter_.head()); }

/// What the conversion still holds back.
Task<void> Content::end_conversion() {
  const auto rest = conversion_.finish();
  if (!rest) {
    message_.failure = not_convertible(rest.error());
    co_return;
  }
  if (conversion_.stays_binary()) co_return;
  std::string_view bytes = *rest;
  if (!bytes.empty()) co_await keep(bytes);
  message_.origin.sender.body = has_8bit() ? mail::BodyType::eight_bit : mail::BodyType::seven_bit;
}

bool Content::end_now() {
  if (!message_.fine() || conversion_.on() || !splitter_.head_complete()) return false;
  take_head();
  return true;
}

Task<void> Content::end() {
  if (conversion_.on() && message_.fine()) co_await end_conversion();
  if (!message_.fine()) co_return;
  auto rest = splitter_.finish();
  if (!rest) {
    message_.failure = head_too_large();
    co_return;
  }
  std::string_view bytes = *rest;
  if (!bytes.empty()) {
    auto written = co_await body_.write(bytes);
    if (!written) message_.failure = not_kept(written.error());
  }
  if (message_.fine()) take_head();
}

void Content::take_head() {
  message_.has_8bit = has_8bit();
  auto head = mail::Head::parse(splitter_.take_head());
  if (head)
    message_.head = std::move(*head);
  else
    message_.failure = mail::Reply(552, {5, 3, 4}, head.error().message);
}

bool Content::settle_now() {
  if (message_.body) return true;
  if (!body_.in_memory()) return false;
  message_.body = body_.finish_now();
  return true;
}

Task<void> Content::settle() {
  if (message_.body) co_return;
  auto body = co_await body_.finish();
  if (body) {
    message_.body = std::move(*body);
    co_return;
  }
  body_.discard();
  message_.failure = no_room(body.error());
}

store::NewBody Content::take() {
  store::NewBody body = std::move(*message_.body);
  message_.body.reset(); // it is the caller's from here on
  if (conversion_.stays_binary()) body.type = mail::BodyType::binary;
  return body;
}

void Content::drop() {
  body_.discard();
  message_.body.reset();
}

} // namespace paquebot::intake
