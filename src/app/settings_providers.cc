// [[provider]]: who has many domains' mail, and what to do when he says something.

#include "app/settings.h"
#include "base/text.h"
#include "mail/address.h"

#include <algorithm>
#include <fmt/format.h>

namespace paquebot::app {
namespace {

using queue::Act;
using queue::Provider;
using queue::Rule;
using queue::Scope;

constexpr std::size_t kMostRules = 200, kMostExamples = 20, kMostNames = 100;
constexpr std::size_t kMostRuleText = 300;
constexpr std::string_view kWhen = "[[provider.when]]";
const std::vector<std::string_view> kRuleKeys{"name",  "code", "status", "text",   "count",
                                              "scope", "do",   "for",    "example"};
const std::vector<std::string_view> kActs{"rate", "connections", "per_connection", "pause", "hold", "fail"};
const std::vector<std::string_view> kScopes{"source", "lane", "tenant", "signing-domain", "recipient-domain"};

bool is_plain_name(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && name.size() <= 60 && std::ranges::all_of(name, plain);
}

std::optional<queue::Rate> read_rate(Reader& read, const Node& node) {
  const auto text = read.text(node);
  if (!text) return std::nullopt;
  if (text->empty()) return queue::Rate{};
  const auto rate = queue::parse_rate(*text);
  if (rate) return *rate;
  read.error(node, fmt::format("{} = \"{}\" {}", node.key, printable(*text, 60), rate.error().message));
  return std::nullopt;
}

template <class Owner>
Value<Owner> rate(queue::Rate& (*place)(Owner&)) {
  return kinds::make("text", place, queue::Rate{}, read_rate,
                     [](const queue::Rate& value) { return toml_quoted(value.to_string()); });
}

/// { rate = "10/min" }, and the like: one of them.
void read_act(Reader& read, const Node& node, Rule& rule) {
  if (node.kind != Node::Kind::table || node.nodes.size() != 1)
    return read.error(node, "do says one thing: { rate = \"10/min\" }, { connections = 2 }, { per_connection = 20 }, "
                            "{ pause = true }, { hold = true } or { fail = true }");
  const Node& what = node.nodes.front();
  read.only(node, "do", kActs);
  const auto at = std::ranges::find(kActs, what.key);
  if (at == kActs.end()) return;
  rule.act = static_cast<Act>(at - kActs.begin());
  if (rule.act == Act::rate) {
    rule.rate = read_rate(read, what).value_or(queue::Rate{1, 60});
    if (rule.rate.number == 0) read.error(what, "rate says how many, such as \"10/min\"");
  } else if (rule.act == Act::connections || rule.act == Act::per_connection) {
    rule.number = static_cast<unsigned>(read.number(what, {.least = 1, .most = 10'000}).value_or(1));
  } else if (const auto on = read.flag(what); on && !*on) {
    read.error(what, fmt::format("{} is true, or it is not there", what.key));
  }
  const bool narrow = rule.act == Act::connections || rule.act == Act::per_connection;
  if (narrow && rule.scope != Scope::source)
    read.error(what, fmt::format("{} concerns all that goes to the provider: scope must be \"source\"", what.key));
}

void read_match(Reader& read, const Node& table, Rule& rule) {
  if (const Node* node = table.find("code"))
    rule.code = static_cast<std::uint16_t>(read.number(*node, {.least = 400, .most = 599}).value_or(0));
  if (const Node* node = table.find("status")) {
    const auto text = read.text(*node);
    const auto status = text ? mail::EnhancedCode::parse(*text) : std::nullopt;
    if (status && status->to_string() == *text)
      rule.status = *status;
    else if (text)
      read.error(*node, "status is an enhanced code such as \"4.7.28\"");
  }
  if (const Node* node = table.find("text")) {
    rule.text = read.text(*node).value_or("");
    if (rule.text.size() > kMostRuleText) read.error(*node, "text has 300 octets at most");
  }
  if (rule.code == 0 && !rule.status && trim(rule.text).empty())
    read.error(table, "a [[provider.when]] says by code, status or text which replies it is for");
}

Rule read_rule(Reader& read, const Node& table) {
  Rule rule;
  read.only(table, kWhen, kRuleKeys);
  if (const Node* node = table.find("name")) rule.name = read.text(*node).value_or("");
  if (!is_plain_name(rule.name)) read.error(table, "name", "a [[provider.when]] needs a name of a-z, 0-9 and \"-\"");
  read_match(read, table, rule);
  if (const Node* node = table.find("count")) rule.count = read_rate(read, *node).value_or(queue::Rate{});
  if (rule.count.number > 100) read.error(table, "count", "count is 100 in a time at most");
  if (const Node* node = table.find("scope"))
    if (const auto at = read.word(*node, kScopes)) rule.scope = static_cast<Scope>(*at);
  if (const Node* node = table.find("do"))
    read_act(read, *node, rule);
  else
    read.error(table, "a [[provider.when]] says what to do: do = { rate = \"10/min\" }");
  if (const Node* node = table.find("for")) {
    const Bounds bounds{.least = 1, .most = Rule::kLongest, .why = "after that somebody has to find out"};
    rule.lasts = read.duration(*node, bounds).value_or(std::chrono::seconds(Rule::kRuleLasts)).count();
  }
  if (const Node* node = table.find("example"))
    if (const std::vector<Node>* examples = read.texts(*node))
      for (const Node& one : *examples) rule.examples.push_back(one.text);
  if (rule.examples.size() > kMostExamples) read.error(table, "example", "a rule has 20 examples at most");
  return rule;
}

void read_rules(Reader& read, const Node& node, Provider& provider) {
  if (!node.is_list_of_tables() && !(node.kind == Node::Kind::list && node.nodes.empty()))
    return read.error(node, "rules are written as [[provider.when]], each with what it matches and what to do");
  if (node.nodes.size() > kMostRules) return read.error(node, "a provider has 200 rules at most");
  for (const Node& table : node.nodes) {
    Rule rule = read_rule(read, table);
    if (provider.rule(rule.name) != nullptr)
      read.error(table, fmt::format("there is another rule {} of this provider", rule.name));
    else if (const auto fault = queue::fault_of_examples(provider, rule))
      read.error(table, fmt::format("the rule {} {}", rule.name, *fault));
    provider.rules.push_back(std::move(rule));
  }
}

std::string act_text(const Rule& rule) {
  std::string value = "true";
  if (rule.act == Act::rate) value = toml_quoted(rule.rate.to_string());
  if (rule.number > 0) value = std::to_string(rule.number);
  return fmt::format("{{ {} = {} }}", name_of(rule.act), value);
}

std::string write_rule(const Rule& rule) {
  std::string text = fmt::format("{{ name = {}", toml_quoted(rule.name));
  if (rule.code != 0) text += fmt::format(", code = {}", rule.code);
  if (rule.status) text += fmt::format(", status = \"{}\"", rule.status.to_string());
  if (!rule.text.empty()) text += ", text = " + toml_quoted(rule.text);
  if (rule.count.number > 0) text += ", count = " + toml_quoted(rule.count.to_string());
  return text + fmt::format(", scope = \"{}\", do = {}, for = {}, example = {} }}", name_of(rule.scope), act_text(rule),
                            toml_duration(std::chrono::seconds(rule.lasts)), toml_list(rule.examples));
}

Value<Provider> rules() {
  return {.form = "list of tables",
          .reset = [](Provider& provider) { provider.rules.clear(); },
          .read = read_rules,
          .write =
              [](const Provider& provider) {
                std::string text = "[";
                for (const Rule& one : provider.rules) text += (text.size() > 1 ? ", " : "") + write_rule(one);
                return text + "]";
              }};
}

Result<std::string> host_name(const std::string& text) {
  const bool suffix = text.starts_with('.');
  const auto name = mail::normalize_domain(suffix ? text.substr(1) : text);
  if (!name) return fail(Errc::invalid, "is neither a host's name nor \".domain\" for those in it");
  return (suffix ? "." : "") + *name;
}

void check_provider(Reader& read, const Node& table, Provider& provider) {
  if (!is_plain_name(provider.name)) read.error(table, "name", "a [[provider]] needs a name of a-z, 0-9 and \"-\"");
  if (provider.mx.empty()) read.error(table, "mx", "a [[provider]] says by mx which hosts are its own");
  if (provider.mx.size() > kMostNames) read.error(table, "mx", "a provider has 100 names at most");
}

void compare_provider(Reader& read, const Node& table, Provider& provider, const Config& whole) {
  for (const Provider& other : whole.providers)
    if (other.name == provider.name)
      read.error(table, fmt::format("there is another [[provider]] with the name {}", provider.name));
}

} // namespace

const List<queue::Provider> kProviderSettings = {
    .each =
        {.name = "provider",
         .settings =
             {
                 {.key = "name",
                  .value = text(AT(Provider, name), ""),
                  .required = true,
                  .text =
                      R"(of `a` to `z`, digits and `-`. One that `providers.toml` has too stands in its place, rules and all)"},
                 {.key = "mx",
                  .value = texts(AT(Provider, mx), {}, host_name),
                  .required = true,
                  .text =
                      R"(its mail hosts: `".google.com"` for all names in that domain, or a host's name. Mail goes to
             the provider where all MX hosts of a domain are its own)"},
                 {.key = "connections",
                  .value = number(AT(Provider, connections), 0, 0, 10000),
                  .text = "to all its sites together; `0`: as many as their own limits give"},
                 {.key = "messages_per_connection",
                  .value = number(AT(Provider, per_connection), 0, 0, 1000),
                  .text = "then a new one is made; `0`: as many as it takes"},
                 {.key = "rate",
                  .value = rate(AT(Provider, rate)),
                  .otherwise = "any",
                  .text = R"(messages to all its sites together, evenly spread: `"600/min"`, `"5/s"`, `"20000/h"`)"},
                 {.key = "when",
                  .value = rules(),
                  .otherwise = "none",
                  .text = R"(what to do when it says something: see below)"},
             },
         .check = check_provider},
    .items = [](Config& config) -> auto& { return config.providers; },
    .compare = compare_provider,
    .most = 500,
};

} // namespace paquebot::app
