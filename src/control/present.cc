#include "control/present.h"

#include <algorithm>

namespace paquebot::control {
namespace {

json::array list(const std::vector<store::RecipientFacts>& recipients) {
  json::array array;
  for (const auto& recipient : recipients) array.push_back(present(recipient));
  return array;
}

std::string_view name_of_owed(store::Owed owed) {
  switch (owed) {
    case store::Owed::none: return "none";
    case store::Owed::failure: return "failure";
    case store::Owed::delay: return "delay";
    case store::Owed::success: return "success";
  }
  return "none";
}

std::string_view words_of(mail::TlsWish wish) {
  switch (wish) {
    case mail::TlsWish::unspecified: return "";
    case mail::TlsWish::required: return "required";
    case mail::TlsWish::not_required: return "not required";
  }
  return "";
}

std::string_view words_of(mail::DeliverBy::Mode mode) {
  switch (mode) {
    case mail::DeliverBy::Mode::none: return "";
    case mail::DeliverBy::Mode::notify: return "notify";
    case mail::DeliverBy::Mode::give_back: return "return";
  }
  return "";
}

json::object present_event(const store::Event& event) {
  json::array recipients;
  for (const auto index : event.recipients) recipients.push_back(index);
  json::object out{{"at", time_value(event.at)},
                   {"kind", name_of(event.kind)},
                   {"recipients", std::move(recipients)},
                   {"detail", event.detail},
                   {"times", event.times}};
  if (event.bounce != mail::BounceClass::none) out["bounce"] = mail::name_of(event.bounce);
  if (!event.node.empty()) out["node"] = event.node;
  return out;
}

} // namespace

std::string_view name_of(store::State state) {
  switch (state) {
    case store::State::held: return "held";
    case store::State::waiting: return "waiting";
    case store::State::in_hand: return "in hand";
    case store::State::in_mailbox: return "in mailbox";
    case store::State::relayed: return "relayed";
    case store::State::expanded: return "expanded";
    case store::State::failed: return "failed";
    case store::State::dropped: return "dropped";
  }
  return "unknown";
}

std::string_view name_of(store::MessageClass klass) {
  switch (klass) {
    case store::MessageClass::incoming: return "incoming";
    case store::MessageClass::submitted: return "submitted";
    case store::MessageClass::local: return "local";
    case store::MessageClass::report: return "report";
    case store::MessageClass::imported: return "imported";
  }
  return "unknown";
}

std::string_view name_of(store::EventKind kind) {
  switch (kind) {
    case store::EventKind::accepted: return "accepted";
    case store::EventKind::delivered: return "delivered";
    case store::EventKind::expanded: return "expanded";
    case store::EventKind::relayed: return "relayed";
    case store::EventKind::deferred: return "deferred";
    case store::EventKind::failed: return "failed";
    case store::EventKind::reported: return "reported";
    case store::EventKind::held: return "held";
    case store::EventKind::released: return "released";
    case store::EventKind::dropped: return "dropped";
    case store::EventKind::retrieved: return "retrieved";
    case store::EventKind::removed: return "removed";
    case store::EventKind::returned: return "returned";
    case store::EventKind::suppressed: return "suppressed";
    case store::EventKind::warned: return "warned";
    case store::EventKind::complained: return "complained";
  }
  return "unknown";
}

json::object present(const store::Account& account) {
  return {{"login", account.login},
          {"disabled", account.disabled},
          {"has_password", !account.password.empty()},
          {"quota", account.quota},
          {"used", account.used},
          {"messages", account.messages},
          {"created", time_value(account.created)},
          {"scram", !account.scram_keys.empty()},
          {"second_factor", account.second_factor}};
}

json::object present(const store::AppPassword& password) {
  return {{"label", password.label},
          {"created", time_value(password.created)},
          {"used", time_value(password.used)},
          {"used_from", password.used_from}};
}

json::object present(const directory::LoginFacts& facts) {
  const auto event = [](const directory::LoginFacts::Event& one) {
    return json::object{{"at", time_value(one.at)}, {"address", one.address}, {"protocol", one.protocol}};
  };
  json::array failed;
  for (const auto& one : facts.failed) failed.push_back(event(one));
  json::object out{{"failures", facts.failures},
                   {"failed", std::move(failed)},
                   {"slowed", facts.slowed},
                   {"refused_until", time_value(facts.refused_until)}};
  if (facts.succeeded.at != 0) out["succeeded"] = event(facts.succeeded);
  return out;
}

json::object present(const store::Suspicion& suspicion) {
  return {{"login", suspicion.login},
          {"since", time_value(suspicion.since)},
          {"signal", store::name_of(suspicion.signal)},
          {"reason", suspicion.reason},
          {"held", suspicion.held}};
}

json::object present(const store::Token& token) {
  const auto list = [](const std::vector<std::string>& texts) {
    json::array all;
    for (const std::string& text : texts) all.emplace_back(text);
    return all;
  };
  return {{"id", token.id},
          {"login", token.login},
          {"label", token.label},
          {"scopes", list(token.scopes)},
          {"domains", list(token.domains)},
          {"networks", list(token.networks)},
          {"created", time_value(token.created)},
          {"expires", time_value(token.expires)},
          {"used", time_value(token.used)},
          {"used_from", token.used_from}};
}

json::object present(const store::AddressEntry& entry, std::string_view account_login) {
  json::array targets;
  for (const auto& target : entry.targets) targets.emplace_back(target);
  json::object out{{"address", entry.local + "@" + entry.domain}};
  if (entry.account != 0) out["account"] = account_login;
  out["targets"] = std::move(targets);
  json::array senders;
  for (const auto& sender : entry.senders) senders.emplace_back(sender);
  out["senders"] = std::move(senders);
  return out;
}

json::object present(const store::MessageFacts& message) {
  return {{"id", message.id.to_string()},
          {"class", name_of(message.klass)},
          {"sender", message.sender.reverse_path.to_string()},
          {"envid", message.sender.envid},
          {"peer", message.peer},
          {"accepted", time_value(message.accepted_at)},
          {"expires", time_value(message.expires_at)},
          {"tls", words_of(message.sender.tls)},
          {"priority", message.sender.priority},
          {"deliver_by", time_value(message.sender.deliver_by.at)},
          {"deliver_by_mode", words_of(message.sender.deliver_by.mode)},
          {"hold_until", time_value(message.sender.hold.until)},
          {"size", message.size()}};
}

json::object present(const mail::Told& told) {
  const auto voice = [](const mail::Reply& reply) {
    return json::object{{"code", reply.code},
                        {"status", reply.enhanced ? reply.enhanced.to_string() : std::string()},
                        {"text", reply.text}};
  };
  return {{"host", told.host}, {"place", told.place}, {"peer", voice(told.peer)}, {"own", voice(told.own)}};
}

json::object present(const store::RecipientFacts& recipient) {
  json::object out{{"index", recipient.index},
                   {"address", recipient.address},
                   {"parent", recipient.parent},
                   {"state", name_of(recipient.state)},
                   {"destination", recipient.destination},
                   {"due", time_value(recipient.due)},
                   {"attempts", recipient.attempts},
                   {"last_reply", recipient.last_reply.to_string()},
                   {"told", present(recipient.last_reply)},
                   {"changed", time_value(recipient.changed_at)},
                   {"report_owed", name_of_owed(recipient.owed)},
                   {"reason", recipient.reason}};
  if (recipient.bounce != mail::BounceClass::none) out["bounce"] = mail::name_of(recipient.bounce);
  return out;
}

json::object present(const store::WorkItem& item) {
  json::object out = present(item.message);
  out["recipients"] = list(item.recipients);
  return out;
}

json::object present(const store::WorkItem& item, const std::vector<store::DestinationFacts>& destinations,
                     std::int64_t now) {
  json::object out = present(item.message);
  json::array recipients;
  for (const auto& recipient : item.recipients) {
    json::object shown = present(recipient);
    const auto place = std::ranges::find(destinations, recipient.destination, &store::DestinationFacts::key);
    if (recipient.state == store::State::waiting && place != destinations.end() && place->backoff_until > now) {
      shown["destination_error"] = place->last_error;
      shown["destination_until"] = time_value(place->backoff_until);
    }
    recipients.push_back(std::move(shown));
  }
  out["recipients"] = std::move(recipients);
  return out;
}

json::object present(const store::DestinationFacts& destination) {
  return {{"destination", destination.key},
          {"earliest_due", time_value(destination.earliest_due)},
          {"backoff_until", time_value(destination.backoff_until)},
          {"failures", destination.failures},
          {"last_error", destination.last_error},
          {"waiting", destination.waiting},
          {"oldest", time_value(destination.oldest)}};
}

json::object present(const store::Trace& trace) {
  json::object out = present(trace.message);
  out["recipients"] = list(trace.recipients);
  json::array events;
  for (const auto& event : trace.events) events.push_back(present_event(event));
  out["events"] = std::move(events);
  json::array reports;
  for (const auto& id : trace.reports) reports.emplace_back(id.to_string());
  out["reports"] = std::move(reports);
  return out;
}

json::object present(const policy::Refusal& refusal) {
  return {{"at", time_value(refusal.at)}, {"client", refusal.client}, {"account", refusal.account},
          {"from", refusal.from},         {"to", refusal.to},         {"reply", refusal.reply}};
}

} // namespace paquebot::control
