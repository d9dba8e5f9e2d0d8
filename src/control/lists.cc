#include "base/text.h"
#include "control/handlers.h"
#include "control/page.h"
#include "policy/listed_book.h"

#include <algorithm>

namespace paquebot::control {
namespace {

using policy::Listed;

constexpr std::size_t kListedPiece = 1000; // settings that are read at a time
constexpr std::uint64_t kLongest = 10ULL * 366 * 24 * 3600;

std::string key_of(const std::string& what) { return std::string(policy::kListedSetting) + what; }
std::string_view list_name(bool allow) { return allow ? "allow" : "block"; }
std::int64_t wall_now() { return millis(system_clock().wall()); }

/// "block" or "allow" in the path.
Result<bool> read_list(const Call& call) {
  if (call.names[0] == "allow") return true;
  if (call.names[0] == "block") return false;
  return fail(Errc::not_found, "there are two lists, block and allow");
}

Result<Listed> read_entry(const Call& call, bool allow) {
  const auto object = parse_object(call.body, "the request");
  if (!object) return std::unexpected(object.error());
  if (auto known = only_fields(*object, {"what", "reason", "seconds"}); !known) return std::unexpected(known.error());
  const auto what = text_field(*object, "what"), reason = text_field(*object, "reason");
  if (!what) return std::unexpected(what.error());
  if (!reason) return std::unexpected(reason.error());
  const auto seconds = number_field(*object, "seconds");
  if (!seconds) return std::unexpected(seconds.error());
  if (seconds->value_or(1) == 0 || seconds->value_or(1) > kLongest)
    return fail(Errc::invalid, "seconds must be from 1 to ten years; without it the entry stays");
  auto name = policy::listed_name(what->value_or(""));
  if (!name) return std::unexpected(name.error());
  Listed entry{std::move(*name), allow, printable(reason->value_or(""), policy::kMaxListReason), wall_now(), 0};
  if (*seconds) entry.expires = entry.added + static_cast<std::int64_t>(**seconds) * 1000;
  return entry;
}

json::object present_listed(const Listed& entry) {
  return {{"what", entry.what},
          {"reason", entry.reason},
          {"added", time_value(entry.added)},
          {"expires", time_value(entry.expires)}};
}

Task<Result<std::vector<Listed>>> read_all(Context& context) {
  std::string prefix(policy::kListedSetting), beginning;
  const std::size_t most = policy::kMaxListed;
  const auto rows = co_await context.store.upkeep().list_settings(std::move(prefix), most, std::move(beginning));
  if (!rows) co_return std::unexpected(rows.error());
  std::vector<Listed> all;
  for (const auto& [key, value] : *rows)
    if (auto entry = policy::unpacked(key, value)) all.push_back(std::move(*entry));
  co_return all;
}

Task<Result<>> forget(Context& context, std::string what) {
  std::string key = key_of(what), nothing;
  const auto unset = co_await context.store.upkeep().set_setting(std::move(key), std::move(nothing));
  if (unset && context.hooks.drop_listed) context.hooks.drop_listed(what);
  co_return unset;
}

/// What has run out makes room, and an entry that another list has is not taken away from it in passing.
Task<Result<>> make_room(Context& context, const Listed& entry) {
  const auto all = co_await read_all(context);
  if (!all) co_return std::unexpected(all.error());
  std::size_t left = all->size();
  for (const Listed& one : *all) {
    if (!one.in_force(entry.added)) {
      std::string what = one.what;
      if (const auto forgotten = co_await forget(context, std::move(what)); !forgotten) co_return forgotten;
      --left;
    } else if (one.what == entry.what && one.allow != entry.allow) {
      const std::string other(list_name(one.allow));
      co_return fail(Errc::conflict,
                     one.what + " is on the " + other + " list; first: paquebot " + other + " remove " + one.what);
    }
  }
  if (left < policy::kMaxListed) co_return Result<>();
  co_return fail(Errc::no_space, "the lists hold 10000 entries already; list networks and domains instead, or use a "
                                 "[[dns_list]]");
}

} // namespace

Task<Answer> show_listed(Context& context, Call call) {
  const auto allow = read_list(call);
  if (!allow) co_return std::unexpected(allow.error());
  const auto page = read_page(call);
  if (!page) co_return std::unexpected(page.error());
  json::array entries;
  std::string next, after = page->after.empty() ? std::string() : key_of(page->after);
  for (bool more = true; more && next.empty();) {
    std::string prefix(policy::kListedSetting), behind = after;
    const std::size_t most = kListedPiece;
    const auto rows = co_await context.store.upkeep().list_settings(std::move(prefix), most, std::move(behind));
    if (!rows) co_return std::unexpected(rows.error());
    more = rows->size() == most;
    for (const auto& [key, value] : *rows) {
      after = key;
      const auto entry = policy::unpacked(key, value);
      if (!entry || entry->allow != *allow || !entry->in_force(wall_now())) continue;
      if (entries.size() == page->limit) {
        next = get_text(entries.back(), "what");
        break;
      }
      entries.push_back(present_listed(*entry));
    }
  }
  json::object out{{"list", list_name(*allow)}, {"entries", std::move(entries)}};
  if (!next.empty()) out["next"] = next;
  co_return out;
}

Task<Answer> put_listed(Context& context, Call call) {
  const auto allow = read_list(call);
  if (!allow) co_return std::unexpected(allow.error());
  const auto entry = read_entry(call, *allow);
  if (!entry) co_return std::unexpected(entry.error());
  const Listed& wanted = *entry;
  if (const auto room = co_await make_room(context, wanted); !room) co_return std::unexpected(room.error());
  std::string key = key_of(wanted.what), value = policy::packed(wanted);
  const auto written = co_await context.store.upkeep().set_setting(std::move(key), std::move(value));
  if (!written) co_return std::unexpected(written.error());
  if (context.hooks.put_listed) context.hooks.put_listed(wanted);
  co_return present_listed(wanted);
}

Task<Answer> drop_listed(Context& context, Call call) {
  const auto allow = read_list(call);
  if (!allow) co_return std::unexpected(allow.error());
  const auto name = policy::listed_name(call.names[1]);
  if (!name) co_return std::unexpected(name.error());
  std::string key = key_of(*name);
  const auto value = co_await context.store.upkeep().get_setting(std::move(key));
  if (!value) co_return std::unexpected(value.error());
  const auto entry = policy::unpacked(key_of(*name), *value);
  if (!entry || entry->allow != *allow)
    co_return fail(Errc::not_found, *name + " is not on the " + std::string(list_name(*allow)) +
                                        " list (that of the configuration is changed there)");
  std::string what = *name;
  if (const auto forgotten = co_await forget(context, std::move(what)); !forgotten)
    co_return std::unexpected(forgotten.error());
  co_return json::object{{"removed", *name}};
}

} // namespace paquebot::control
