#include "filter/session.h"

#include "base/log.h"
#include "base/text.h"
#include "filter/clamd.h"
#include "filter/milter.h"
#include "filter/rspamd.h"
#include "metrics/counters.h"

namespace paquebot::filter {
namespace {

std::unique_ptr<Filter> make(const Options& options, LinkMeans means) {
  switch (options.kind) {
    case Kind::milter: return std::make_unique<Milter>(options, std::move(means));
    case Kind::rspamd: return std::make_unique<Rspamd>(options, std::move(means));
    case Kind::clamd: return std::make_unique<Clamd>(options, std::move(means));
  }
  return nullptr;
}

metrics::FilterKind counted_kind(Kind kind) {
  switch (kind) {
    case Kind::milter: return metrics::FilterKind::milter;
    case Kind::rspamd: return metrics::FilterKind::rspamd;
    case Kind::clamd: break;
  }
  return metrics::FilterKind::clamd;
}

void add_words(std::string& text, const std::string& filter, const std::string& words) {
  text += (text.empty() ? "" : "; ") + filter + ": " + words;
}

} // namespace

Session::Session(std::shared_ptr<const Chain> chain, LinkMeans means) : chain_(std::move(chain)) {
  for (const Options& options : *chain_) {
    LinkMeans wires = means;
    members_.push_back({make(options, std::move(wires))});
  }
}

Session::~Session() = default;

/// Away, slow or out of its mind: as configured.
mail::Reply Session::failed(const Filter& filter, const Error& why) const {
  const Options& options = filter.options();
  const bool defer = options.when_away == Away::defer;
  log::warning("filter-failed", {{"filter", options.name},
                                 {"place", options.place.to_string()},
                                 {"client", client_.address},
                                 {"why", printable(why.message, 300)},
                                 {"mail", defer ? "deferred" : "passed over"}});
  if (!defer) return mail::Reply();
  return {451,
          {4, 7, 1},
          "a content filter does not answer, please try again later",
          "the filter " + options.name + ": " + printable(why.message, 300)};
}

mail::Reply Session::take(Member& member, Result<Verdict> said) {
  if (!said) {
    mail::Reply reply = failed(*member.filter, said.error());
    member.done = reply.code == 0; // passed over for this message; else nothing of it gets by
    return reply;
  }
  using Kind = Verdict::Kind;
  if (said->kind == Kind::accept || said->kind == Kind::discard) member.done = true;
  if (said->kind == Kind::discard && discard_.empty())
    discard_ = "discarded by the filter " + member.filter->options().name;
  if (said->kind == Kind::refuse) return std::move(said->reply);
  return mail::Reply();
}

Task<mail::Reply> Session::connected(Client client) {
  client_ = client;
  for (Member& member : members_) {
    Client copy = client;
    auto said = co_await member.filter->connected(std::move(copy));
    if (!said) { // told again, with its consequences, at the first message
      log::warning("filter-away", {{"filter", member.filter->options().name},
                                   {"place", member.filter->options().place.to_string()},
                                   {"why", printable(said.error().message, 300)}});
      continue;
    }
    if (said->kind == Verdict::Kind::refuse) co_return std::move(said->reply);
  }
  co_return mail::Reply();
}

Task<mail::Reply> Session::greeted(Client client) {
  client_ = client;
  for (Member& member : members_) {
    Client copy = client;
    auto said = co_await member.filter->greeted(std::move(copy));
    if (said && said->kind == Verdict::Kind::refuse) co_return std::move(said->reply);
  }
  co_return mail::Reply();
}

Task<mail::Reply> Session::mail(Client client, mail::Sender sender) {
  client_ = client;
  discard_.clear();
  for (Member& member : members_) member.done = false;
  for (Member& member : members_) {
    Client copy = client;
    mail::Sender from = sender;
    auto said = co_await member.filter->mail(std::move(copy), std::move(from));
    mail::Reply reply = take(member, std::move(said));
    if (reply.code != 0) co_return reply;
  }
  co_return mail::Reply();
}

Task<mail::Reply> Session::recipient(mail::Recipient recipient) {
  for (Member& member : members_) {
    if (member.done || !discard_.empty()) continue;
    mail::Recipient copy = recipient;
    auto said = co_await member.filter->recipient(std::move(copy));
    mail::Reply reply = take(member, std::move(said));
    if (reply.code != 0) co_return reply;
  }
  co_return mail::Reply();
}

Task<mail::Reply> Session::data(std::string id) {
  for (Member& member : members_) {
    if (member.done || !discard_.empty()) continue;
    std::string copy = id;
    auto said = co_await member.filter->data(std::move(copy));
    mail::Reply reply = take(member, std::move(said));
    if (reply.code != 0) co_return reply;
  }
  co_return mail::Reply();
}

/// One filter's view of the content. False: nobody else need look.
Task<bool> Session::look(Member& member, Content& content, Judgement& judgement) {
  Filter& filter = *member.filter;
  const Options& options = filter.options();
  Client client = client_;
  const auto began = system_clock().now();
  auto outcome = co_await filter.content(std::move(client), content);
  metrics::filters.observe(counted_kind(options.kind), system_clock().now() - began);
  if (!outcome) {
    co_await content.forget();
    judgement.reply = failed(filter, outcome.error());
    if (judgement.reply.code == 0) add_words(judgement.note, options.name, "did not answer, passed over");
    co_return judgement.reply.code == 0;
  }
  if (!outcome->note.empty()) add_words(judgement.note, options.name, outcome->note);
  if (outcome->verdict.kind == Verdict::Kind::refuse) {
    judgement.reply = std::move(outcome->verdict.reply);
    co_return false;
  }
  if (outcome->verdict.kind == Verdict::Kind::discard) {
    judgement.discard = "discarded by the filter " + options.name;
    co_return false;
  }
  if (!outcome->hold.empty()) add_words(judgement.hold, "held by the filter " + options.name, outcome->hold);
  auto applied = co_await content.apply(std::move(*outcome));
  if (!applied)
    judgement.reply = {451,
                       {4, 3, 0},
                       "the message can't be filtered now, please try again later",
                       "changes of the filter " + options.name + ": " + applied.error().message};
  co_return applied.has_value();
}

Task<Judgement> Session::content(Content& content) {
  Judgement judgement;
  judgement.discard = discard_;
  for (Member& member : members_) {
    if (!judgement.discard.empty()) break;
    const std::uint64_t most = member.filter->options().max_size;
    if (member.done) continue;
    if (most != 0 && content.head().to_string().size() + content.body_size() > most) {
      add_words(judgement.note, member.filter->options().name, "too large, passed over");
      continue;
    }
    const bool go_on = co_await look(member, content, judgement);
    if (!go_on) break;
  }
  co_return judgement;
}

Task<void> Session::leave() {
  for (Member& member : members_) co_await member.filter->leave();
}

} // namespace paquebot::filter
