#pragma once

// For config.cc only, as toml_reader.h.

#include "app/toml_reader.h"
#include "mail/address.h"
#include "policy/guard.h"

namespace paquebot::app {

using Measures = std::vector<std::pair<std::string_view, policy::Measure>>;

/// All words for a measure; `most` is the gravest that makes sense.
inline Measures measures(policy::Measure most = policy::Measure::refuse) {
  Measures words;
  using enum policy::Measure;
  for (const policy::Measure one : {off, log, tag, defer, refuse})
    if (one <= most) words.emplace_back(policy::name_of(one), one);
  return words;
}

inline void read_senders(Reader& read, const toml::table& t, std::string_view key, std::vector<std::string>& into) {
  std::vector<std::string> listed;
  read.texts(t, key, listed);
  for (const std::string& text : listed) {
    auto entry = policy::sender_entry(text);
    if (entry)
      into.push_back(*entry);
    else
      read.error(*t.get(key), fmt::format("\"{}\" in {} is neither an address, nor a domain, nor \".domain\": {}",
                                          printable(text, 80), key, entry.error().message));
  }
}

inline void read_greylist(Reader& read, const toml::table& t, policy::GreylistRules& rules) {
  using std::chrono::seconds;
  read.choice<policy::Measure>(t, "greylisting", measures(policy::Measure::defer), rules.measure);
  read.duration(t, "greylist_delay", seconds(1), rules.delay);
  read.duration(t, "greylist_window", seconds(60), rules.window);
  read.duration(t, "greylist_keep", seconds(86400), rules.keep);
  read.number(t, "greylist_allow_after", 1, 1000, rules.allow_after);
  if (rules.window <= rules.delay)
    read.error(t, "greylist_window must be longer than greylist_delay: between them a client has to come again");
}

inline void read_dns_lists(Reader& read, const toml::table& root, policy::GuardOptions& guard) {
  for (const toml::table* t : sections(read, root, "dns_list")) {
    read.only(*t, "[[dns_list]]", {"zone", "kind", "score", "answers"});
    policy::DnsList list;
    read.text(*t, "zone", list.zone);
    read.choice<bool>(*t, "kind", {{"address", false}, {"domain", true}}, list.domains);
    read.number(*t, "score", -1000, 1000, list.score);
    if (t->get("answers")) read.networks(*t, "answers", list.answers);
    auto zone = mail::normalize_domain(list.zone);
    if (zone && zone->size() < 180) // 64 octets more for an address of IPv6
      list.zone = *zone;
    else
      read.error(*t, "a [[dns_list]] needs a zone, such as \"zen.spamhaus.org\"");
    if (list.score == 0)
      read.error(*t, "score = 0 says nothing: above 0 for those that are listed, below for trusted ones");
    guard.lists.push_back(std::move(list));
  }
  if (guard.lists.size() > 20) read.error(root, "more than 20 [[dns_list]]: each one is asked for each client");
}

inline void read_guard(Reader& read, const toml::table& root, Config& config) {
  using policy::Measure;
  using std::chrono::seconds;
  auto guard = std::make_shared<policy::GuardOptions>();
  const toml::table& t = section(read, root, "guard");
  read.only(t, "[guard]",
            {"allow",
             "block",
             "allow_senders",
             "block_senders",
             "greeting_delay",
             "early_talker",
             "reverse_dns",
             "helo",
             "dns_tag_at",
             "dns_defer_at",
             "dns_refuse_at",
             "connections_per_minute",
             "messages_per_hour",
             "faults_per_hour",
             "refused_for",
             "greylisting",
             "greylist_delay",
             "greylist_window",
             "greylist_keep",
             "greylist_allow_after"});
  guard->allow = net::Networks::parse({"127.0.0.0/8", "::1"}).value();
  if (t.get("allow")) read.networks(t, "allow", guard->allow);
  if (t.get("block")) read.networks(t, "block", guard->block);
  read_senders(read, t, "allow_senders", guard->allow_senders);
  read_senders(read, t, "block_senders", guard->block_senders);
  read.duration(t, "greeting_delay", seconds(0), guard->greeting_delay);
  if (guard->greeting_delay > seconds(60)) // RFC 5321 section 4.5.3.2.1: clients wait for five minutes
    read.error(*t.get("greeting_delay"), "greeting_delay is longer than a minute: clients of good will would give up");
  read.choice<Measure>(t, "early_talker", measures(), guard->early_talker);
  read.choice<Measure>(t, "reverse_dns", measures(), guard->reverse_dns);
  read.choice<Measure>(t, "helo", measures(), guard->helo);
  read.number(t, "dns_tag_at", 0, 10000, guard->tag_at);
  read.number(t, "dns_defer_at", 0, 10000, guard->defer_at);
  read.number(t, "dns_refuse_at", 0, 10000, guard->refuse_at);
  read.number(t, "connections_per_minute", 0, 1000000, guard->rates.connections_per_minute);
  read.number(t, "messages_per_hour", 0, 1000000, guard->rates.messages_per_hour);
  read.number(t, "faults_per_hour", 0, 1000000, guard->rates.faults_per_hour);
  read.duration(t, "refused_for", seconds(1), guard->rates.refused_for);
  read_greylist(read, t, guard->greylist);
  read_dns_lists(read, root, *guard);
  config.guard = std::move(guard);
}

} // namespace paquebot::app
