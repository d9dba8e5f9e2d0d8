// [authentication], [authentication.reports], [guard], [[dns_list]]: mail that comes from outside.

#include "app/config_checks.h"
#include "app/settings.h"
#include "base/text.h"
#include "mail/address.h"
#include "policy/stranger_rules.h"

#include <fmt/format.h>

namespace paquebot::app {
namespace {

using namespace std::chrono_literals;

using policy::Measure;
using Dmarc = intake::AuthenticationOptions::Dmarc;
using Quarantine = intake::AuthenticationOptions::Quarantine;
using SpfFail = intake::AuthenticationOptions::SpfFail;

Result<std::string> claimed_sender(const std::string& text) {
  auto entry = policy::sender_entry(text);
  if (entry) return std::move(*entry);
  return fail(Errc::invalid, "is neither an address, nor a domain, nor \".domain\": " + entry.error().message);
}

/// All words for a measure; `most` is the gravest that makes sense.
Words<Measure> measures(Measure most = Measure::refuse) {
  Words<Measure> words;
  using enum Measure;
  for (const Measure one : {off, log, tag, defer, refuse})
    if (one <= most) words.emplace_back(policy::name_of(one), one);
  return words;
}

} // namespace

void check_sender(Reader& read, const Node& table, const Config& config, const std::string& from,
                  delivery::DmarcSending& reports) {
  if (table.find("org_name") == nullptr) reports.org_name = config.server.hostname;
  if (table.find("contact") == nullptr) reports.contact = from;
  if (!from.empty()) {
    auto address = mail::parse_address(from, false);
    if (address && !address->domain.empty() && !address->is_literal())
      reports.from = std::move(*address);
    else
      read.error(
          table, "from",
          fmt::format("\"{}\" is not an address; write from = \"dmarc-reports@your.domain\"", printable(from, 60)));
  }
  if (reports.send && from.empty())
    read.error(table, "send", "reports need a sender: write from = \"dmarc-reports@your.domain\" beside send");
}

namespace {

void check_reports(Reader& read, const Node& table, Config& config) {
  check_sender(read, table, config, config.reports_from, config.snapshot.dmarc_reports);
}

void check_stranger_rules(Reader& read, const Node& table, Config& config) {
  const policy::GreylistRules& rules = config.guard.greylist;
  if (rules.window <= rules.delay)
    read.error(table, "greylist_window must be longer than greylist_delay: between them a client has to come again");
}

void check_dns_list(Reader& read, const Node& table, policy::DnsList& list) {
  auto zone = mail::normalize_domain(list.zone);
  if (zone && zone->size() < 180) // 64 octets more for an address of IPv6
    list.zone = *zone;
  else
    read.error(table, "a [[dns_list]] needs a zone, such as \"zen.spamhaus.org\"");
  if (list.score == 0)
    read.error(table, "score = 0 says nothing: above 0 for those that are listed, below for trusted ones");
}

} // namespace

const Section<Config> kAuthenticationSettings = {
    .name = "authentication",
    .settings =
        {
            {.key = "verify",
             .value = flag(AT(Config, snapshot.intake.authentication.verify), true),
             .text = "`false`: nothing is asked, and there is no Authentication-Results"},
            {.key = "dmarc",
             .value = word(AT(Config, snapshot.intake.authentication.dmarc), Dmarc::enforce,
                           {{"enforce", Dmarc::enforce}, {"tag", Dmarc::tag}, {"off", Dmarc::off}}),
             .text =
                 R"(`"enforce"`: what the author's domain asks for is done: `reject` refuses, `quarantine` see below. `"tag"`: what
             would be refused or put aside is marked instead. `"off"`: DMARC is not asked for)"},
            {.key = "quarantine",
             .value = word(AT(Config, snapshot.intake.authentication.quarantine), Quarantine::tag,
                           {{"tag", Quarantine::tag}, {"hold", Quarantine::hold}}),
             .text =
                 R"(what the policy `quarantine` does: `"tag"` delivers with the fields `X-Spam-Flag: YES`, which mail
             programs and their filters look for, and `X-Paquebot-Quarantine:` with the reason; `"hold"` keeps
             the message aside until `paquebot queue release` or `queue cancel` (`paquebot queue list --held`))"},
            {.key = "spf_fail",
             .value = word(AT(Config, snapshot.intake.authentication.spf_fail), SpfFail::tag,
                           {{"tag", SpfFail::tag}, {"refuse", SpfFail::refuse}}),
             .text = R"(when the envelope sender's domain disowns the client (`-all`): `"tag"` writes it into
             Authentication-Results only, since DMARC judges better; `"refuse"` refuses, unless DMARC passes (or
             the DNS can't tell))"},
            {.key = "trusted_forwarders",
             .value = texts(AT(Config, snapshot.intake.authentication.trusted_forwarders), {}, domain_name),
             .text =
                 R"(domains, with all below them, whose ARC seals are believed: a message that fails DMARC is taken all
             the same when such a forwarder sealed that it passed there, nobody else sealed after it, and the
             chain is good)"},
            {.key = "skip_networks",
             .value = networks(AT(Config, snapshot.intake.authentication.skip_networks), {"127.0.0.0/8", "::1"}),
             .text =
                 R"(clients that are trusted: their mail is not checked, and results with our name stay in it. Such as
             content filters and other mail servers of ours. With PROXY or XCLIENT the client counts, not the
             proxy)"},
            {.key = "timeout",
             .value = duration(AT(Config, snapshot.intake.authentication.timeout), 10s, 1s, 60s, "or senders give up"),
             .text =
                 R"(for the questions about one message once its content is there; what is not answered by
             then counts as a DNS that failed for that question (docs/policy.md): nothing is refused for good for
             it before a day has passed)"},
        },
};

const Section<Config> kReportsSettings = {
    .name = "authentication.reports",
    .settings =
        {
            {.key = "send",
             .value = flag(AT(Config, snapshot.dmarc_reports.send), false),
             .text = "count what comes, and send reports"},
            {.key = "from",
             .value = text(AT(Config, reports_from), ""),
             .text = "the address that they come from; needed with `send`"},
            {.key = "org_name",
             .value = text(AT(Config, snapshot.dmarc_reports.org_name), ""),
             .otherwise = "`server.hostname`",
             .text = "who we are, in the report"},
            {.key = "contact",
             .value = text(AT(Config, snapshot.dmarc_reports.contact), ""),
             .otherwise = "`from`",
             .text = "whom to ask about a report"},
        },
    .check = check_reports,
};

const Section<Config> kListedSettings =
    {
        .name = "guard",
        .settings =
            {
                {.key = "allow",
                 .value = networks(AT(Config, guard.allow), {"127.0.0.0/8", "::1"}),
                 .text = "networks that are asked nothing: own hosts, backup MX"},
                {.key = "block",
                 .value = networks(AT(Config, guard.block), {}),
                 .text = "networks from which no mail is taken"},
                {.key = "allow_senders",
                 .value = texts(AT(Config, guard.allow_senders), {}, claimed_sender),
                 .text =
                     R"(addresses, domains, `".domain"` (it and all below): no greylisting, no refusal for DNS lists or
             names. Anybody may claim them)"},
                {.key = "block_senders",
                 .value = texts(AT(Config, guard.block_senders), {}, claimed_sender),
                 .text = "likewise: refused"},
                {.key = "early_talker",
                 .value = word(AT(Config, guard.early_talker), Measure::refuse, measures()),
                 .text = "who speaks before it is greeted"},
                {.key = "greeting_delay", // RFC 5321 section 4.5.3.2.1: clients wait for five minutes
                 .value = duration(AT(Config, guard.greeting_delay), 0s, 0s, 60s, "or clients of good will give up"),
                 .text = R"(how long the greeting is held back. Only with it many who can't wait are found)"},
                {.key = "reverse_dns",
                 .value = word(AT(Config, guard.reverse_dns), Measure::off, measures()),
                 .text = "the address has no name, or its names do not lead back to it"},
                {.key = "helo",
                 .value = word(AT(Config, guard.helo), Measure::off, measures()),
                 .text = "the name in EHLO is not plausible"},
                {.key = "dns_tag_at",
                 .value = number(AT(Config, guard.tag_at), 0, 0, 10000),
                 .text = "the sum of scores of `[[dns_list]]` from which on a message is tagged; 0: never"},
                {.key = "dns_defer_at",
                 .value = number(AT(Config, guard.defer_at), 0, 0, 10000),
                 .text = "likewise: it is put off"},
                {.key = "dns_refuse_at",
                 .value = number(AT(Config, guard.refuse_at), 0, 0, 10000),
                 .text = "likewise: it is refused"},
                {.key = "connections_per_minute",
                 .value = number(AT(Config, guard.rates.connections_per_minute), 0, 0, 1'000'000),
                 .text = "of one address; a network (/24, of IPv6 /48) may have four times as many. 0: any number"},
                {.key = "messages_per_hour",
                 .value = number(AT(Config, guard.rates.messages_per_hour), 0, 0, 1'000'000),
                 .text = "likewise"},
                {.key = "faults_per_hour",
                 .value = number(AT(Config, guard.rates.faults_per_hour), 100, 0, 1'000'000),
                 .text = "likewise: recipients that do not exist, attempts to relay, protocol errors"},
                {.key = "refused_for",
                 .value = duration(AT(Config, guard.rates.refused_for), 10min, 1s),
                 .text = "how long an address is shut out after too many connections or faults"},
                {.key = "greylisting",
                 .value = word(AT(Config, guard.greylist.measure), Measure::off, measures(Measure::defer)),
                 .text = R"(up to `"defer"`: who was never seen has to come again)"},
                {.key = "greylist_delay",
                 .value = duration(AT(Config, guard.greylist.delay), 1min, 1s),
                 .text = "not before"},
                {.key = "greylist_window",
                 .value = duration(AT(Config, guard.greylist.window), 24h, 1min),
                 .text = "not after"},
                {.key = "greylist_keep",
                 .value = duration(AT(Config, guard.greylist.keep), 36 * 24h, 24h),
                 .text = "how long who came again is remembered after its last message"},
                {.key = "greylist_allow_after",
                 .value = number(AT(Config, guard.greylist.allow_after), 1, 1, 1000),
                 .text = "so many senders and recipients must have passed before a whole network is let through"},
            },
        .check = check_stranger_rules,
};

const List<policy::DnsList> kDnsListSettings = {
    .each = {.name = "dns_list",
             .settings =
                 {
                     {.key = "zone",
                      .value = text(AT(policy::DnsList, zone), ""),
                      .required = true,
                      .text = R"(such as `"zen.spamhaus.org"`)"},
                     {.key = "kind",
                      .value = word(AT(policy::DnsList, domains), false, {{"address", false}, {"domain", true}}),
                      .text = "`\"address\"`: a list of addresses. `\"domain\"`: a list of domain names, asked "
                              "for the domain of MAIL, the name in EHLO, and the client's own name in the DNS"},
                     {.key = "score",
                      .value = number(AT(policy::DnsList, score), 1, -1000, 1000),
                      .text = "what being listed adds; below 0 for lists of those that are trusted"},
                     {.key = "answers",
                      .value = networks(AT(policy::DnsList, answers), {}),
                      .otherwise = "all",
                      .text = R"(which answers count: `["127.0.0.2", "127.0.0.8/29"]`)"},
                 },
             .check = check_dns_list},
    .items = [](Config& config) -> auto& { return config.guard.lists; },
    .most = 20,
};

} // namespace paquebot::app
