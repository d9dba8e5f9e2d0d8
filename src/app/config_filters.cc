#include "app/config_filters.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace paquebot::app {
namespace {

using filter::Away;
using filter::Deed;
using filter::Kind;

/// Keys that count for one kind of filter only.
void check_kind(Reader& read, const toml::table& t, Kind kind) {
  const auto only_for = [&](std::string_view key, Kind wanted, std::string_view name) {
    if (const toml::node* node = t.get(key); node != nullptr && kind != wanted)
      read.error(*node, fmt::format("{} is for filters of the type \"{}\"", key, name));
  };
  only_for("found", Kind::clamd, "clamd");
  only_for("reject", Kind::rspamd, "rspamd");
  only_for("greylist", Kind::rspamd, "rspamd");
  if (const toml::node* node = t.get("max_size"); node != nullptr && kind == Kind::milter)
    read.error(*node, "max_size is for filters of the types \"rspamd\" and \"clamd\"");
}

void read_roles(Reader& read, const toml::table& t, FilterConfig& filter) {
  using Role = service::ListenerRole;
  std::vector<std::string> names;
  read.texts(t, "applies_to", names);
  if (!t.get("applies_to")) return;
  filter.roles.clear();
  for (const std::string& name : names) {
    if (name == "mx")
      filter.roles.push_back(Role::mx);
    else if (name == "submission")
      filter.roles.push_back(Role::submission);
    else if (name == "lmtp")
      filter.roles.push_back(Role::lmtp);
    else
      read.error(*t.get("applies_to"),
                 fmt::format("\"{}\" in applies_to is not known: use mx, submission or lmtp", printable(name, 60)));
  }
}

void read_place(Reader& read, const toml::table& t, filter::Options& options) {
  std::string address;
  read.text(t, "address", address);
  const toml::node* node = t.get("address");
  if (!node) {
    read.error(t, "a [[filter]] needs an address, such as \"unix:/run/filter.sock\" or \"inet:127.0.0.1:8891\"");
    return;
  }
  auto place = filter::parse_place(address);
  if (place)
    options.place = std::move(*place);
  else
    read.error(*node, "address: " + place.error().message);
}

void read_times(Reader& read, const toml::table& t, filter::Options& options) {
  using std::chrono::duration_cast;
  using std::chrono::seconds;
  seconds step = duration_cast<seconds>(options.timeout), total = duration_cast<seconds>(options.total_timeout);
  read.duration(t, "timeout", seconds(1), step);
  read.duration(t, "total_timeout", seconds(1), total);
  options.timeout = step;
  options.total_timeout = total;
}

FilterConfig read_filter(Reader& read, const toml::table& t, const Config& config) {
  FilterConfig filter;
  filter::Options& options = filter.options;
  if (!t.get("type")) read.error(t, "a [[filter]] needs a type: milter, rspamd or clamd");
  read.choice<Kind>(t, "type", {{"milter", Kind::milter}, {"rspamd", Kind::rspamd}, {"clamd", Kind::clamd}},
                    options.kind);
  read.text(t, "type", options.name); // unless it has a name of its own
  read.text(t, "name", options.name);
  if (options.name.empty() || options.name.size() > 40 || !std::ranges::all_of(options.name, [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
      }))
    read.error(t, "the name of a [[filter]] is 1 to 40 letters, digits, \"-\", \"_\" and \".\"");
  read_place(read, t, options);
  read_times(read, t, options);
  read_roles(read, t, filter);
  read.choice<Away>(t, "when_away", {{"accept", Away::accept}, {"defer", Away::defer}}, options.when_away);
  if (options.kind == Kind::clamd) options.max_size = 25u << 20; // clamd's own StreamMaxLength
  read.size(t, "max_size", 0, 2ull << 30, options.max_size);
  check_kind(read, t, options.kind);
  const std::vector<std::pair<std::string_view, Deed>> deeds{
      {"refuse", Deed::refuse}, {"hold", Deed::hold}, {"tag", Deed::tag}};
  read.choice<Deed>(t, options.kind == Kind::clamd ? "found" : "reject", deeds, options.bad);
  read.choice<bool>(t, "greylist", {{"accept", false}, {"defer", true}}, options.defer_greylisted);
  options.max_new_body = config.message_size;
  return filter;
}

} // namespace

void read_filters(Reader& read, const toml::table& root, Config& config) {
  constexpr std::size_t most = 20;
  for (const toml::table* t : sections(read, root, "filter")) {
    read.only(*t, "[[filter]]",
              {"name", "type", "address", "timeout", "total_timeout", "when_away", "applies_to", "max_size", "found",
               "reject", "greylist"});
    FilterConfig filter = read_filter(read, *t, config);
    for (const FilterConfig& other : config.filters)
      if (other.options.name == filter.options.name)
        read.error(*t, fmt::format("another [[filter]] has the name \"{}\" too: give it a name of its own",
                                   printable(filter.options.name, 60)));
    config.filters.push_back(std::move(filter));
  }
  if (config.filters.size() > most) read.error(*root.get("filter"), fmt::format("more than {} filters", most));
}

std::shared_ptr<const filter::Chain> filters_for(const Config& config, service::ListenerRole role) {
  auto chain = std::make_shared<filter::Chain>();
  for (const FilterConfig& filter : config.filters)
    if (std::ranges::find(filter.roles, role) != filter.roles.end()) chain->push_back(filter.options);
  return chain->empty() ? nullptr : chain;
}

} // namespace paquebot::app
