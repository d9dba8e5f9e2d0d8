// Mail that programs hand in by the API.

#include "base/clock.h"
#include "base/encoding.h"
#include "base/random.h"
#include "base/text.h"
#include "control/handlers.h"
#include "control/letter.h"
#include "control/submission.h"
#include "mail/content_scan.h"
#include "mail/line_mender.h"
#include "mail/timestamp.h"
#include "mailauth/crypto.h"

#include <algorithm>

namespace paquebot::control {
namespace {

constexpr std::size_t kMostKey = 255;
constexpr std::uint32_t kAgainSoon = 60;

/// What is asked, whichever form it came in.
struct SendOrder {
  Submission mail;
  std::string message_id; ///< of one that is made here
};

Problem refused_by(const mail::Reply& reply, std::string field = {}) {
  const bool later = reply.transient();
  Problem problem(later ? Errc::temporary : Errc::refused, reply.to_string(), {}, std::move(field));
  const bool limit = later && reply.enhanced == mail::EnhancedCode{4, 7, 1};
  problem.status = limit ? 429 : later ? 503 : 422;
  problem.word = limit ? "over_limit" : later ? "try_again" : "refused";
  problem.retry = later ? kAgainSoon : 0;
  return problem;
}

Problem key_reused() {
  Problem problem(Errc::conflict, "something else was sent under this Idempotency-Key within the last 48 hours",
                  "use another key for each message");
  problem.status = 422;
  problem.word = "key_reused";
  return problem;
}

/// 1 to 255 visible characters of ASCII; empty: none was given.
Found<> check_key(const std::string& key) {
  const bool good = key.size() <= kMostKey && std::ranges::all_of(key, [](char c) { return c > 0x20 && c < 0x7F; });
  if (good) return {};
  return refuse(Errc::invalid, "an Idempotency-Key has 1 to 255 visible characters of ASCII");
}

std::string digest_of(const Call& call) {
  mailauth::Sha256 hash;
  hash.update(call.content_type);
  for (const auto& [name, value] : call.query) hash.update("\n" + name + "=" + value);
  hash.update("\n\n");
  hash.update(call.body);
  return std::string(mailauth::view(hash.finish()));
}

/// Whose it is: who asks, or the account that is named (which the dispatcher has found to be within reach).
Task<Found<store::Account>> account_of(Context& context, const Call& call) {
  std::string login = call.ask("account");
  if (login.empty()) login = call.asker.grants.login;
  if (login.empty())
    co_return refuse(Errc::invalid, "say which account sends it: only an account can", "?account=ann@example.org",
                     "account");
  auto account = co_await need_account(context, std::move(login));
  if (account && account->disabled)
    co_return refuse(Errc::permission, account->login + " is disabled: nothing is sent in its name");
  co_return account;
}

/// RFC 4865: it is held until then; at once when that is over.
Found<> read_send_at(const std::string& text, mail::Sender& sender) {
  if (text.empty()) return {};
  const auto at = mail::parse_timestamp(text);
  if (!at) return refuse(Errc::invalid, "\"send_at\" must be a time like 2026-11-30T09:41:07Z", {}, "send_at");
  if (*at <= system_clock().wall()) return {};
  sender.hold.kind = mail::Hold::Kind::until;
  sender.hold.until = millis(*at);
  sender.hold.request = "until;" + mail::format_timestamp(*at);
  return {};
}

void add_recipients(std::vector<mail::Address> addresses, Submission& mail) {
  for (mail::Address& one : addresses) {
    mail.sender.smtputf8 = mail.sender.smtputf8 || one.international();
    mail.recipients.push_back({std::move(one), mail::kNotifyUnspecified, {}});
  }
}

Found<> read_json(const Context& context, const Call& call, SendOrder& wanted) {
  if (call.query.contains("from") || call.query.contains("to") || call.query.contains("send_at"))
    return refuse(Errc::invalid, "with JSON the request itself says from, to and send_at");
  const auto body = parse_object(call.body, "the request");
  if (!body) return std::unexpected(Problem(body.error()));
  auto read = read_letter(*body, wanted.mail.account.login);
  if (!read) return std::unexpected(read.error());
  if (auto timed = read_send_at(get_text(json::value(*body), "send_at"), wanted.mail.sender); !timed) return timed;
  mail::Letter& letter = read->letter;
  letter.date = system_clock().wall();
  letter.message_id = wanted.mail.id.to_string() + "@" + context.hooks.hostname;
  letter.token = hex_encode(random_bytes(12));
  wanted.message_id = "<" + letter.message_id + ">";
  wanted.mail.sender.reverse_path = letter.from.address;
  wanted.mail.sender.smtputf8 = letter.from.address.international();
  wanted.mail.sending.metadata = std::move(read->metadata);
  add_recipients(std::move(read->recipients), wanted.mail);
  auto made = mail::build_message(letter);
  if (!made) return refuse(Errc::invalid, made.error().why, {}, made.error().field);
  wanted.mail.content = std::move(*made);
  if (!is_ascii(wanted.mail.content)) wanted.mail.sender.smtputf8 = true;
  return {};
}

Found<std::string> mended(std::string_view given) {
  mail::ContentScan scan;
  scan.feed(given);
  scan.finish();
  if (scan.has_nul || scan.bare_cr)
    return refuse(Errc::invalid, scan.has_nul ? "the message holds NUL" : "the message holds CR without LF");
  mail::LineMender mender;
  std::string out;
  while (!given.empty()) out += mender.next(given);
  if (!out.ends_with("\r\n")) out += "\r\n";
  return out;
}

Found<> read_message(const Call& call, SendOrder& wanted) {
  mail::Sender& sender = wanted.mail.sender;
  const std::string from = call.query.contains("from") ? call.ask("from") : wanted.mail.account.login;
  if (!from.empty()) { // "from=": the null sender
    const auto address = mail::parse_address(from);
    if (!address) return refuse(Errc::invalid, "\"from\" is not an address: " + address.error().message, {}, "from");
    sender.reverse_path = *address;
  }
  sender.smtputf8 = sender.reverse_path.international();
  std::vector<mail::Address> to;
  const std::string list = call.ask("to");
  for (const std::string_view one : split(list, ',')) {
    auto address = mail::parse_address(trim(one));
    if (!address)
      return refuse(Errc::invalid, "\"" + printable(one, 256) + "\" is not an address: " + address.error().message,
                    "name whom it goes to, with commas between: ?to=bob@example.net", "to");
    if (std::ranges::find(to, *address) == to.end()) to.push_back(std::move(*address));
  }
  if (auto timed = read_send_at(call.ask("send_at"), sender); !timed) return timed;
  add_recipients(std::move(to), wanted.mail);
  auto content = mended(call.body);
  if (!content) return std::unexpected(content.error());
  wanted.mail.content = std::move(*content);
  const std::string_view text = wanted.mail.content;
  if (!is_ascii(text)) sender.body = mail::BodyType::eight_bit;
  if (!is_ascii(text.substr(0, text.find("\r\n\r\n")))) sender.smtputf8 = true;
  return {};
}

/// The form that an answer has, also the one that is kept.
std::string answer_of(const Ulid& id, const std::string& message_id, const std::vector<SubmittedTo>& recipients) {
  json::array named;
  for (const SubmittedTo& one : recipients)
    named.push_back(json::object{
        {"address", one.address.to_string()}, {"accepted", one.reply.positive()}, {"reply", one.reply.to_string()}});
  json::object answer{{"id", id.to_string()}, {"recipients", std::move(named)}};
  if (!message_id.empty()) answer["message_id"] = message_id;
  return to_text(answer);
}

Answer told(const std::string& answer) {
  auto value = parse_json(answer, "the answer");
  if (!value) return std::unexpected(Problem(value.error()));
  return std::move(*value);
}

/// What was answered to the same request before; nothing: it is new.
Task<Found<std::optional<std::string>>> told_before(Context& context, store::Id account, const store::Sending& now) {
  if (now.key.empty()) co_return std::optional<std::string>();
  std::string key = now.key;
  const std::int64_t time = millis(system_clock().wall());
  const auto kept = co_await context.store.acceptance().find_sending(account, std::move(key), time);
  if (!kept) co_return std::unexpected(Problem(kept.error()));
  if (!*kept) co_return std::optional<std::string>();
  if ((*kept)->digest != now.digest) co_return std::unexpected(key_reused());
  co_return std::optional<std::string>((*kept)->answer);
}

} // namespace

Task<Answer> send_message(Context& context, Call call) {
  if (auto good = check_key(call.idempotency_key); !good) co_return std::unexpected(good.error());
  auto account = co_await account_of(context, call);
  if (!account) co_return std::unexpected(account.error());
  SendOrder wanted;
  Submission& mail = wanted.mail;
  mail.account = std::move(*account);
  mail.who = call.who;
  mail.address = call.asker.from;
  mail.id = context.ids.next();
  mail.sending.key = call.idempotency_key;
  if (!mail.sending.key.empty()) mail.sending.digest = digest_of(call);
  const auto before = co_await told_before(context, mail.account.id, mail.sending);
  if (!before) co_return std::unexpected(before.error());
  if (*before) co_return told(**before);
  const bool whole = call.content_type == "message/rfc822";
  if (auto read = whole ? read_message(call, wanted) : read_json(context, call, wanted); !read)
    co_return std::unexpected(read.error());
  if (!context.hooks.submit) co_return refuse(Errc::closed, "the server is down: it takes no mail now");
  std::string().swap(call.body);
  const Ulid id = mail.id;
  const store::Id owner = mail.account.id;
  const store::Sending sending = mail.sending;
  mail.answer = [id, message_id = wanted.message_id](const std::vector<SubmittedTo>& recipients) {
    return answer_of(id, message_id, recipients);
  };
  auto submitting = context.hooks.submit(std::move(mail));
  const Submitted done = co_await std::move(submitting);
  if (!done.reply.positive()) {
    const bool nobody = !done.recipients.empty() && std::ranges::none_of(done.recipients, [](const SubmittedTo& one) {
      return one.reply.positive();
    });
    co_return std::unexpected(refused_by(done.reply, nobody ? "to" : ""));
  }
  // Who asked at the same time under the same key may have been the first.
  const auto kept = co_await told_before(context, owner, sending);
  if (!kept) co_return std::unexpected(kept.error());
  if (*kept) co_return told(**kept);
  co_return told(answer_of(id, wanted.message_id, done.recipients));
}

} // namespace paquebot::control
