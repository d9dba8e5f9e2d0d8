#include "app/config.h"

#include "app/config_reader.h"
#include "base/text.h"
#include "mail/address.h"
#include "net/endpoint.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <toml++/toml.h>
#include <unistd.h>

namespace paquebot::app {
namespace {

/// Reads keys of tables, remembers every error with its line, and finds keys that nobody asked for.
class Reader {
public:
  Reader(std::string file, const FileSource& files) : file_(std::move(file)), files_(files) {}

  void error(std::uint32_t line, std::string_view what) {
    errors_.push_back(fmt::format("{}:{}: {}", file_, line, what));
  }
  void error(const toml::node& node, std::string_view what) { error(node.source().begin.line, what); }
  bool ok() const { return errors_.empty(); }
  std::string errors() const { return fmt::format("{}", fmt::join(errors_, "\n")); }

  /// Complains about keys of `table` that are not known.
  void only(const toml::table& table, std::string_view name, const std::vector<std::string_view>& known) {
    for (const auto& [key, node] : table) {
      if (std::ranges::find(known, key.str()) != known.end()) continue;
      std::string meant = nearest(key.str(), known);
      error(key.source().begin.line, fmt::format("unknown key \"{}\" in {}{}", printable(key.str(), 60), name,
                                                 meant.empty() ? fmt::format("; known are {}", fmt::join(known, ", "))
                                                               : fmt::format(": do you mean \"{}\"?", meant)));
    }
  }

  void text(const toml::table& table, std::string_view key, std::string& into) {
    with<std::string>(table, key, "a text in quotes",
                      [&](const std::string& value, const toml::node&) { into = value; });
  }

  void flag(const toml::table& table, std::string_view key, bool& into) {
    with<bool>(table, key, "true or false", [&](bool value, const toml::node&) { into = value; });
  }

  template <class I>
  void number(const toml::table& table, std::string_view key, std::int64_t least, std::int64_t most, I& into) {
    with<std::int64_t>(table, key, "a number", [&](std::int64_t value, const toml::node& node) {
      if (value < least || value > most)
        error(node, fmt::format("{} = {} is out of bounds: from {} to {}", key, value, least, most));
      else
        into = static_cast<I>(value);
    });
  }

  void duration(const toml::table& table, std::string_view key, std::chrono::seconds least,
                std::chrono::seconds& into) {
    scaled(table, key, "a duration such as \"30s\", \"5m\", \"4h\" or \"5d\"",
           [&](std::string_view value, const toml::node& node) {
             auto parsed = parse_duration(value);
             if (!parsed) return false;
             if (*parsed < least)
               error(node, fmt::format("{} = {} is too short: at least {} seconds", key, value, least.count()));
             else
               into = *parsed;
             return true;
           });
  }

  void size(const toml::table& table, std::string_view key, std::uint64_t least, std::uint64_t most,
            std::uint64_t& into) {
    scaled(table, key, "a size such as \"50MiB\"", [&](std::string_view value, const toml::node& node) {
      auto parsed = parse_size(value);
      if (!parsed) return false;
      if (*parsed < least || *parsed > most)
        error(node, fmt::format("{} = {} is out of bounds: from {} to {} octets", key, value, least, most));
      else
        into = *parsed;
      return true;
    });
  }

  /// One of a few words.
  template <class T>
  void choice(const toml::table& table, std::string_view key, const std::vector<std::pair<std::string_view, T>>& words,
              T& into) {
    with<std::string>(table, key, "a word in quotes", [&](const std::string& value, const toml::node& node) {
      std::vector<std::string_view> known;
      for (const auto& [word, meaning] : words) {
        known.push_back(word);
        if (word == value) {
          into = meaning;
          return;
        }
      }
      error(node,
            fmt::format("{} = \"{}\" is not known: use one of {}", key, printable(value, 60), fmt::join(known, ", ")));
    });
  }

  void texts(const toml::table& table, std::string_view key, std::vector<std::string>& into) {
    const toml::node* node = table.get(key);
    if (!node) return;
    const toml::array* array = node->as_array();
    if (!array) {
      error(*node, fmt::format("{} must be a list of texts, such as [\"…\"]", key));
      return;
    }
    into.clear();
    for (const toml::node& one : *array) {
      if (auto value = one.value_exact<std::string>())
        into.push_back(*value);
      else
        error(one, fmt::format("{} must be a list of texts", key));
    }
  }

