#include "app/config.h"

#include "app/settings.h"
#include "app/shipped_providers.h"

#include <algorithm>
#include <fmt/format.h>

namespace paquebot::app {
namespace {

std::string_view name_of(const Section<Config>& section) { return section.name; }
template <class Item>
std::string_view name_of(const List<Item>& list) {
  return list.each.name;
}
std::string_view name_of(const AnySection& any) {
  return std::visit([](const auto& section) { return name_of(section); }, any);
}

/// Those of the whole file, or of the sections within [name].
std::vector<std::string_view> sections_within(std::string_view name) {
  std::vector<std::string_view> found;
  for (const AnySection& any : settings()) {
    const std::string_view one = name_of(any);
    const auto dot = one.find('.');
    if (name.empty() && dot == std::string_view::npos) found.push_back(one);
    if (!name.empty() && dot == name.size() && one.starts_with(name)) found.push_back(one.substr(dot + 1));
  }
  return found;
}

/// The keys of one table, each for itself, then together.
/// `name` is the section's, with the number of a list's item: for `lines`.
template <class Owner>
void read_table(Reader& read, const Node& table, const Section<Owner>& section, std::string_view shown, Owner& owner,
                const std::string& name, Lines& lines) {
  std::vector<std::string_view> known;
  for (const Setting<Owner>& setting : section.settings) setting.value.reset(owner); // two keys may lead to one member
  for (const Setting<Owner>& setting : section.settings) {
    known.push_back(setting.key);
    const Node* node = table.find(setting.key);
    if (node == nullptr) continue;
    lines[fmt::format("{}.{}", name, setting.key)] = node->key_line;
    setting.value.read(read, *node, owner);
  }
  for (const std::string_view name : sections_within(section.name)) known.push_back(name);
  read.only(table, shown, known);
  if (section.check != nullptr) section.check(read, table, owner);
}

void read_section(Reader& read, const Node& root, const Section<Config>& section, Config& config) {
  Lines lines;
  read_table(read, read.section(root, section.name), section, fmt::format("[{}]", section.name), config,
             std::string(section.name), lines);
  config.lines.merge(lines);
}

template <class Item>
void read_section(Reader& read, const Node& root, const List<Item>& list, Config& config) {
  const std::string shown = fmt::format("[[{}]]", list.each.name);
  std::vector<Item>& items = list.items(config);
  std::size_t number = 0;
  for (const Node* table : read.sections(root, list.each.name)) {
    Item item;
    read_table(read, *table, list.each, shown, item, fmt::format("{}.{}", list.each.name, ++number), config.lines);
    if (list.compare != nullptr) list.compare(read, *table, item, config);
    items.push_back(std::move(item));
  }
  const Node* written = root.find(list.each.name);
  if (written == nullptr) items = list.standard;
  if (list.most > 0 && items.size() > list.most) read.error(*written, fmt::format("more than {} {}", list.most, shown));
}

/// What follows from several sections.
void finish(Config& config) {
  service::Snapshot& snapshot = config.snapshot;
  for (FilterConfig& filter : config.filters) filter.options.max_new_body = snapshot.intake.max_message_size;
  std::vector<queue::Route> routes;
  routes.reserve(config.routes.size());
  for (const RouteConfig& one : config.routes) routes.push_back(one.route);
  snapshot.queue.routes = queue::RouteTable(std::move(routes));
  if (!config.sources.empty())
    snapshot.queue.sources = std::make_shared<const queue::Sources>(config.sources, config.pools);
  config.smtp.session.max_message_size = snapshot.intake.max_message_size;
  config.pop3.session.max_errors = config.smtp.session.max_errors;
  config.pop3.session.expire_days = snapshot.expire_days;
  config.imap.session.max_errors = config.smtp.session.max_errors;
  config.imap.session.max_message = snapshot.intake.max_message_size;
}

void compare(const Section<Config>& section, const Config& before, const Config& after,
             std::vector<std::string>& keys) {
  for (const Setting<Config>& setting : section.settings)
    if (setting.restart && setting.value.write(before) != setting.value.write(after))
      keys.push_back(fmt::format("{}.{}", section.name, setting.key));
}

/// Of each key those values that are not the default, in their order.
template <class Item>
void compare(const List<Item>& list, const Config& before, const Config& after, std::vector<std::string>& keys) {
  for (const Setting<Item>& setting : list.each.settings) {
    if (!setting.restart) continue;
    const auto values_of = [&](const Config& config) {
      Item standard;
      setting.value.reset(standard);
      std::vector<std::string> values;
      for (const Item& item : list.items(const_cast<Config&>(config)))
        if (std::string value = setting.value.write(item); setting.required || value != setting.value.write(standard))
          values.push_back(std::move(value));
      return values;
    };
    if (values_of(before) != values_of(after)) keys.push_back(fmt::format("{}.{}", list.each.name, setting.key));
  }
}

} // namespace

Result<Config> load_config(const std::string& path, const FileSource& files) {
  auto text = files(path);
  if (!text)
    return fail(text.error().code, "can't read the configuration file " + path + ": " + text.error().message +
                                       "; make one (docs/configuration.md) or name it with --config FILE");
  const auto root = parse_toml(*text, path);
  if (!root) return std::unexpected(root.error());
  Config config;
  config.file = path;
  Reader read(path, files);
  read.only(*root, "the file", sections_within(""));
  for (const AnySection& any : settings())
    std::visit([&](const auto& section) { read_section(read, *root, section, config); }, any);
  if (!read.ok()) return fail(Errc::invalid, read.errors());
  finish(config);
  config.warnings = read.warnings();
  return config;
}

Result<std::vector<queue::Provider>> parse_providers(std::string_view text, const std::string& path) {
  const auto root = parse_toml(text, path);
  if (!root) return std::unexpected(root.error());
  Reader read(path, [](const std::string&) { return Result<std::string>(""); });
  read.only(*root, "the file", {kProviderSettings.each.name});
  Config config;
  read_section(read, *root, kProviderSettings, config);
  if (!read.ok()) return fail(Errc::invalid, read.errors());
  return std::move(config.providers);
}

std::vector<CertificateConfig> certificates_of(const Config& config) {
  std::vector<CertificateConfig> all;
  if (!config.tls.certificate_file.empty()) all.push_back(config.tls);
  all.insert(all.end(), config.certificates.begin(), config.certificates.end());
  return all;
}

Result<> read_providers(Config& config) {
  const bool own = !config.providers_file.empty();
  const std::string path = own ? config.providers_file : "providers.toml";
  auto known = parse_providers(own ? std::string_view(config.providers_text) : shipped_providers(), path);
  if (!known) return std::unexpected(known.error());
  std::vector<queue::Provider> all = config.providers; // these are asked first
  for (queue::Provider& one : *known)
    if (std::ranges::find(config.providers, one.name, &queue::Provider::name) == config.providers.end())
      all.push_back(std::move(one));
  config.snapshot.queue.providers = std::make_shared<const queue::Providers>(std::move(all));
  return {};
}

Result<> read_issuer(Config& config) {
  if (config.token_rules.issuer.empty()) return {};
  auto keys = directory::KeySet::parse(config.jwks);
  if (!keys) return fail(Errc::invalid, "[oauth] jwks_file: " + keys.error().message);
  config.snapshot.issuer = std::make_shared<directory::TokenIssuer>(std::move(*keys), config.token_rules);
  return {};
}

std::vector<std::string> restart_keys(const Config& before, const Config& after) {
  std::vector<std::string> keys;
  for (const AnySection& any : settings())
    std::visit([&](const auto& section) { compare(section, before, after, keys); }, any);
  return keys;
}

} // namespace paquebot::app
