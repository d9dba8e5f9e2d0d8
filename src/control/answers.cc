// What the dispatcher does with answers: shows nobody what is not within his reach, cuts lists into pages, makes entity
// tags.

#include "base/encoding.h"
#include "base/text.h"
#include "control/dispatch.h"
#include "mailauth/crypto.h"

#include <algorithm>
#include <set>

namespace paquebot::control {
namespace {

/// Whether a recipient is: in a mailbox, whose that is; else by its address.
bool reaches_recipient(const Grants& grants, const json::value& recipient) {
  const std::string mailbox = get_text(recipient, "mailbox");
  return grants.reaches(mailbox.empty() ? get_text(recipient, "address") : mailbox);
}

/// Events that say something of others are left out, and what is said of the message as a whole is said without its
/// words.
void keep_events(const std::set<std::int64_t>& known, json::object& message) {
  auto* events = message.if_contains("events");
  if (events == nullptr || !events->is_array()) return;
  json::array kept;
  for (json::value& event : events->as_array()) {
    const auto& recipients = get_list(event, "recipients");
    const bool own = std::ranges::all_of(recipients, [&](const json::value& index) {
      return index.is_number() && known.contains(index.to_number<std::int64_t>());
    });
    if (!own) continue;
    if (recipients.empty()) event.as_object()["detail"] = "";
    kept.push_back(std::move(event));
  }
  *events = std::move(kept);
}

bool keep_item(const Grants& grants, const Action& action, json::value& item) {
  if (action.owner == kOfMessage) return keep_message(grants, item);
  return grants.reaches(get_text(item, action.owner));
}

void keep_refusals(const Grants& grants, json::object& answer) {
  auto* refusals = answer.if_contains("refusals");
  if (refusals == nullptr || !refusals->is_array()) return;
  json::array kept;
  for (json::value& one : refusals->as_array()) {
    const std::string account = get_text(one, "account"), to = get_text(one, "to");
    if ((!account.empty() && grants.reaches(account)) || (!to.empty() && grants.reaches(to)))
      kept.push_back(std::move(one));
  }
  *refusals = std::move(kept);
}

/// Texts by their octets, numbers by their value.
bool comes_before(const json::value& a, const json::value& b) {
  if (a.is_number() && b.is_number()) return a.to_number<std::int64_t>() < b.to_number<std::int64_t>();
  if (a.is_string() && b.is_string()) return a.as_string() < b.as_string();
  return a.kind() < b.kind();
}

/// The member that a list is sorted by; several as one text.
json::value key_of(const Action& action, const json::value& item) {
  const auto* object = item.if_object();
  const auto* found = object == nullptr ? nullptr : object->if_contains(action.key);
  if (found != nullptr) return *found;
  std::string all;
  for (const std::string_view name : split(action.key, ' ')) all += (all.empty() ? "" : " ") + get_text(item, name);
  return json::string(all);
}

} // namespace

bool keep_message(const Grants& grants, json::value& value) {
  auto* message = value.if_object();
  if (message == nullptr) return false;
  if (grants.serves_all()) return true;
  const std::string account = get_text(value, "account");
  if (!account.empty() && grants.reaches_login(account)) return true;
  json::array kept;
  std::set<std::int64_t> known;
  for (json::value& recipient : (*message)["recipients"].as_array()) {
    if (!reaches_recipient(grants, recipient)) continue;
    known.insert(get_number(recipient, "index"));
    kept.push_back(std::move(recipient));
  }
  if (kept.empty()) return false;
  (*message)["recipients"] = std::move(kept);
  keep_events(known, *message);
  if (message->contains("reports")) (*message)["reports"] = json::array();
  return true;
}

void keep_to(const Grants& grants, const Action& action, json::value& answer) {
  if (grants.serves_all() || !answer.is_object()) return;
  auto& object = answer.as_object();
  if (action.answer.starts_with("=Message")) {
    keep_message(grants, answer);
    return;
  }
  if (action.owner.empty() || action.list.empty()) return;
  auto* list = object.if_contains(action.list);
  if (list == nullptr || !list->is_array()) return;
  json::array kept;
  for (json::value& item : list->as_array())
    if (keep_item(grants, action, item)) kept.push_back(std::move(item));
  *list = std::move(kept);
  keep_refusals(grants, object);
}

Found<> cut_page(const Action& action, const Call& call, json::value& answer) {
  if (!is_paged(action)) return {};
  const auto limit = read_limit(call, kUsualPage, kLargestPage);
  if (!limit) return std::unexpected(limit.error());
  auto* list = answer.is_object() ? answer.as_object().if_contains(action.list) : nullptr;
  if (list == nullptr || !list->is_array()) return {};
  auto& items = list->as_array();
  std::vector<json::value> sorted(std::make_move_iterator(items.begin()), std::make_move_iterator(items.end()));
  std::ranges::stable_sort(sorted, [&](const json::value& a, const json::value& b) {
    return comes_before(key_of(action, a), key_of(action, b));
  });
  const std::string after = call.ask("after");
  const auto behind = [&](const json::value& item) {
    if (after.empty()) return true;
    const json::value key = key_of(action, item);
    if (!key.is_number()) return comes_before(json::string(after), key);
    const auto number = parse_u64(after);
    return !number || comes_before(static_cast<std::int64_t>(*number), key);
  };
  json::array page;
  bool more = false;
  for (json::value& item : sorted) {
    if (!behind(item)) continue;
    more = page.size() == *limit;
    if (more) break;
    page.push_back(std::move(item));
  }
  const json::value last = more ? key_of(action, page.back()) : json::value();
  *list = std::move(page); // before another member moves it
  if (more) answer.as_object()["next"] = last.is_string() ? std::string(last.as_string()) : json::serialize(last);
  return {};
}

std::string tag_of(const Action& action, const json::value& answer) {
  const auto* object = answer.if_object();
  if (action.tagged.empty() || object == nullptr) return {};
  json::array members;
  for (const std::string_view name : split(action.tagged, ' ')) {
    const auto dot = std::min(name.find('.'), name.size());
    const auto* member = object->if_contains(name.substr(0, dot));
    if (dot == name.size()) {
      members.push_back(member == nullptr ? json::value() : *member);
      continue;
    }
    for (const json::value& item : get_list(answer, name.substr(0, dot))) {
      const auto* one = item.is_object() ? item.as_object().if_contains(name.substr(dot + 1)) : nullptr;
      members.push_back(one == nullptr ? json::value() : *one);
    }
  }
  constexpr std::size_t kDigits = 16;
  const mailauth::Digest digest = mailauth::sha256(json::serialize(members));
  const std::string octets(digest.begin(), digest.end());
  return "\"" + hex_encode(octets).substr(0, kDigits) + "\"";
}

} // namespace paquebot::control
