#include "filter/rspamd_answer.h"

#include "base/text.h"
#include "filter/said.h"

#include <boost/json.hpp>
#include <cmath>
#include <fmt/format.h>

namespace paquebot::filter::rspamd {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostRecipients = 200;
constexpr std::size_t kMostChanges = 500;

/// One field of the request; a value from outside can't make another, nor be none.
void add(http::Fields& fields, const char* name, std::string_view value) {
  constexpr std::size_t longest = 1000;
  std::string harmless;
  for (const char c : trim(value.substr(0, longest)))
    harmless += static_cast<unsigned char>(c) < ' ' || c == 127 ? '?' : c;
  if (!harmless.empty()) fields.push_back({name, std::move(harmless)});
}

const json::value* member(const json::object& object, std::string_view name) {
  return object.if_contains({name.data(), name.size()});
}

std::string text_of(const json::value* value) {
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

double number_of(const json::value* value) {
  if (value == nullptr || !value->is_number()) return 0;
  boost::system::error_code error;
  const auto number = value->to_number<double>(error);
  return error || !std::isfinite(number) ? 0 : number;
}

/// Reads what is under "milter".
class Changes {
public:
  explicit Changes(Outcome& outcome) : outcome_(outcome) {}

  Result<> read(const json::object& milter) {
    if (const auto* removed = object_of(milter, "remove_headers"))
      for (const auto& [name, index] : *removed) remove(name, index);
    if (const auto* added = object_of(milter, "add_headers"))
      for (const auto& [name, value] : *added) add_all(name, value);
    addresses(milter, "add_rcpt", outcome_.added);
    addresses(milter, "del_rcpt", outcome_.removed);
    if (const std::string from = text_of(member(milter, "change_from")); !from.empty()) {
      auto address = read_address(from);
      if (address) outcome_.sender = std::move(*address);
      bad_ = bad_ || !address;
    }
    return bad_ ? Result<>(fail(Errc::invalid, "rspamd asks for malformed changes")) : Result<>();
  }

  void change(HeadChange::Kind kind, std::int32_t index, std::string_view name, std::string_view value) {
    if (!is_field_name(name) || outcome_.head.size() >= kMostChanges)
      bad_ = true;
    else
      outcome_.head.push_back({kind, index, std::string(name), field_value(value)});
  }

private:
  static const json::object* object_of(const json::object& milter, std::string_view name) {
    const json::value* value = member(milter, name);
    return value != nullptr && value->is_object() ? &value->as_object() : nullptr;
  }

  /// 0: all; from 1: that one; negative: from the end.
  void remove(std::string_view name, const json::value& index) {
    const double number = number_of(&index);
    if (std::abs(number) > 1e6)
      bad_ = true;
    else
      change(HeadChange::Kind::remove, static_cast<std::int32_t>(number), name, {});
  }

  /// A text, {"value", "order"}, or a list of these. An order counts from the top; without one it comes last.
  void add_all(std::string_view name, const json::value& value) {
    if (value.is_array()) {
      for (const json::value& one : value.as_array())
        if (!one.is_array()) add_all(name, one);
    } else if (value.is_string()) {
      change(HeadChange::Kind::append, 0, name, text_of(&value));
    } else if (value.is_object()) {
      const double order = member(value.as_object(), "order") ? number_of(member(value.as_object(), "order")) : -1;
      const bool placed = order >= 0 && order < 1e6;
      change(placed ? HeadChange::Kind::insert : HeadChange::Kind::append,
             placed ? static_cast<std::int32_t>(order) : 0, name, text_of(member(value.as_object(), "value")));
    } else {
      bad_ = true;
    }
  }

  void addresses(const json::object& milter, std::string_view name, std::vector<mail::Address>& into) {
    const json::value* list = member(milter, name);
    if (list == nullptr || !list->is_array()) return;
    for (const json::value& one : list->as_array()) {
      auto address = read_address(text_of(&one));
      if (!address || address->empty() || into.size() >= kMostChanges)
        bad_ = true;
      else
        into.push_back(std::move(*address));
    }
  }

  Outcome& outcome_;
  bool bad_ = false;
};

void tag(Outcome& outcome) { outcome.head.push_back({HeadChange::Kind::append, 0, "X-Spam", "Yes"}); }

void refuse(Outcome& outcome, mail::Reply reply, const std::string& words) {
  if (const std::string text = reply_text(words); !text.empty()) reply.text = text;
  outcome.verdict = {Verdict::Kind::refuse, std::move(reply)};
}

void act(Outcome& outcome, const std::string& action, const json::object& answer, const Options& options) {
  const json::value* messages = member(answer, "messages");
  const std::string words =
      messages != nullptr && messages->is_object() ? text_of(member(messages->as_object(), "smtp_message")) : "";
  if (action == "reject" && options.bad == Deed::refuse)
    refuse(outcome, {550, {5, 7, 1}, "this message looks like spam", "by the filter " + options.name}, words);
  else if (action == "reject" && options.bad == Deed::hold)
    outcome.hold = "it looks like spam";
  else if (action == "soft reject" || (action == "greylist" && options.defer_greylisted))
    refuse(outcome, deferred(options.name), words);
  else if (action == "reject" || action == "add header" || action == "rewrite subject")
    tag(outcome);
  else if (action == "discard")
    outcome.verdict.kind = Verdict::Kind::discard;
  else if (action == "quarantine")
    outcome.hold = "rspamd wants it so";
  const std::string subject = text_of(member(answer, "subject"));
  if (action == "rewrite subject" && !subject.empty())
    outcome.head.push_back({HeadChange::Kind::replace, 1, "Subject", field_value(subject)});
}

} // namespace

http::Fields request_fields(const Client& client, const Content& content) {
  http::Fields fields;
  add(fields, "IP", client.address);
  add(fields, "Helo", client.helo);
  add(fields, "Hostname", client.name); // not "unknown": perhaps nobody has looked
  const std::string from = content.sender().reverse_path.to_string();
  add(fields, "From", from.empty() ? "<>" : from);
  std::size_t named = 0;
  for (const mail::Address& recipient : content.recipients())
    if (++named <= kMostRecipients) add(fields, "Rcpt", recipient.to_string());
  add(fields, "User", client.login);
  add(fields, "Queue-Id", content.id());
  add(fields, "MTA-Name", client.hostname);
  add(fields, "MTA-Tag", client.daemon);
  add(fields, "TLS-Version", client.tls_version);
  add(fields, "TLS-Cipher", client.tls_cipher);
  return fields;
}

Result<Outcome> read_answer(std::string_view body, const Options& options) {
  constexpr std::size_t deepest = 16;
  json::parse_options parse;
  parse.max_depth = deepest;
  parse.allow_invalid_utf8 = true; // names of symbols may quote the message
  boost::system::error_code error;
  const json::value value = json::parse({body.data(), body.size()}, error, {}, parse);
  if (error || !value.is_object()) return fail(Errc::invalid, "rspamd's answer is not a JSON object");
  const json::object& answer = value.as_object();
  const std::string action = text_of(member(answer, "action"));
  if (action.empty()) {
    const std::string why = text_of(member(answer, "error"));
    return fail(Errc::invalid, "rspamd names no action" + (why.empty() ? "" : ": " + printable(why, 200)));
  }
  Outcome outcome;
  outcome.head.push_back({HeadChange::Kind::remove, 0, "X-Spam", {}}); // only ours counts
  Changes changes(outcome);
  if (const json::value* signature = member(answer, "dkim-signature"); signature != nullptr && signature->is_string())
    changes.change(HeadChange::Kind::insert, 0, "DKIM-Signature", text_of(signature));
  if (const json::value* milter = member(answer, "milter"); milter != nullptr && milter->is_object())
    if (auto read = changes.read(milter->as_object()); !read) return std::unexpected(read.error());
  act(outcome, action, answer, options);
  outcome.note = fmt::format("{}, score {:.2f}", reply_text(action.substr(0, 40)), number_of(member(answer, "score")));
  return outcome;
}

} // namespace paquebot::filter::rspamd