  /// What the file named by `key` holds; "" without the key.
  std::string contents(const toml::table& table, std::string_view key) {
    std::string path;
    text(table, key, path);
    if (path.empty()) return path;
    auto bytes = files_(path);
    if (bytes) return *bytes;
    error(*table.get(key), fmt::format("can't read {} = \"{}\": {}", key, printable(path, 200), bytes.error().message));
    return std::string();
  }

private:
  template <class T, class F>
  void with(const toml::table& table, std::string_view key, std::string_view form, F use) {
    const toml::node* node = table.get(key);
    if (!node) return;
    if (auto value = node->value_exact<T>())
      use(*value, *node);
    else
      error(*node, fmt::format("{} must be {}", key, form));
  }

  template <class F>
  void scaled(const toml::table& table, std::string_view key, std::string_view form, F use) {
    const toml::node* node = table.get(key);
    if (!node) return;
    std::string value;
    if (auto words = node->value_exact<std::string>())
      value = *words;
    else if (auto number = node->value_exact<std::int64_t>(); number && *number >= 0)
      value = std::to_string(*number);
    if (value.empty() || !use(value, *node)) error(*node, fmt::format("{} must be {}", key, form));
  }

  std::string file_;
  const FileSource& files_;
  std::vector<std::string> errors_;
};

const toml::table kNothing;

const toml::table& section(Reader& read, const toml::table& root, std::string_view name) {
  const toml::node* node = root.get(name);
  if (!node) return kNothing;
  if (const toml::table* table = node->as_table()) return *table;
  read.error(*node, fmt::format("{} must be a section: write [{}] on a line of its own", name, name));
  return kNothing;
}

/// The tables of [[name]].
std::vector<const toml::table*> sections(Reader& read, const toml::table& root, std::string_view name) {
  std::vector<const toml::table*> found;
  const toml::node* node = root.get(name);
  if (!node) return found;
  const toml::array* array = node->as_array();
  if (array)
    for (const toml::node& one : *array)
      if (const toml::table* table = one.as_table()) found.push_back(table);
  if (found.empty())
    read.error(*node, fmt::format("{} must be written as [[{}]] on a line of its own, once for each", name, name));
  return found;
}

void read_server(Reader& read, const toml::table& root, Config& config) {
  const toml::table& t = section(read, root, "server");
  read.only(t, "[server]",
            {"hostname", "data_dir", "store", "user", "threads", "control_socket", "drop_dir", "log_format",
             "log_level", "log_file"});
  read.text(t, "hostname", config.hostname);
  read.text(t, "data_dir", config.data_dir);
  read.text(t, "user", config.user);
  read.text(t, "control_socket", config.control_socket);
  read.text(t, "drop_dir", config.drop_dir);
  read.text(t, "log_file", config.log_file);
  read.number(t, "threads", 1, 256, config.threads);
  bool sqlite = true;
  read.choice<bool>(t, "store", {{"sqlite", true}}, sqlite);
  read.choice<log::Format>(t, "log_format", {{"text", log::Format::key_value}, {"json", log::Format::json}},
                           config.log_format);
  read.choice<log::Level>(t, "log_level",
                          {{"debug", log::Level::debug},
                           {"info", log::Level::info},
                           {"warning", log::Level::warning},
                           {"error", log::Level::error}},
                          config.log_level);
  if (const toml::node* node = t.get("hostname")) {
    auto name = mail::normalize_domain(config.hostname);
    if (!name)
      read.error(*node, "hostname is not a domain name: " + name.error().message);
    else
      config.hostname = *name;
  } else {
    char name[256] = {};
    ::gethostname(name, sizeof name - 1);
    auto normal = mail::normalize_domain(name);
    config.hostname = normal ? *normal : "localhost";
  }
  if (config.control_socket.empty()) config.control_socket = config.data_dir + "/control.sock";
  if (config.drop_dir.empty()) config.drop_dir = config.data_dir + "/drop";
}

void read_listeners(Reader& read, const toml::table& root, Config& config) {
  using Role = service::ListenerRole;
  using Tls = ListenerConfig::Tls;
  for (const toml::table* t : sections(read, root, "listener")) {
    read.only(*t, "[[listener]]", {"role", "address", "tls", "login_in_clear"});
    ListenerConfig listener;
    if (!t->get("role")) read.error(*t, "a [[listener]] needs a role: mx, submission or pop3");
    if (!t->get("address")) read.error(*t, "a [[listener]] needs an address, such as \"0.0.0.0:25\"");
    read.choice<Role>(*t, "role", {{"mx", Role::mx}, {"submission", Role::submission}, {"pop3", Role::pop3}},
                      listener.role);
    read.text(*t, "address", listener.address);
    read.choice<Tls>(*t, "tls", {{"none", Tls::none}, {"starttls", Tls::starttls}, {"implicit", Tls::implicit}},
                     listener.tls);
    read.flag(*t, "login_in_clear", listener.login_in_clear);
    if (listener.role != Role::mx && listener.tls == Tls::none && !listener.login_in_clear)
      read.error(*t,
                 "nobody can log in on this listener: set tls = \"starttls\", or login_in_clear = true on loopback");
    for (const ListenerConfig& other : config.listeners)
      if (other.address == listener.address && !listener.address.ends_with(":0"))
        read.error(*t, fmt::format("the address {} is used by another listener already", listener.address));
    config.listeners.push_back(std::move(listener));
  }
  if (!root.get("listener"))
    config.listeners = {{Role::mx, "[::]:25", Tls::starttls},
                        {Role::submission, "[::]:587", Tls::starttls},
                        {Role::submission, "[::]:465", Tls::implicit},
                        {Role::pop3, "[::]:110", Tls::starttls},
                        {Role::pop3, "[::]:995", Tls::implicit}};
}

void read_route_host(Reader& read, const toml::table& t, queue::Route& route) {
  std::string host;
  read.text(t, "host", host);
  const toml::node* node = t.get("host");
  if (!node) {
    read.error(t, "a [[route]] needs a host, such as \"smtp.isp.example:587\"");
    return;
  }
  auto colon = host.rfind(':');
  bool bracketed = host.starts_with('[');
  if (bracketed ? host.find("]:") == std::string::npos : host.find(':') != colon) colon = std::string::npos;
  if (colon != std::string::npos) {
    auto port = parse_u64(std::string_view(host).substr(colon + 1));
    if (!port || *port == 0 || *port > 65535)
      read.error(*node, "the port in host = \"" + printable(host, 80) + "\" is not between 1 and 65535");
    else
      route.port = static_cast<std::uint16_t>(*port);
    host.resize(colon);
  } else if (route.tls == queue::RouteTls::implicit) {
    route.port = 465;
  }
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host.empty()) read.error(*node, "host is empty");
  route.host = host;
}

void read_routes(Reader& read, const toml::table& root, Config& config) {
  using queue::RouteTls;
  std::vector<queue::Route> routes;
  for (const toml::table* t : sections(read, root, "route")) {
    read.only(*t, "[[route]]", {"name", "to", "host", "tls", "verify", "ca_file", "user", "password_file"});
    queue::Route route;
    route.to = "*";
    read.text(*t, "to", route.to);
    read.text(*t, "name", route.name);
    read.choice<RouteTls>(*t, "tls",
                          {{"none", RouteTls::none},
                           {"opportunistic", RouteTls::opportunistic},
                           {"required", RouteTls::required},
                           {"implicit", RouteTls::implicit}},
                          route.tls);
    read.flag(*t, "verify", route.verify);
    read.text(*t, "user", route.user);
    route.ca_pem = read.contents(*t, "ca_file");
    route.password = std::string(trim(read.contents(*t, "password_file")));
    read_route_host(read, *t, route);
    if (route.to != "*") {
      bool suffix = route.to.starts_with('.');
      auto domain = mail::normalize_domain(suffix ? route.to.substr(1) : route.to);
      if (domain)
        route.to = (suffix ? "." : "") + *domain;
      else
        read.error(*t->get("to"),
                   "to must be \"*\", a domain, or \".domain\" for its sub-domains: " + domain.error().message);
    }
    if (!route.user.empty() && route.password.empty()) read.error(*t, "a [[route]] with a user needs a password_file");
    if (route.name.empty()) route.name = route.to;
    for (const queue::Route& other : routes)
      if (other.name == route.name || other.to == route.to)
        read.error(*t, fmt::format("there is another [[route]] with the same name or the same to = \"{}\"", route.to));
    routes.push_back(std::move(route));
  }
  config.queue.routes = queue::RouteTable(std::move(routes));
}

void read_queue(Reader& read, const toml::table& root, Config& config) {
  using std::chrono::seconds;
  const toml::table& t = section(read, root, "queue");
  read.only(t, "[queue]",
            {"retry_first", "retry_most", "lifetime", "delay_notice", "deliveries", "deliveries_per_destination"});
  read.duration(t, "retry_first", seconds(1), config.queue.schedule.first);
  read.duration(t, "retry_most", seconds(1), config.queue.schedule.most);
  read.duration(t, "lifetime", seconds(1), config.queue.schedule.lifetime);
  read.duration(t, "delay_notice", seconds(0), config.queue.schedule.delay_notice);
  read.number(t, "deliveries", 1, 10000, config.queue.workers_total);
  read.number(t, "deliveries_per_destination", 1, 1000, config.queue.workers_per_destination);
  const toml::table& d = section(read, root, "delivery");
  read.only(d, "[delivery]", {"port", "source_address", "connect_timeout"});
  read.number(d, "port", 1, 65535, config.connector.port);
  read.text(d, "source_address", config.connector.source_address);
  read.duration(d, "connect_timeout", seconds(1), config.connector.connect_timeout);
}

void read_account_limits(Reader& read, const toml::table& limits, Config& config) {
  config.account_limits = default_limits();
  const toml::table& t = section(read, limits, "account");
  std::vector<std::string_view> known;
  for (const store::LimitKind kind : store::kLimitKinds) known.push_back(store::name_of(kind));
  read.only(t, "[limits.account]", known);
  for (const store::LimitKind kind : store::kLimitKinds) {
    std::uint64_t& most = config.account_limits[kind];
    if (kind == store::LimitKind::bytes_per_day)
      read.size(t, store::name_of(kind), 0, 1ull << 50, most);
    else
      read.number(t, store::name_of(kind), 0, 1'000'000'000, most);
  }
}

void read_limits(Reader& read, const toml::table& root, Config& config) {
  using std::chrono::seconds;
  const toml::table& t = section(read, root, "limits");
  read.only(t, "[limits]",
            {"message_size", "recipients", "errors", "commands", "hops", "connections", "connections_per_address",
             "command_timeout", "data_timeout", "message_timeout", "pop3_idle_timeout", "account", "hold",
             "deliver_by"});
  read_account_limits(read, t, config);
  read.size(t, "message_size", 64u << 10, 2ull << 30, config.message_size);
  read.number(t, "recipients", 100, 100000, config.max_recipients);
  read.number(t, "errors", 1, 100000, config.max_errors);
  read.number(t, "commands", 10, 10000000, config.max_commands);
  read.number(t, "hops", 5, 1000, config.max_hops);
  read.number(t, "connections", 1, 1000000, config.gate.total);
  read.number(t, "connections_per_address", 1, 1000000, config.gate.per_address);
  read.duration(t, "command_timeout", seconds(1), config.command_timeout);
  read.duration(t, "data_timeout", seconds(1), config.data_timeout);
  read.duration(t, "message_timeout", seconds(1), config.message_timeout);
  read.duration(t, "pop3_idle_timeout", seconds(1), config.pop3_idle_timeout);
  read.duration(t, "hold", seconds(0), config.hold_most);
  read.duration(t, "deliver_by", seconds(1), config.deliver_by_least);
}

void read_extensions(Reader& read, const toml::table& root, Config& config) {
  const toml::table& t = section(read, root, "extensions");
  read.only(t, "[extensions]", {"priority_policy", "etrn_hosts"});
  read.text(t, "priority_policy", config.priority_policy);
  const auto in_name = [](char c) { // RFC 6710 section 7, priority-profile
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_' ||
           c == '.';
  };
  if (config.priority_policy.size() > 20 || !std::ranges::all_of(config.priority_policy, in_name))
    read.error(*t.get("priority_policy"), "priority_policy is a name of at most 20 letters, digits, '-', '_' and '.'");
  read.texts(t, "etrn_hosts", config.etrn_hosts);
  for (const std::string& host : config.etrn_hosts)
    if (!net::is_ip_address(host))
      read.error(*t.get("etrn_hosts"), fmt::format("\"{}\" in etrn_hosts is not an IP address", printable(host, 60)));
}

void read_rest(Reader& read, const toml::table& root, Config& config) {
  const toml::table& tls = section(read, root, "tls");
  read.only(tls, "[tls]", {"certificate", "key"});
  read.text(tls, "certificate", config.certificate);
  read.text(tls, "key", config.key);
  config.certificate_pem = read.contents(tls, "certificate");
  config.key_pem = read.contents(tls, "key");
  if (config.certificate.empty() != config.key.empty())
    read.error(tls, "[tls] needs both certificate and key, or neither for a self-signed one");
  const toml::table& dns = section(read, root, "dns");
  read.only(dns, "[dns]", {"resolvers", "trust_anchor"});
  read.texts(dns, "resolvers", config.dns.resolvers);
  read.text(dns, "trust_anchor", config.dns.trust_anchor);
}

} // namespace

store::Limits default_limits() {
  using enum store::LimitKind;
  store::Limits limits;
  limits[messages_per_hour] = 300;
  limits[messages_per_day] = 1500;
  limits[recipients_per_message] = 500;
  limits[recipients_per_day] = 2000;
  limits[new_recipients_per_day] = 500;
  limits[bytes_per_day] = 2ull << 30;
  return limits;
}

Result<std::string> read_file(const std::string& path) {
  constexpr std::size_t most = 4u << 20;
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(errno == EACCES ? Errc::permission : Errc::not_found, std::strerror(errno));
  std::string text;
  char piece[8192];
  while (in.read(piece, sizeof piece) || in.gcount() > 0) {
    text.append(piece, static_cast<std::size_t>(in.gcount()));
    if (text.size() > most) return fail(Errc::invalid, "it is larger than 4 MiB");
  }
  if (in.bad()) return fail(Errc::io, "reading it failed");
  return text;
}

Result<Config> load_config(const std::string& path, const FileSource& files) {
  auto text = files(path);
  if (!text)
    return fail(text.error().code, "can't read the configuration file " + path + ": " + text.error().message +
                                       "; make one (docs/configuration.md) or name it with --config FILE");
  toml::table root;
  try {
    root = toml::parse(*text, path);
  } catch (const toml::parse_error& error) {
    return fail(Errc::invalid, fmt::format("{}:{}: {}", path, error.source().begin.line, error.description()));
  }
  Config config;
  config.file = path;
  Reader read(path, files);
  read.only(root, "the file",
            {"server", "listener", "tls", "dns", "route", "queue", "delivery", "limits", "extensions"});
  read_server(read, root, config);
  read_listeners(read, root, config);
  read_routes(read, root, config);
  read_queue(read, root, config);
  read_limits(read, root, config);
  read_extensions(read, root, config);
  read_rest(read, root, config);
  if (!read.ok()) return fail(Errc::invalid, read.errors());
  config.connector.hostname = config.hostname;
  return config;
}

std::vector<std::string> restart_keys(const Config& before, const Config& after) {
  std::vector<std::string> keys;
  auto compare = [&](const auto& a, const auto& b, const char* key) {
    if (a != b) keys.emplace_back(key);
  };
  compare(before.hostname, after.hostname, "server.hostname");
  compare(before.data_dir, after.data_dir, "server.data_dir");
  compare(before.user, after.user, "server.user");
  compare(before.threads, after.threads, "server.threads");
  compare(before.control_socket, after.control_socket, "server.control_socket");
  compare(before.drop_dir, after.drop_dir, "server.drop_dir");
  compare(before.log_file, after.log_file, "server.log_file");
  compare(before.dns.resolvers, after.dns.resolvers, "dns.resolvers");
  compare(before.dns.trust_anchor, after.dns.trust_anchor, "dns.trust_anchor");
  compare(before.connector.port, after.connector.port, "delivery.port");
  compare(before.connector.source_address, after.connector.source_address, "delivery.source_address");
  compare(before.connector.connect_timeout, after.connector.connect_timeout, "delivery.connect_timeout");
  auto addresses = [](const Config& config) {
    std::vector<std::pair<int, std::string>> all;
    for (const ListenerConfig& listener : config.listeners)
      all.emplace_back(static_cast<int>(listener.role), listener.address);
    return all;
  };
  compare(addresses(before), addresses(after), "listener.address");
  return keys;
}

} // namespace paquebot::app
