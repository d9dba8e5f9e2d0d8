#include "doctor/sender.h"

#include "base/text.h"
#include "doctor/checks.h"

#include <algorithm>
#include <fmt/format.h>
#include <initializer_list>
#include <utility>

namespace paquebot::doctor {
namespace {

using What = policy::Attempt::What;

constexpr std::size_t kMostTold = 12;
constexpr std::size_t kMostStrangers = 5;

std::string local_of(const std::string& address) { return address.substr(0, address.rfind('@')); }
std::string domain_of(const std::string& address) {
  const auto at = address.rfind('@');
  return at == std::string::npos ? std::string() : address.substr(at + 1);
}

bool has_one(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

/// "587, 14 times", "587".
std::string on_port(const policy::Attempt& attempt) {
  return fmt::format("{}{}", attempt.port, attempt.times > 1 ? fmt::format(", {} times", attempt.times) : "");
}

/// "choose 465, or STARTTLS".
std::string tls_choice(const policy::Attempt& attempt, const LoginPorts& ports) {
  const std::uint16_t tls = ports.tls(attempt.protocol);
  return tls != 0 ? fmt::format("Choose port {} in the program, or STARTTLS for {}.", tls, attempt.port)
                  : fmt::format("Choose STARTTLS for port {} in the program.", attempt.port);
}

/// "use 465 with TLS, or 587 with STARTTLS".
std::string right_port(const policy::Attempt& attempt, const LoginPorts& ports) {
  const std::uint16_t tls = ports.tls(attempt.protocol);
  const std::uint16_t start = ports.starttls(attempt.protocol);
  if (tls != 0 && start != 0) return fmt::format("Use port {} with TLS, or {} with STARTTLS.", tls, start);
  if (tls != 0) return fmt::format("Use port {} with TLS.", tls);
  if (start != 0) return fmt::format("Use port {} with STARTTLS.", start);
  return "This server has no port for that: add a [[listener]].";
}

/// Why a handshake failed, from what TLS says of it.
void explain_tls(const policy::Attempt& attempt, const LoginPorts& ports, Finding& finding) {
  const std::string& why = attempt.why;
  const std::string who = "A program at " + printable(attempt.client, 64);
  if (has_one(why, {"unknown ca", "bad certificate", "certificate unknown", "certificate expired",
                    "unsupported certificate", "certificate revoked", "access denied"})) {
    finding.seen = who + " did not trust our certificate on " + on_port(attempt) + ".";
    finding.advice = "Use the server's name that the certificate has (paquebot doctor tells of it under \"tls\"); a "
                     "certificate that this server made itself has to be accepted in the program.";
  } else if (has_one(why, {"http request"})) {
    finding.seen = who + " spoke HTTP on " + on_port(attempt) + ".";
    finding.advice = "That port is for mail programs.";
  } else if (has_one(why, {"wrong version number", "unknown protocol", "packet length too long"})) {
    finding.seen = who + " spoke without TLS on " + on_port(attempt) + ", where TLS comes first.";
    finding.advice = "Choose \"SSL/TLS\" for that port in the program.";
  } else if (has_one(why, {"unsupported protocol", "no shared cipher", "version too low", "protocol version"})) {
    finding.seen = who + " is too old for our TLS on " + on_port(attempt) + ".";
    finding.advice = "It needs TLS 1.2.";
  } else {
    finding.seen =
        who + " broke TLS off on " + on_port(attempt) + (why.empty() ? "." : " (" + printable(why, 120) + ").");
    finding.advice = "Often it does not trust the certificate, or is set to another way of encryption. " +
                     right_port(attempt, ports);
  }
}

/// A login that was judged.
void explain_wrong(const policy::Attempt& attempt, const Sufferer* who, Finding& finding) {
  const std::string name = printable(attempt.name, 128);
  const std::string begin = who != nullptr ? "Your program at " : "A program at ";
  finding.seen = begin + printable(attempt.client, 64) + " tried to log in as " + (name.empty() ? "somebody" : name) +
                 " on " + on_port(attempt) + ": wrong name or password.";
  if (who == nullptr) return;
  const std::string domain = domain_of(who->login), given = domain_of(attempt.name);
  if (given.empty() && !iequals(attempt.name, who->login)) {
    finding.seen = begin + printable(attempt.client, 64) + " tried to log in as " + name + " without @" + domain +
                   " on " + on_port(attempt) + ".";
    finding.advice = "The name to log in with is the whole address: " + who->login + ".";
  } else if (!iequals(given, domain) && !may_mean(*who, attempt.name)) {
    finding.advice = "The name to log in with is " + who->login + ".";
  } else if (!iequals(attempt.name, who->login) && !iequals(given, domain)) {
    finding.seen = begin + printable(attempt.client, 64) + " tried to log in as " + name + " on " + on_port(attempt) +
                   ": the domain is another one.";
    finding.advice = "The name to log in with is " + who->login + ".";
  } else {
    finding.advice =
        "The name is right: it is the password. Type it anew, or make one for the program: paquebot account "
        "app-password add " +
        who->login;
  }
  if (has_one(attempt.why, {"second factor"})) {
    finding.seen = begin + printable(attempt.client, 64) + " tried to log in as " + name + " on " + on_port(attempt) +
                   " with the account's own password: with a second factor that is for the console alone.";
    finding.advice = "Make a password for the program: paquebot account app-password add " + who->login;
  }
  if (has_one(attempt.why, {"SCRAM"})) finding.means = printable(attempt.why, 120) + ".";
}

} // namespace

bool may_mean(const Sufferer& who, const std::string& name) {
  if (name.empty()) return false;
  const auto same = [&](const std::string& address) {
    return iequals(name, address) || iequals(name, local_of(address)) ||
           (iequals(local_of(name), local_of(address)) && name.find('@') != std::string::npos);
  };
  return same(who.login) || std::ranges::any_of(who.addresses, same);
}

Finding explain(const policy::Attempt& attempt, const Sufferer* who, const LoginPorts& ports, std::int64_t now) {
  Finding finding{.level = Level::wrong, .check = "sending", .about = who != nullptr ? who->login : attempt.client};
  const std::string client = printable(attempt.client, 64);
  const std::string begin = (who != nullptr && !attempt.name.empty() ? "Your program at " : "A program at ") + client;
  switch (attempt.what) {
    case What::tls_failed: explain_tls(attempt, ports, finding); break;
    case What::tls_at_once:
      finding.seen = begin + " spoke TLS at once to " + on_port(attempt) + ", where STARTTLS comes first.";
      finding.advice = tls_choice(attempt, ports);
      break;
    case What::clear_login:
      finding.seen = begin + " would log in without encryption on " + on_port(attempt) + ".";
      finding.advice = tls_choice(attempt, ports);
      break;
    case What::not_for_login:
      finding.seen = begin + " logs in on " + on_port(attempt) + ", which is for other servers.";
      finding.advice = right_port(attempt, ports);
      break;
    case What::no_login:
      finding.seen = begin + " would send on " + on_port(attempt) + " without having logged in.";
      finding.advice = "Switch on that the server for outgoing mail asks for name and password.";
      break;
    case What::mechanism:
      finding.seen = begin + " broke the login off on " + on_port(attempt) +
                     (attempt.mechanism.empty() ? "" : " (" + printable(attempt.mechanism, 24) + ")") + ": " +
                     printable(attempt.why, 120) + ".";
      finding.advice = "Choose \"normal password\" as the way to log in.";
      break;
    case What::wrong: explain_wrong(attempt, who, finding); break;
    case What::disabled:
      finding.seen = begin + " tried to log in on " + on_port(attempt) + ": the account is disabled.";
      finding.advice = "paquebot account enable " + (who != nullptr ? who->login : printable(attempt.name, 128));
      break;
    case What::put_off:
      finding.level = attempt.until > now ? Level::wrong : Level::note;
      finding.seen = "The address " + client + (attempt.until > now ? " is" : " was") +
                     " slowed after too many wrong logins, until " + moment(attempt.until) + ".";
      finding.advice = attempt.until > now ? "Correct the program's name and password, and wait until then." : "";
      break;
    case What::temporary:
      finding.level = Level::warning;
      finding.seen = begin + " could not log in on " + on_port(attempt) + ": the login could not be checked.";
      finding.advice = "The program tries again; the log tells why it failed.";
      break;
    case What::turned_away:
      finding.seen = client + " was not let in on " + on_port(attempt) + ": " + printable(attempt.why, 120) + ".";
      break;
  }
  finding.seen +=
      " Last " + (now - attempt.at < 60'000 ? std::string("just now") : span_text(now - attempt.at) + " ago") + ".";
  return finding;
}

namespace {

void tell_account(const SenderFacts& facts, std::vector<Finding>& findings) {
  const std::string& login = facts.who.login;
  const auto add = [&](Level level, std::string seen, std::string advice) {
    findings.push_back(
        {.level = level, .check = "sending", .about = login, .seen = std::move(seen), .advice = std::move(advice)});
  };
  if (facts.disabled) add(Level::wrong, login + " is disabled.", "paquebot account enable " + login);
  if (!facts.has_password) add(Level::wrong, login + " has no password.", "paquebot account passwd " + login);
  if (facts.mark)
    add(Level::wrong,
        "What " + login + " sends is held since " + moment(facts.mark->since) + ": " +
            printable(facts.mark->reason, 300) + ".",
        "paquebot account show " + login + ", then paquebot account release " + login);
  if (facts.logins && facts.logins->refused_until > facts.now)
    add(Level::warning,
        "Logins as " + login + " from addresses that it did not use lately are refused until " +
            moment(facts.logins->refused_until) + ": too many failed.",
        "From where it logged in before, it can.");
  for (const store::LimitUse& use : facts.limits)
    if (use.most != 0 && use.used >= use.most)
      add(Level::wrong,
          fmt::format("{} is at its limit {} ({}), until {}.", login, store::name_of(use.kind), use.most,
                      moment(use.until)),
          "Wait until then, or raise it: paquebot account limit");
}

/// "550 5.7.1 …" in words, each reply once.
void tell_refusals(const SenderFacts& facts, std::vector<Finding>& findings) {
  std::vector<std::pair<const policy::Refusal*, std::uint32_t>> kinds;
  for (const policy::Refusal& one : facts.refusals) {
    const auto same = std::ranges::find_if(kinds, [&](const auto& kind) { return kind.first->reply == one.reply; });
    if (same != kinds.end())
      ++same->second;
    else if (kinds.size() < kMostTold)
      kinds.emplace_back(&one, 1);
  }
  for (const auto& [one, times] : kinds) {
    const bool author = one->reply.find("is not an address of account") != std::string::npos;
    Finding finding{.level = Level::wrong, .check = "sending", .about = facts.who.login};
    finding.seen = "Mail" + (one->to.empty() ? std::string() : " to " + printable(one->to, 254)) + " was refused" +
                   (times > 1 ? fmt::format(", {} times", times) : "") + ": " + printable(one->reply, 200) + ". Last " +
                   span_text(facts.now - one->at) + " ago.";
    if (author) {
      finding.means =
          "The From is not yours: " + printable(one->from, 254) + " does not lead to " + facts.who.login + ".";
      finding.advice = "Send as " + facts.who.login + ", or let the address lead to the account: paquebot alias add " +
                       "ADDRESS --account " + facts.who.login;
    }
    findings.push_back(std::move(finding));
  }
}

void tell_attempts(const SenderFacts& facts, std::vector<Finding>& findings) {
  std::size_t told = 0;
  const std::int64_t good = facts.logins ? facts.logins->succeeded.at : 0;
  for (const auto* list : {&facts.attempts, &facts.nameless})
    for (const policy::Attempt& one : *list) {
      if (told++ >= kMostTold) return;
      Finding finding = explain(one, &facts.who, facts.ports, facts.now);
      if (good > one.at && finding.level > Level::note) { // it has worked since
        finding.level = Level::note;
        finding.means = "It has logged in since then.";
      }
      findings.push_back(std::move(finding));
    }
}

void tell_strangers(const SenderFacts& facts, std::vector<Finding>& findings) {
  std::size_t told = 0;
  for (const policy::Attempt& one : facts.strangers) {
    if (told++ >= kMostStrangers) return;
    Finding finding = explain(one, nullptr, facts.ports, facts.now);
    finding.level = Level::unknown;
    finding.means = "It said no name: whether that was " + facts.who.login + " can't be told.";
    findings.push_back(std::move(finding));
  }
}

} // namespace

std::vector<Finding> explain_sender(const SenderFacts& facts) {
  std::vector<Finding> findings;
  tell_account(facts, findings);
  tell_refusals(facts, findings);
  tell_attempts(facts, findings);
  const bool explained = !findings.empty();
  if (facts.logins && facts.logins->succeeded.at != 0)
    findings.push_back({.level = Level::good,
                        .check = "sending",
                        .about = facts.who.login,
                        .seen = fmt::format("{} logged in from {} ({}) {} ago.", facts.who.login,
                                            printable(facts.logins->succeeded.address, 64),
                                            printable(facts.logins->succeeded.protocol, 16),
                                            span_text(facts.now - facts.logins->succeeded.at))});
  if (explained) return findings;
  if (facts.started == 0) {
    findings.push_back({.level = Level::unknown,
                        .check = "sending",
                        .about = facts.who.login,
                        .seen = "What programs tried is known to a running server only."});
    return findings;
  }
  tell_strangers(facts, findings);
  if (findings.empty() || (facts.strangers.empty() && (!facts.logins || facts.logins->succeeded.at == 0)))
    findings.push_back({.level = Level::unknown,
                        .check = "sending",
                        .about = facts.who.login,
                        .seen = "No program has come in the name of " + facts.who.login +
                                " since the server started, " + span_text(facts.now - facts.started) + " ago.",
                        .means =
                            "Whatever it does, it does not reach this server: another server's name, a wrong port, "
                            "or a network that lets no mail out.",
                        .advice = "paquebot doctor " + facts.who.login + " --watch, and press Send."});
  return findings;
}

} // namespace paquebot::doctor
