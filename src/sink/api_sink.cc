#include "base/text.h"
#include "sink/handlers.h"
#include "sink/present.h"

#include <algorithm>
#include <map>

namespace paquebot::sink {
namespace {

json::array texts(const std::vector<std::string>& all) {
  json::array out;
  for (const std::string& one : all) out.emplace_back(one);
  return out;
}

http::Response refuse_fault(const FaultProblem& problem) {
  return say_problem(422, problem.error.message, problem.field);
}

} // namespace

http::Response show_info(const SiteParts& parts, const Ask& ask) {
  const std::vector<MessagePtr> all = parts.inboxes.list(ask.inbox);
  std::map<std::string, std::uint64_t> tags;
  for (const MessagePtr& one : all)
    for (const std::string& tag : one->tags) ++tags[tag];
  json::object by_tag;
  for (const auto& [tag, count] : tags) by_tag[tag] = count;
  const Inboxes::Counts& counts = parts.inboxes.counts;
  const auto up = std::chrono::duration_cast<std::chrono::seconds>(system_clock().now() - parts.facts.started);
  json::object runtime{{"Memory", parts.inboxes.octets()},
                       {"MessagesDeleted", counts.deleted},
                       {"SMTPAccepted", counts.accepted},
                       {"SMTPAcceptedSize", counts.accepted_octets},
                       {"SMTPIgnored", 0},
                       {"SMTPRejected", counts.refused},
                       {"Uptime", up.count()}};
  const Inboxes::Bounds& bounds = parts.inboxes.bounds();
  return say_json(json::object{{"Version", "paquebot " + parts.facts.version},
                               {"LatestVersion", "paquebot " + parts.facts.version},
                               {"Database", "memory"},
                               {"DatabaseSize", parts.inboxes.octets()},
                               {"Messages", all.size()},
                               {"Unread", std::ranges::count(all, false, [](const auto& one) { return one->read; })},
                               {"Tags", std::move(by_tag)},
                               {"RuntimeStats", std::move(runtime)},
                               {"SMTP", texts(parts.facts.smtp)},
                               {"HTTP", texts(parts.facts.http)},
                               {"POP3", texts(parts.facts.pop3)},
                               {"MostMessages", bounds.messages},
                               {"MostDays", bounds.age.count() / 24},
                               {"Inboxes", parts.inboxes.all().size()}});
}

/// What Mailpit's own page asks for: what this sink has of it.
http::Response show_settings(const SiteParts&, const Ask&) {
  json::object relay{{"Enabled", false},           {"SMTPServer", ""},        {"ReturnPath", ""},
                     {"OverrideFrom", ""},         {"AllowedRecipients", ""}, {"BlockedRecipients", ""},
                     {"PreserveMessageIDs", false}};
  return say_json(json::object{{"Label", "paquebot sink"},
                               {"MessageRelay", std::move(relay)},
                               {"SpamAssassin", false},
                               {"DuplicatesIgnored", false},
                               {"HideDeleteAllButton", false},
                               {"ChaosEnabled", true}});
}

http::Response show_me(const SiteParts&, const Ask&) {
  return say_json(json::object{{"name", "the sink"},
                               {"login", ""},
                               {"role", "sink"},
                               {"domains", json::array()},
                               {"scopes", json::array()},
                               {"session", false},
                               {"totp", false},
                               {"two_factor_recommended", false},
                               {"hostname", ""},
                               {"sink", true}});
}

http::Response show_alive(const SiteParts&, const Ask&) { return say_ok(); }

http::Response show_certificate(const SiteParts& parts, const Ask&) {
  return say_text(parts.facts.certificate_pem, "application/x-pem-file");
}

http::Response list_inboxes(const SiteParts& parts, const Ask&) {
  json::array rows;
  for (const auto& [name, inbox] : parts.inboxes.all()) {
    std::uint64_t unread = 0, octets = 0;
    for (const auto& [number, message] : inbox.messages) {
      unread += message->read ? 0 : 1;
      octets += message->raw->size();
    }
    json::value last = inbox.messages.empty() ? json::value(nullptr)
                                              : control::time_value(millis(inbox.messages.rbegin()->second->received));
    rows.push_back(json::object{{"name", name},
                                {"messages", inbox.messages.size()},
                                {"unread", unread},
                                {"octets", octets},
                                {"last", std::move(last)}});
  }
  return say_json(json::object{{"inboxes", std::move(rows)}});
}

http::Response delete_inbox(const SiteParts& parts, const Ask& ask) {
  const std::string name = inbox_name(ask.path[3]);
  if (!parts.inboxes.all().contains(name)) return say_problem(404, "there is no such inbox");
  parts.inboxes.drop_inbox(name);
  return say_ok();
}

// ---- Faults ----

http::Response list_faults(const SiteParts& parts, const Ask&) { return say_json(faults_json(parts.faults)); }

http::Response add_fault(const SiteParts& parts, const Ask& ask) {
  const auto value = control::parse_json(ask.content, "the request");
  if (!value) return say_problem(400, value.error().message);
  auto fault = read_fault(*value);
  if (!fault) return refuse_fault(fault.error());
  const auto added = parts.faults.add(std::move(*fault));
  return added ? say_json(fault_json(*added), 201) : say_problem(422, added.error().message);
}

http::Response replace_faults(const SiteParts& parts, const Ask& ask) {
  const auto value = control::parse_json(ask.content, "the request");
  if (!value) return say_problem(400, value.error().message);
  auto list = read_faults(*value);
  if (!list) return refuse_fault(list.error());
  const auto done = parts.faults.replace(std::move(list->faults), list->seed);
  return done ? say_json(faults_json(parts.faults)) : say_problem(422, done.error().message);
}

http::Response delete_fault(const SiteParts& parts, const Ask& ask) {
  return parts.faults.remove(std::string(ask.path[3])) ? say_ok() : say_problem(404, "there is no such fault");
}

http::Response delete_faults(const SiteParts& parts, const Ask&) {
  const auto done = parts.faults.replace({}, {});
  return done ? say_ok() : say_problem(422, done.error().message);
}

http::Response show_chaos(const SiteParts& parts, const Ask&) { return say_json(chaos_json(parts.faults)); }

http::Response change_chaos(const SiteParts& parts, const Ask& ask) {
  const auto request = control::parse_object(ask.content, "the request");
  if (!request) return say_problem(400, request.error().message);
  const auto done = set_chaos(parts.faults, *request);
  return done ? show_chaos(parts, ask) : say_problem(400, done.error().message);
}

} // namespace paquebot::sink
