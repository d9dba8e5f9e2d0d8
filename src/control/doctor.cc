// What is wrong, and why: the doctor's checks in steps, and what the programs of a user tried.

#include "base/text.h"
#include "control/handlers.h"
#include "control/present.h"
#include "doctor/checks.h"
#include "doctor/sender.h"
#include "net/endpoint.h"

#include <algorithm>
#include <fmt/format.h>

namespace paquebot::control {

json::object present(const doctor::Record& record) {
  return {{"name", record.name},
          {"type", record.type},
          {"value", record.value},
          {"zone", record.zone},
          {"purpose", record.purpose}};
}

json::object present(const doctor::Finding& finding) {
  json::array records;
  for (const doctor::Record& one : finding.records) records.push_back(present(one));
  return {{"level", doctor::name_of(finding.level)},
          {"check", finding.check},
          {"about", finding.about},
          {"seen", finding.seen},
          {"means", finding.means},
          {"advice", finding.advice},
          {"records", std::move(records)}};
}

namespace {

constexpr std::size_t kMostAttempts = 50;
constexpr std::int64_t kRefusalsOf = 24LL * 3'600'000;

json::array shown_findings(const std::vector<doctor::Finding>& findings) {
  json::array list;
  for (const doctor::Finding& one : findings) list.push_back(present(one));
  return list;
}

/// What users' programs are to use.
doctor::LoginPorts ports_of(const doctor::Machine& machine) {
  doctor::LoginPorts ports;
  if (!machine.listeners) return ports;
  for (const doctor::ListenerFacts& one : *machine.listeners) {
    const bool implicit = one.tls == doctor::ListenerFacts::Tls::implicit;
    const bool starttls = one.tls == doctor::ListenerFacts::Tls::starttls;
    if (one.role == "submission" && implicit) ports.submission_tls = one.bound.port;
    if (one.role == "submission" && starttls) ports.submission_starttls = one.bound.port;
    if (one.role == "pop3" && implicit) ports.pop3_tls = one.bound.port;
    if (one.role == "pop3" && starttls) ports.pop3_starttls = one.bound.port;
    if (one.role == "imap" && implicit) ports.imap_tls = one.bound.port;
    if (one.role == "imap" && starttls) ports.imap_starttls = one.bound.port;
  }
  return ports;
}

Task<Result<doctor::Sufferer>> names_of_account(Context& context, store::Id account, std::string login) {
  doctor::Sufferer who{.login = std::move(login)};
  const auto entries = co_await context.store.directory().account_addresses(account);
  if (!entries) co_return std::unexpected(entries.error());
  for (const store::AddressEntry& one : *entries)
    if (one.local != "*") who.addresses.push_back(one.local + "@" + one.domain);
  co_return who;
}

bool is_users_port(const doctor::LoginPorts& ports, std::uint16_t port) {
  if (port == 0) return false;
  for (const std::string_view protocol : {"smtp", "pop3", "imap"})
    if (port == ports.tls(protocol) || port == ports.starttls(protocol)) return true;
  return false;
}

/// Sorts the journal: in the account's name; nameless, of the same clients; nameless, of others.
void sort_attempts(const policy::Attempts& journal, std::uint64_t after, doctor::SenderFacts& facts) {
  facts.attempts = journal.find(after, kMostAttempts,
                                [&](const policy::Attempt& one) { return doctor::may_mean(facts.who, one.name); });
  std::vector<std::string> clients;
  for (const policy::Attempt& one : facts.attempts) clients.push_back(one.client);
  if (facts.logins) {
    clients.push_back(facts.logins->succeeded.address);
    for (const auto& event : facts.logins->failed) clients.push_back(event.address);
  }
  const auto known = [&](const policy::Attempt& one) {
    return std::ranges::find(clients, one.client) != clients.end();
  };
  facts.nameless =
      journal.find(after, kMostAttempts, [&](const policy::Attempt& one) { return one.name.empty() && known(one); });
  facts.strangers = journal.find(after, kMostAttempts, [&](const policy::Attempt& one) {
    return one.name.empty() && !known(one) &&
           (is_users_port(facts.ports, one.port) || one.protocol == "pop3" || one.protocol == "imap");
  });
}

Task<Result<doctor::SenderFacts>> gather(Context& context, store::Account account, std::uint64_t after) {
  doctor::SenderFacts facts;
  std::string login = account.login;
  auto who = co_await names_of_account(context, account.id, std::move(login));
  if (!who) co_return std::unexpected(who.error());
  facts.who = std::move(*who);
  facts.now = millis(system_clock().wall());
  facts.disabled = account.disabled;
  facts.has_password = !account.password.empty();
  if (!facts.has_password) {
    const auto others = co_await context.store.credentials().list_app_passwords(account.id);
    facts.has_password = others && !others->empty();
  }
  if (context.hooks.world) {
    const doctor::World world = context.hooks.world();
    facts.started = world.machine.started;
    facts.ports = ports_of(world.machine);
  }
  if (context.hooks.logins) facts.logins = context.hooks.logins(account.login);
  if (context.hooks.attempts != nullptr) sort_attempts(*context.hooks.attempts, after, facts);
  if (context.hooks.refusals)
    for (policy::Refusal& one : context.hooks.refusals(account.login, facts.now - kRefusalsOf, kMostAttempts))
      if (one.account == account.login) facts.refusals.push_back(std::move(one));
  const auto marked = co_await context.store.books().list_suspicions(false);
  if (!marked) co_return std::unexpected(marked.error());
  for (const store::Suspicion& one : *marked)
    if (one.account == account.id) facts.mark = one;
  const store::Limits general = context.hooks.limits ? context.hooks.limits() : store::Limits{};
  auto limits = co_await context.store.books().limit_use(account.id, general, facts.now);
  if (limits) facts.limits = std::move(*limits);
  co_return facts;
}

/// The domains of ours; `left` are not looked at.
Task<Result<std::vector<doctor::Step>>> all_steps(Context& context, std::size_t& left) {
  const auto domains = co_await context.store.directory().list_domains();
  if (!domains) co_return std::unexpected(domains.error());
  std::vector<std::string> names;
  for (const store::Domain& one : *domains) names.push_back(one.name);
  left = names.size() - std::min(names.size(), doctor::kMostDomains);
  co_return doctor::steps_for(names);
}

/// Makes the one that is asked for.
Task<Answer> examine(Context& context, std::vector<doctor::Step> steps, std::string asked, std::size_t left) {
  if (!context.hooks.world) co_return refuse(Errc::unsupported, "nothing can be looked at from here");
  const auto number = parse_u64(asked.empty() ? "0" : asked);
  if (!number || *number >= steps.size())
    co_return refuse(Errc::invalid, "\"step\" must be what the last answer said under \"next\"", {}, "step");
  doctor::World world = context.hooks.world();
  world.store = &context.store;
  doctor::Step step = steps[*number];
  const std::string label(step.check->label), name(step.check->name), domain = step.domain;
  auto findings = co_await doctor::make_step(world, std::move(step));
  const std::size_t next = *number + 1;
  if (left > 0 && next == steps.size())
    findings.push_back({.level = doctor::Level::unknown,
                        .check = "domains",
                        .seen = fmt::format("{} more domains were not looked at.", left),
                        .advice = "paquebot doctor DOMAIN looks at one."});
  json::object out{{"check", name},   {"label", label},     {"domain", domain},
                   {"step", *number}, {"of", steps.size()}, {"findings", shown_findings(findings)}};
  if (next < steps.size()) {
    out["next"] = next;
    out["next_label"] = steps[next].check->label;
  }
  co_return out;
}

} // namespace

Task<Answer> examine_server(Context& context, Call call) {
  std::size_t left = 0;
  auto steps = co_await all_steps(context, left);
  if (!steps) co_return std::unexpected(steps.error());
  std::vector<doctor::Step> all = std::move(*steps);
  std::string asked = call.ask("step");
  co_return co_await examine(context, std::move(all), std::move(asked), left);
}

Task<Answer> begin_doctors_round(Context& context, Call) {
  if (!context.hooks.begin_round) co_return refuse(Errc::unsupported, "only a running server makes rounds");
  context.hooks.begin_round();
  co_return json::object{{"begun", true}};
}

Task<Answer> examine_domain(Context& context, Call call) {
  const auto domain = read_domain(call.names[0]);
  if (!domain) co_return std::unexpected(domain.error());
  std::string name = *domain;
  if (const auto ours = co_await need_domain(context, std::move(name)); !ours) co_return std::unexpected(ours.error());
  std::vector<doctor::Step> steps = doctor::steps_for({}, *domain);
  std::string asked = call.ask("step");
  const std::size_t left = 0;
  co_return co_await examine(context, std::move(steps), std::move(asked), left);
}

Task<Answer> examine_account(Context& context, Call call) {
  auto account = co_await need_account(context, call.names[0]);
  if (!account) co_return std::unexpected(account.error());
  store::Account whose = std::move(*account);
  auto facts = co_await gather(context, std::move(whose), 0);
  if (!facts) co_return std::unexpected(facts.error());
  if (!call.asker.grants.serves_all()) facts->strangers.clear(); // addresses of others are not for everybody
  const auto findings = doctor::explain_sender(*facts);
  co_return json::object{{"login", facts->who.login}, {"findings", shown_findings(findings)}};
}

Task<Answer> examine_client(Context& context, Call call) {
  const std::string client = call.names[0];
  if (!net::is_ip_address(client))
    co_return refuse(Errc::invalid, "\"" + printable(client, 64) + "\" is no IP address");
  std::vector<doctor::Finding> findings;
  if (context.hooks.attempts == nullptr || !context.hooks.world) {
    findings.push_back({.level = doctor::Level::unknown,
                        .check = "sending",
                        .about = client,
                        .seen = "What came from there is known to a running server only."});
  } else {
    const doctor::LoginPorts ports = ports_of(context.hooks.world().machine);
    const std::int64_t now = millis(system_clock().wall());
    const auto from_there = [&](const policy::Attempt& one) { return one.client == client; };
    for (const policy::Attempt& one : context.hooks.attempts->find(0, kMostAttempts, from_there))
      findings.push_back(doctor::explain(one, nullptr, ports, now));
    if (findings.empty())
      findings.push_back({.level = doctor::Level::unknown,
                          .check = "sending",
                          .about = client,
                          .seen = "Nothing from " + client + " was refused since the server started."});
  }
  co_return json::object{{"client", client}, {"findings", shown_findings(findings)}};
}

/// For who watches: what came since.
Task<Answer> list_attempts(Context& context, Call call) {
  const std::string text = call.ask("after");
  const auto after = parse_u64(text.empty() ? "0" : text);
  if (!after)
    co_return refuse(Errc::invalid, "\"after\" must be what the last answer said under \"last\"", {}, "after");
  auto account = co_await need_account(context, call.names[0]);
  if (!account) co_return std::unexpected(account.error());
  if (context.hooks.attempts == nullptr)
    co_return refuse(Errc::unsupported, "what programs tried is known to a running server only");
  const std::uint64_t last = context.hooks.attempts->last();
  store::Account whose = std::move(*account);
  auto facts = co_await gather(context, std::move(whose), *after);
  if (!facts) co_return std::unexpected(facts.error());
  if (!call.asker.grants.serves_all()) facts->strangers.clear();
  json::array list;
  for (const auto* attempts : {&facts->attempts, &facts->nameless, &facts->strangers})
    for (const policy::Attempt& one : *attempts) {
      const bool hers = attempts != &facts->strangers;
      list.push_back(present(doctor::explain(one, hers ? &facts->who : nullptr, facts->ports, facts->now)));
    }
  json::array refused;
  for (const policy::Refusal& one : facts->refusals) refused.push_back(present(one));
  json::object out{
      {"login", facts->who.login}, {"findings", std::move(list)}, {"last", last}, {"refusals", std::move(refused)}};
  if (facts->logins && facts->logins->succeeded.at != 0)
    out["last_login"] = json::object{{"at", time_value(facts->logins->succeeded.at)},
                                     {"address", facts->logins->succeeded.address},
                                     {"protocol", facts->logins->succeeded.protocol}};
  co_return out;
}

} // namespace paquebot::control
