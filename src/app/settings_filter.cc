// [[filter]]: programs that look at messages on their way in (docs/filters.md).

#include "app/settings.h"
#include "base/text.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace paquebot::app {
namespace {

using namespace std::chrono_literals;

using filter::Away;
using filter::Deed;
using filter::Kind;
using Role = service::ListenerRole;

const Words<Role> kRoles{{"mx", Role::mx}, {"submission", Role::submission}, {"lmtp", Role::lmtp}};
const Words<Deed> kDeeds{{"refuse", Deed::refuse}, {"hold", Deed::hold}, {"tag", Deed::tag}};

Value<FilterConfig> address() {
  return {.form = "address",
          .reset = [](FilterConfig& filter) { filter.options.place = {}; },
          .read =
              [](Reader& reader, const Node& node, FilterConfig& filter) {
                const auto written = reader.text(node);
                if (!written) return;
                auto place = filter::parse_place(*written);
                if (place)
                  filter.options.place = std::move(*place);
                else
                  reader.error(node, "address: " + place.error().message);
              },
          .write =
              [](const FilterConfig& filter) {
                const filter::Place& place = filter.options.place;
                return toml_quoted(place.path.empty() && place.host.empty() ? "" : place.to_string());
              }};
}

Value<FilterConfig> roles() {
  const auto read = [](Reader& reader, const Node& node) -> std::optional<std::vector<Role>> {
    const std::vector<Node>* listed = reader.texts(node);
    if (listed == nullptr) return std::nullopt;
    std::vector<Role> roles;
    for (const Node& one : *listed) {
      const auto known = std::ranges::find(kRoles, one.text, [](const auto& word) { return word.first; });
      if (known != kRoles.end())
        roles.push_back(known->second);
      else
        reader.error(
            one, fmt::format("\"{}\" in applies_to is not known: use mx, submission or lmtp", printable(one.text, 60)));
    }
    return roles;
  };
  const auto write = [](const std::vector<Role>& roles) {
    std::vector<std::string> words;
    for (const Role role : roles) words.push_back(kinds::word_for(kRoles, role));
    return toml_list(words);
  };
  auto made = kinds::make("list of words", AT(FilterConfig, roles), {Role::mx, Role::submission}, read, write);
  made.words = kinds::only_words(kRoles);
  return made;
}

/// Keys that count for one kind of filter only.
void check_kind(Reader& read, const Node& table, Kind kind) {
  const auto only_for = [&](std::string_view key, Kind wanted, std::string_view name) {
    if (table.find(key) != nullptr && kind != wanted)
      read.error(table, key, fmt::format("{} is for filters of the type \"{}\"", key, name));
  };
  only_for("found", Kind::clamd, "clamd");
  only_for("reject", Kind::rspamd, "rspamd");
  only_for("greylist", Kind::rspamd, "rspamd");
  if (table.find("max_size") != nullptr && kind == Kind::milter)
    read.error(table, "max_size", "max_size is for filters of the types \"rspamd\" and \"clamd\"");
}

void check_filter(Reader& read, const Node& table, FilterConfig& filter) {
  filter::Options& options = filter.options;
  const Node* type = table.find("type");
  if (type == nullptr) read.error(table, "a [[filter]] needs a type: milter, rspamd or clamd");
  if (table.find("address") == nullptr)
    read.error(table, "a [[filter]] needs an address, such as \"unix:/run/filter.sock\" or \"inet:127.0.0.1:8891\"");
  if (type != nullptr && table.find("name") == nullptr) options.name = type->text;
  if (options.name.empty() || options.name.size() > 40 || !std::ranges::all_of(options.name, [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
      }))
    read.error(table, "the name of a [[filter]] is 1 to 40 letters, digits, \"-\", \"_\" and \".\"");
  if (options.kind == Kind::clamd && table.find("max_size") == nullptr)
    options.max_size = 25u << 20; // clamd's own StreamMaxLength
  check_kind(read, table, options.kind);
}

void compare_filter(Reader& read, const Node& table, FilterConfig& filter, const Config& config) {
  for (const FilterConfig& other : config.filters)
    if (other.options.name == filter.options.name)
      read.error(table, fmt::format("another [[filter]] has the name \"{}\" too: give it a name of its own",
                                    printable(filter.options.name, 60)));
}

} // namespace

const List<FilterConfig> kFilterSettings = {
      .each =
          {.name = "filter",
           .settings =
               {
                   {.key = "type",
                    .value = word(AT(FilterConfig, options.kind), Kind::milter,
                                  {{"milter", Kind::milter}, {"rspamd", Kind::rspamd}, {"clamd", Kind::clamd}}),
                    .required = true,
                    .text = R"(`"milter"`, `"rspamd"` or `"clamd"`)"},
                   {.key = "address",
                    .value = address(),
                    .required = true,
                    .text =
                        R"(`"unix:/path"` or `"inet:host:port"`. The server's user must be allowed to open the socket; names
             are looked up in the DNS, `localhost` is known)"},
                   {.key = "name",
                    .value = text(AT(FilterConfig, options.name), ""),
                    .otherwise = "the type",
                    .text = "in the log and the trail; unique"},
                   {.key = "applies_to",
                    .value = roles(),
                    .text = R"(listeners whose mail it sees: `"mx"`, `"submission"`, `"lmtp"`)"},
                   {.key = "when_away",
                    .value =
                        word(AT(FilterConfig, options.when_away), Away::defer, {{"accept", Away::accept}, {"defer", Away::defer}}),
                    .text = R"(what happens to mail while the filter fails: `"defer"` (451) or `"accept"`)"},
                   {.key = "timeout",
                    .value = duration(AT(FilterConfig, options.timeout), 30s, 1s),
                    .text = "for each step: connecting, a question with its answer, a piece of content"},
                   {.key = "total_timeout",
                    .value = duration(AT(FilterConfig, options.total_timeout), 5min, 1s),
                    .text = "for all steps with the content of one message"},
                   {.key = "max_size",
                    .value = size(AT(FilterConfig, options.max_size), 0, 0, 2ull << 30),
                    .otherwise = "clamd `\"25MiB\"`, rspamd `0`",
                    .text = "larger messages pass the filter by; `0`: none do. Not for milters"},
                   {.key = "reject",
                    .value = word(AT(FilterConfig, options.bad), Deed::refuse, kDeeds),
                    .text = R"(rspamd: what its action "reject" does: `"refuse"` (550), `"hold"`, or `"tag"`)"},
                   {.key = "greylist",
                    .value = word(AT(FilterConfig, options.defer_greylisted), false, {{"accept", false}, {"defer", true}}),
                    .text = R"(rspamd: its action "greylist": `"accept"`, or `"defer"` (451))"},
                   {.key = "found",
                    .value = word(AT(FilterConfig, options.bad), Deed::refuse, kDeeds),
                    .text =
                        R"(clamd: what happens to what it finds something in: `"refuse"` (550), `"hold"`, or `"tag"`)"},
               },
           .check = check_filter},
      .items = [](Config& config) -> auto& { return config.filters; },
      .compare = compare_filter,
      .most = 20,
};

} // namespace paquebot::app
