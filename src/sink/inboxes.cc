#include "sink/inboxes.h"

#include "base/text.h"
#include "mail/head.h"
#include "mail/html.h"

#include <algorithm>
#include <ranges>

namespace paquebot::sink {
namespace {

constexpr std::size_t kLongestName = 100;
constexpr std::size_t kSnippet = 250; ///< characters
constexpr std::size_t kWords = 64u << 10;
constexpr std::size_t kMostTags = 100;
/// What a message costs beside its octets and words.
constexpr std::uint64_t kOverhead = 4096;

std::string snippet_of(std::string_view text) {
  std::string out;
  std::size_t characters = 0;
  while (!text.empty() && characters < kSnippet) {
    const std::size_t length = std::max<std::size_t>(utf8_length(text), 1);
    const bool blank = is_space(text.front());
    if (!blank)
      out += text.substr(0, length);
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
    if (!blank || (!out.empty() && out.back() == ' ')) ++characters;
    text.remove_prefix(length);
  }
  return std::string(trim(out));
}

Brief brief_of(const Content& content) {
  Brief brief;
  if (content.from) brief.from = *content.from;
  brief.to = content.to;
  brief.cc = content.cc;
  brief.bcc = content.bcc;
  brief.reply_to = content.reply_to;
  brief.subject = content.subject;
  brief.message_id = content.message_id;
  const std::string text = content.text.empty() ? mail::text_of_html(content.html) : content.text;
  brief.snippet = snippet_of(std::string_view(text).substr(0, kWords));
  brief.words = to_lower(content.subject + "\n" + text);
  if (brief.words.size() > kWords) brief.words.resize(kWords);
  brief.words.shrink_to_fit();
  brief.attachments = content.attachments.size();
  brief.inlines = content.inlines.size();
  return brief;
}

std::uint64_t weight_of(const Message& message) { return message.raw->size() + message.brief.words.size() + kOverhead; }

std::string field_of(const std::string& raw, std::string_view name) {
  mail::HeadSplitter splitter;
  if (!splitter.feed(raw)) return {};
  const auto head = mail::Head::parse(splitter.take_head());
  return head ? head->value(name) : std::string();
}

/// As the sender wishes: X-Tags, a list with commas.
std::vector<std::string> tags_in(const std::string& raw) {
  std::vector<std::string> tags;
  const std::string field = field_of(raw, "X-Tags");
  for (const std::string_view one : split(field, ',')) {
    std::string tag = tag_name(one);
    if (!tag.empty() && tags.size() < kMostTags) tags.push_back(std::move(tag));
  }
  std::ranges::sort(tags);
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  return tags;
}

} // namespace

std::string inbox_name(std::string_view text) {
  std::string name;
  for (const char c : trim(text).substr(0, kLongestName)) {
    const bool plain = is_alnum(c) || std::string_view("._@+=~-").find(c) != std::string_view::npos;
    name += plain ? to_lower(c) : '-';
  }
  if (name.find_first_not_of('.') == std::string::npos) name.clear(); // "." and ".." are steps in a path
  return name.empty() ? "default" : name;
}

std::string inbox_of(std::string_view recipient) {
  const std::size_t at = recipient.rfind('@');
  const std::string_view local = recipient.substr(0, at);
  const std::size_t plus = local.find('+', 1);
  if (plus != std::string_view::npos && plus + 1 < local.size()) return inbox_name(local.substr(plus + 1));
  return inbox_name(at == std::string_view::npos ? recipient : recipient.substr(at + 1));
}

std::set<std::string> inboxes_for(const Envelope& envelope, const std::string& raw) {
  const std::string wished = field_of(raw, "X-Inbox");
  if (!wished.empty()) return {inbox_name(wished)};
  if (!envelope.login.empty()) return {inbox_name(envelope.login)};
  std::set<std::string> names;
  for (const std::string& one : envelope.to) names.insert(inbox_of(one));
  if (names.empty()) names.insert(inbox_name({}));
  return names;
}

std::vector<std::string> blind_of(const Message& message) {
  const auto named = [&](const std::string& address) {
    const auto is = [&](const Person& one) { return iequals(one.address, address); };
    const Brief& b = message.brief;
    return std::ranges::any_of(b.to, is) || std::ranges::any_of(b.cc, is) || std::ranges::any_of(b.bcc, is);
  };
  std::vector<std::string> blind;
  for (const std::string& one : message.envelope.to)
    if (!named(one)) blind.push_back(one);
  return blind;
}

std::string tag_name(std::string_view text) {
  std::string name;
  for (const char c : trim(text).substr(0, kLongestName))
    if (is_alnum(c) || std::string_view("-._ ").find(c) != std::string_view::npos) name += c;
  return std::string(trim(name));
}

MessagePtr Inboxes::add(Envelope envelope, std::string raw, const std::set<std::string>& names) {
  expire();
  auto message = std::make_shared<Message>();
  message->id = ids_.next().to_string();
  message->number = next_++;
  message->received = clock_.wall();
  message->envelope = std::move(envelope);
  message->brief = brief_of(read_content(raw));
  message->tags = tags_in(raw);
  raw.shrink_to_fit();
  message->raw = std::make_shared<const std::string>(std::move(raw));
  octets_ += weight_of(*message);
  messages_[message->number] = message;
  numbers_[message->id] = message->number;
  for (const std::string& name : names) put(name, message);
  ++counts.accepted;
  counts.accepted_octets += message->raw->size();
  make_room();
  changed();
  return message;
}

void Inboxes::put(const std::string& name, const MessagePtr& message) {
  Inbox& inbox = inboxes_[name];
  inbox.used = ++uses_;
  inbox.messages[message->number] = message;
  message->inboxes.insert(name);
  while (inbox.messages.size() > bounds_.messages) {
    const MessagePtr oldest = inbox.messages.begin()->second;
    take_out(name, *oldest);
    if (oldest->inboxes.empty()) forget(oldest);
  }
  while (inboxes_.size() > bounds_.inboxes) {
    const auto idle = std::ranges::min_element(inboxes_, {}, [](const auto& one) { return one.second.used; });
    const std::string gone = idle->first;
    drop_inbox(gone);
  }
}

void Inboxes::touch(const std::string& name) {
  const bool fresh = !inboxes_.contains(name);
  inboxes_[name].used = ++uses_;
  while (inboxes_.size() > bounds_.inboxes) {
    const auto idle = std::ranges::min_element(inboxes_, {}, [](const auto& one) { return one.second.used; });
    const std::string gone = idle->first;
    drop_inbox(gone);
  }
  if (fresh) changed();
}

void Inboxes::drop_inbox(const std::string& name) {
  const auto found = inboxes_.find(name);
  if (found == inboxes_.end()) return;
  const std::map<std::uint64_t, MessagePtr> messages = std::move(found->second.messages);
  inboxes_.erase(found);
  for (const MessagePtr& message : messages | std::views::values) {
    message->inboxes.erase(name);
    if (message->inboxes.empty()) forget(message);
  }
  changed();
}

std::vector<MessagePtr> Inboxes::list(const std::string& name) const {
  const auto found = inboxes_.find(name);
  std::vector<MessagePtr> all;
  if (!name.empty() && found == inboxes_.end()) return all;
  for (const MessagePtr& message : (name.empty() ? messages_ : found->second.messages) | std::views::values)
    all.push_back(message);
  std::ranges::reverse(all);
  return all;
}

MessagePtr Inboxes::find(const std::string& name, std::string_view id) const {
  if (id == "latest") {
    const auto inbox = inboxes_.find(name);
    if (!name.empty() && inbox == inboxes_.end()) return nullptr;
    const auto& messages = name.empty() ? messages_ : inbox->second.messages;
    return messages.empty() ? nullptr : messages.rbegin()->second;
  }
  const auto number = numbers_.find(id);
  if (number == numbers_.end()) return nullptr;
  const MessagePtr& message = messages_.at(number->second);
  return name.empty() || message->inboxes.contains(name) ? message : nullptr;
}

void Inboxes::take_out(const std::string& name, Message& message) {
  if (const auto inbox = inboxes_.find(name); inbox != inboxes_.end()) inbox->second.messages.erase(message.number);
  message.inboxes.erase(name);
}

void Inboxes::forget(const MessagePtr& message) {
  const MessagePtr keep = message;
  if (messages_.erase(keep->number) == 0) return;
  numbers_.erase(keep->id);
  octets_ -= weight_of(*keep);
  ++counts.deleted;
}

void Inboxes::remove(const std::string& name, const MessagePtr& message) {
  if (name.empty())
    for (const std::string& one : std::set<std::string>(message->inboxes)) take_out(one, *message);
  else
    take_out(name, *message);
  if (message->inboxes.empty()) forget(message);
  changed();
}

/// The newest one stays in any case: it fits, since no message is larger than all together may be.
void Inboxes::make_room() {
  while (octets_ > bounds_.octets && messages_.size() > 1) {
    const MessagePtr oldest = messages_.begin()->second;
    for (const std::string& one : std::set<std::string>(oldest->inboxes)) take_out(one, *oldest);
    forget(oldest);
  }
}

void Inboxes::expire() {
  const WallTime until = clock_.wall() - bounds_.age;
  while (!messages_.empty() && messages_.begin()->second->received < until) {
    const MessagePtr oldest = messages_.begin()->second;
    remove({}, oldest);
  }
}

} // namespace paquebot::sink
