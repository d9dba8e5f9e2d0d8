#include "base/text.h"
#include "control/handlers.h"
#include "control/present.h"

#include <algorithm>

namespace paquebot::control {
namespace {

constexpr std::size_t kMaxLabel = 64;

Result<std::string> read_label(std::string_view text) {
  const std::string label(trim(text));
  if (label.empty() || label.size() > kMaxLabel || !is_utf8(label))
    return fail(Errc::invalid, "an app password needs a label of at most 64 octets, such as \"phone\"");
  if (printable(label) != label) return fail(Errc::invalid, "the label holds control characters");
  return label;
}

} // namespace

Task<Answer> list_app_passwords(Context& context, Call call) {
  const auto account = co_await need_account(context, call.names[0]);
  if (!account) co_return std::unexpected(account.error());
  const auto all = co_await context.store.credentials().list_app_passwords(account->id);
  if (!all) co_return std::unexpected(all.error());
  json::array list;
  for (const auto& one : *all) list.push_back(present(one));
  co_return json::object{{"login", account->login}, {"app_passwords", std::move(list)}};
}

Task<Answer> add_app_password(Context& context, Call call) {
  const auto object = parse_object(call.body, "the request");
  if (!object) co_return std::unexpected(object.error());
  if (const auto known = only_fields(*object, {"label"}); !known) co_return std::unexpected(known.error());
  const auto text = text_field(*object, "label");
  if (!text) co_return std::unexpected(text.error());
  auto label = read_label(text->value_or(""));
  if (!label) co_return std::unexpected(label.error());
  auto account = co_await need_account(context, call.names[0]);
  if (!account) co_return std::unexpected(account.error());
  const std::string login = account->login;
  auto made = co_await context.directory.new_app_password(std::move(*account), std::move(*label));
  if (!made) co_return std::unexpected(made.error());
  const auto added = co_await context.store.credentials().add_app_password(std::move(made->first));
  if (!added) co_return std::unexpected(added.error());
  json::object out = present(*added);
  out["login"] = login;
  out["password"] = made->second;
  co_return out;
}

Task<Answer> remove_app_password(Context& context, Call call) {
  const auto account = co_await need_account(context, call.names[0]);
  if (!account) co_return std::unexpected(account.error());
  const auto all = co_await context.store.credentials().list_app_passwords(account->id);
  if (!all) co_return std::unexpected(all.error());
  const auto found = std::ranges::find(*all, call.names[1], &store::AppPassword::label);
  if (found == all->end()) {
    co_return refuse(Errc::not_found, account->login + " has no app password called " + printable(call.names[1], 64),
                     "paquebot account app-password list " + account->login + " names them");
  }
  const auto removed = co_await context.store.credentials().remove_app_password(account->id, found->id);
  if (!removed) co_return std::unexpected(removed.error());
  co_return json::object{{"login", account->login}, {"revoked", found->label}};
}

} // namespace paquebot::control
