// What became of a message, in sentences for people.

#include "base/text.h"
#include "control/handlers.h"

#include <fmt/format.h>

namespace paquebot::control {
namespace {

constexpr std::size_t kMostSaid = 300;

std::string said(const json::value& recipient, std::string_view name) {
  std::string text = printable(get_text(recipient, name), kMostSaid);
  while (text.ends_with('.') || text.ends_with(' ')) text.pop_back();
  return text;
}

/// Why it is not there: what was answered, what is known of the place, or what was ordered; with a colon in front.
std::string cause_of(const json::value& recipient) {
  for (const std::string_view name : {"last_reply", "destination_error", "reason"})
    if (const std::string text = said(recipient, name); !text.empty()) return ": " + text;
  return {};
}

std::string why_held(const json::value& recipient) {
  const std::string hold = get_text(recipient, "hold");
  if (hold == "later") return "its sender wants it to be sent later";
  const std::string reason = said(recipient, "reason");
  return reason.empty() ? "nobody wrote down why" : reason;
}

std::string sentence_on(const json::value& recipient) {
  const std::string to = printable(get_text(recipient, "address"), kMostSaid), state = get_text(recipient, "state");
  const auto attempts = get_number(recipient, "attempts");
  if (state == "held" || get_text(recipient, "hold") == "later")
    return fmt::format("Held back from {}: {}.", to, why_held(recipient));
  if (state == "in mailbox") return fmt::format("It is in the mailbox of {}.", to);
  if (state == "expanded") return fmt::format("{} leads to others, who got it instead.", to);
  if (state == "in hand") return fmt::format("It is being handed to {} just now.", to);
  if (state == "dropped") return fmt::format("It was dropped, and {} does not get it{}.", to, cause_of(recipient));
  if (state == "failed") return fmt::format("It could not be delivered to {}{}.", to, cause_of(recipient));
  if (state == "relayed") {
    const auto* object = recipient.if_object();
    const auto* told = object == nullptr ? nullptr : object->if_contains("told");
    const std::string host = told == nullptr ? std::string() : said(*told, "host");
    const std::string reply = said(recipient, "last_reply");
    return fmt::format("It arrived at the server of {}{}{}.", to, host.empty() ? "" : ", " + host,
                       reply.empty() ? "" : ", which took it: " + reply);
  }
  if (attempts == 0) return fmt::format("It has not been sent to {} yet{}.", to, cause_of(recipient));
  return fmt::format("It could not be delivered to {} yet, {}{}; it is tried again.", to,
                     attempts == 1 ? "after one attempt" : fmt::format("after {} attempts", attempts),
                     cause_of(recipient));
}

} // namespace

void put_in_words(json::object& message) {
  auto* recipients = message.if_contains("recipients");
  if (recipients == nullptr || !recipients->is_array()) return;
  for (json::value& one : recipients->as_array())
    if (one.is_object()) one.as_object()["words"] = sentence_on(one);
}

Task<Found<>> complete(Context& context, const Asker& asker, const store::WorkItem& item, json::object& shown) {
  co_await name_accounts(context, item, shown);
  auto marked = co_await mark_held(context, asker, item, shown);
  if (marked) put_in_words(shown);
  co_return marked;
}

} // namespace paquebot::control
