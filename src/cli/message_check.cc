#include "cli/message_check.h"

#include "dns/watched_resolver.h"
#include "intake/authentication.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>
#include <utility>

namespace paquebot::cli {
namespace {

namespace asio = boost::asio;

json::object object_of(const mailauth::SpfOutcome& spf) {
  json::object out{{"result", mailauth::to_string(spf.result)}, {"domain", spf.domain}, {"words", spf.reason}};
  if (!spf.explanation.empty()) out["explanation"] = spf.explanation;
  return out;
}

json::object object_of(const mailauth::DkimVerdict& dkim) {
  return {{"result", mailauth::to_string(dkim.result)},
          {"domain", dkim.domain},
          {"selector", dkim.selector},
          {"identity", dkim.identity},
          {"algorithm", dkim.algorithm},
          {"bits", dkim.bits},
          {"words", dkim.reason}};
}

json::object object_of(const mailauth::DmarcOutcome& dmarc) {
  return {{"result", mailauth::to_string(dmarc.result)}, {"author", dmarc.author.domain},
          {"policy", mailauth::to_string(dmarc.policy)}, {"published", mailauth::to_string(dmarc.published)},
          {"policy_domain", dmarc.policy_domain},        {"spf_aligned", dmarc.spf_aligned},
          {"dkim_aligned", dmarc.dkim_aligned},          {"words", dmarc.reason}};
}

json::object object_of(const mailauth::ArcOutcome& arc) {
  json::object out{{"result", mailauth::to_string(arc.result)}, {"sets", arc.sets}, {"words", arc.reason}};
  json::array sealers;
  for (const auto& sealer : arc.sealers) sealers.emplace_back(sealer);
  out["sealers"] = std::move(sealers);
  return out;
}

std::string_view name_of(intake::Judgement::Action action) {
  constexpr std::string_view names[] = {"accept", "tag", "hold", "refuse"};
  return names[static_cast<std::size_t>(action)];
}

json::object object_of(const intake::Findings& findings, const intake::Judgement& judgement) {
  const bool refused = judgement.action == intake::Judgement::Action::refuse;
  json::object out{
      {"action", name_of(judgement.action)},
      {"words", refused ? std::to_string(judgement.reply.code) + " " + judgement.reply.text : judgement.reason},
      {"spf", object_of(findings.sender)}};
  if (findings.helo) out["helo"] = object_of(*findings.helo);
  json::array signatures;
  for (const auto& verdict : findings.dkim) signatures.emplace_back(object_of(verdict));
  out["dkim"] = std::move(signatures);
  if (findings.dmarc) out["dmarc"] = object_of(*findings.dmarc);
  if (!findings.further_dmarc.empty()) {
    json::array further;
    for (const auto& one : findings.further_dmarc) further.emplace_back(object_of(one));
    out["further_dmarc"] = std::move(further);
  }
  out["arc"] = object_of(findings.arc);
  return out;
}

} // namespace

struct MessageChecker::Impl {
  Impl(intake::AuthenticationOptions o, std::string h) : options(std::move(o)), hostname(std::move(h)) {}
  ~Impl() {
    if (!resolver) return;
    resolver->give_up();
    while (!verifier->lookups.wait_idle({}) && io.run_one() > 0) {
    }
  }

  /// Runs one coroutine to its end.
  void run(Task<void> task) {
    bool done = false;
    std::exception_ptr thrown;
    asio::co_spawn(io, std::move(task), [&](std::exception_ptr e) {
      thrown = e;
      done = true;
    });
    io.restart();
    while (!done && io.run_one() > 0) {
    }
    if (thrown) std::rethrow_exception(thrown);
  }

  Task<void> authenticate(intake::Authentication& authentication, std::string_view content) {
    co_await authentication.begin();
    if (authentication.feed(content)) co_await authentication.ask_ahead();
    mail::HeadSplitter splitter;
    const auto body = splitter.feed(content);
    const auto rest = splitter.finish();
    auto head = mail::Head::parse(splitter.take_head());
    if (!body || !rest || !head) {
      failed = true;
      co_return;
    }
    co_await authentication.finish(*head);
  }

  Task<void> ask_spf(const mailauth::SpfQuestion& question, std::optional<mailauth::SpfOutcome>& into) {
    mailauth::SpfLimits limits;
    limits.time = options.timeout;
    dns::Resolver& dns = *resolver;
    const Clock& clock = system_clock();
    into = co_await mailauth::check_spf(question, dns, clock, limits);
  }

  asio::io_context io{1};
  intake::AuthenticationOptions options;
  std::string hostname;
  std::shared_ptr<dns::Resolver> resolver;
  std::unique_ptr<intake::Verifier> verifier;
  bool failed = false;
};

MessageChecker::MessageChecker(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MessageChecker::~MessageChecker() = default;
MessageChecker::MessageChecker(MessageChecker&&) noexcept = default;
MessageChecker& MessageChecker::operator=(MessageChecker&&) noexcept = default;

Result<MessageChecker> MessageChecker::make(const dns::Options& dns, intake::AuthenticationOptions options,
                                            std::string hostname) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(hostname));
  auto resolvers = dns::make_resolvers(impl->io.get_executor(), dns, dns.at_once, system_clock());
  if (!resolvers) return std::unexpected(resolvers.error());
  impl->resolver = std::move(resolvers->strangers);
  impl->verifier = std::make_unique<intake::Verifier>(*impl->resolver, system_clock());
  return MessageChecker(std::move(impl));
}

Result<json::object> MessageChecker::message(const MessageWay& way, std::string_view content) {
  Impl& s = *impl_;
  s.failed = false;
  intake::Authentication authentication(*s.verifier, s.options, {s.hostname, way.client, way.helo, way.sender});
  s.run(s.authenticate(authentication, content));
  if (s.failed) return fail(Errc::invalid, "a header block that is larger than the server takes");
  return object_of(authentication.findings(), authentication.judgement());
}

Result<json::object> MessageChecker::spf(const MessageWay& way) {
  Impl& s = *impl_;
  const auto helo_question = mailauth::spf_question_for_helo(way.client, way.helo, s.hostname);
  const auto sender_question = mailauth::spf_question_for_sender(way.client, way.helo, way.sender, s.hostname);
  std::optional<mailauth::SpfOutcome> helo, sender;
  s.run(s.ask_spf(sender_question, sender));
  s.run(s.ask_spf(helo_question, helo));
  return json::object{{"spf", object_of(*sender)}, {"helo", object_of(*helo)}};
}

std::string with_network_line_ends(std::string content) {
  const auto end = content.find('\n');
  if (end == std::string::npos || (end > 0 && content[end - 1] == '\r')) return content;
  std::string out;
  out.reserve(content.size() + content.size() / 16);
  for (std::size_t i = 0; i < content.size(); ++i) {
    if (content[i] == '\n' && (i == 0 || content[i - 1] != '\r')) out += '\r';
    out += content[i];
  }
  return out;
}

} // namespace paquebot::cli
