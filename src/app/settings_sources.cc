// [[source]] and [[pool]]: where mail leaves from.

#include "app/settings.h"
#include "base/text.h"
#include "mail/address.h"
#include "net/endpoint.h"
#include "net/own_addresses.h"

#include <algorithm>
#include <fmt/format.h>

namespace paquebot::app {
namespace {

using queue::Pool;
using queue::Source;

constexpr std::size_t kMostFrom = 10'000, kMostShares = 200;

bool is_source_name(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && name.size() <= 40 && std::ranges::all_of(name, plain);
}

void check_address(Reader& read, const Node& table, std::string_view key, const std::string& address, bool four) {
  if (address.empty()) return;
  if (!net::is_ip_address(address) || (address.find(':') == std::string::npos) != four)
    return read.error(table, key, fmt::format("{} = \"{}\" is no such address", key, printable(address, 60)));
  if (!net::is_own_address(address))
    read.warning(
        table.find(key)->line,
        fmt::format("{} is not an address of this machine: nothing can leave from there", printable(address, 60)));
}

void check_source(Reader& read, const Node& table, Source& source) {
  if (!is_source_name(source.name)) read.error(table, "name", "a [[source]] needs a name of a-z, 0-9 and \"-\"");
  if (source.ipv4.empty() && source.ipv6.empty()) read.error(table, "a [[source]] needs an ipv4 or an ipv6");
  check_address(read, table, "ipv4", source.ipv4, true);
  check_address(read, table, "ipv6", source.ipv6, false);
}

void compare_source(Reader& read, const Node& table, Source& source, const Config& whole) {
  for (const Source& other : whole.sources)
    if (other.name == source.name)
      read.error(table, fmt::format("there is another [[source]] with the name {}", source.name));
}

Result<std::string> host_of_source(const std::string& text) {
  if (text.empty()) return text;
  auto name = mail::normalize_domain(text);
  if (!name) return fail(Errc::invalid, "is not a host name");
  return name;
}

Result<std::string> sender(const std::string& text) {
  if (text == "*") return text;
  const auto at = text.rfind('@');
  const auto domain = mail::normalize_domain(at == std::string::npos ? text : text.substr(at + 1));
  if (!domain || at == 0) return fail(Errc::invalid, "is neither an address, nor a domain, nor \"*\"");
  return (at == std::string::npos ? std::string() : to_lower(text.substr(0, at + 1))) + *domain;
}

void read_shares(Reader& read, const Node& node, Pool& pool) {
  if (node.kind != Node::Kind::table)
    return read.error(node, "sources says how much leaves from each: sources = { mail1 = 3, mail2 = 1 }");
  for (const Node& one : node.nodes) {
    const auto weight = read.number(one, {.least = 0, .most = 10'000});
    pool.shares.push_back({one.key, static_cast<std::uint32_t>(weight.value_or(0))});
  }
  if (pool.shares.size() > kMostShares) read.error(node, "a pool has 200 sources at most");
}

Value<Pool> shares() {
  return {.form = "table of numbers",
          .reset = [](Pool& pool) { pool.shares.clear(); },
          .read = read_shares,
          .write =
              [](const Pool& pool) {
                std::string text;
                for (const Pool::Share& one : pool.shares)
                  text += fmt::format("{} {} = {}", text.empty() ? "" : ",", one.source, one.weight);
                return "{" + text + (text.empty() ? "}" : " }");
              }};
}

void check_pool(Reader& read, const Node& table, Pool& pool) {
  if (!is_source_name(pool.name)) read.error(table, "name", "a [[pool]] needs a name of a-z, 0-9 and \"-\"");
  if (pool.from.empty()) read.error(table, "from", "a [[pool]] says by from whose mail it is for");
  if (pool.from.size() > kMostFrom) read.error(table, "from", "from has 10,000 names at most");
  if (std::ranges::all_of(pool.shares, [](const Pool::Share& one) { return one.weight == 0; }))
    read.error(table, "sources", "a [[pool]] needs a source with a weight above 0: sources = { mail1 = 1 }");
}

/// The sections of sources are read before.
void compare_pool(Reader& read, const Node& table, Pool& pool, const Config& whole) {
  for (const Pool::Share& one : pool.shares)
    if (std::ranges::find(whole.sources, one.source, &Source::name) == whole.sources.end())
      read.error(table, "sources", fmt::format("there is no [[source]] {}", printable(one.source, 60)));
  for (const Pool& other : whole.pools) {
    if (other.name == pool.name) read.error(table, fmt::format("there is another [[pool]] {}", pool.name));
    for (const std::string& from : pool.from)
      if (std::ranges::find(other.from, from) != other.from.end())
        read.error(table, "from", fmt::format("{} is in the [[pool]] {} already", printable(from, 100), other.name));
  }
}

} // namespace

const List<queue::Source> kSourceSettings = {
    .each = {.name = "source",
             .settings =
                 {
                     {.key = "name",
                      .value = text(AT(Source, name), ""),
                      .required = true,
                      .text = "of `a` to `z`, digits and `-`; trails and sites name it"},
                     {.key = "ipv4",
                      .value = text(AT(Source, ipv4), ""),
                      .otherwise = "none",
                      .text = "the local address; without it hosts are not tried by IPv4"},
                     {.key = "ipv6",
                      .value = text(AT(Source, ipv6), ""),
                      .otherwise = "none",
                      .text = "likewise of IPv6; one of both must be there"},
                     {.key = "ehlo",
                      .value = text(AT(Source, ehlo), "", host_of_source),
                      .otherwise = "`server.hostname`",
                      .text = "the name to greet with, which the PTR record of the address should name"},
                 },
             .check = check_source},
    .items = [](Config& config) -> auto& { return config.sources; },
    .compare = compare_source,
    .most = 1000,
};

const List<queue::Pool> kPoolSettings = {
    .each =
        {.name = "pool",
         .settings =
             {
                 {.key = "name",
                  .value = text(AT(Pool, name), ""),
                  .required = true,
                  .text = "of `a` to `z`, digits and `-`"},
                 {.key = "from",
                  .value = texts(AT(Pool, from), {}, sender),
                  .required = true,
                  .text =
                      R"(whose mail leaves from there: return addresses of accounts, domains of these, or `"*"` for all mail. The
             most exact one counts)"},
                 {.key = "sources",
                  .value = shares(),
                  .required = true,
                  .text = R"(`[[source]]`s, and how much of the mail each gets: `{ mail1 = 3, mail2 = 1 }`)"},
             },
         .check = check_pool},
    .items = [](Config& config) -> auto& { return config.pools; },
    .compare = compare_pool,
    .most = 1000,
};

} // namespace paquebot::app
