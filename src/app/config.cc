#include "app/config.h"

#include "app/config_filters.h"
#include "app/config_permission.h"
#include "app/config_reader.h"
#include "app/guard_reader.h"
#include "app/processors.h"
#include "app/toml_reader.h"
#include "base/text.h"
#include "mail/address.h"
#include "net/endpoint.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <unistd.h>

namespace paquebot::app {
namespace {

void read_server(Reader& read, const toml::table& root, Config& config) {
  const toml::table& t = section(read, root, "server");
  read.only(t, "[server]",
            {"hostname", "origin", "data_dir", "store", "user", "threads", "control_socket", "drop_dir", "log_format",
             "log_level", "log_file", "sandbox", "backup_dirs", "new_domain_grace"});
  read.text(t, "hostname", config.hostname);
  read_place(read, t, "data_dir", config.data_dir);
  if (config.data_dir.empty())
    read.error(*t.get("data_dir"), "data_dir is empty: name a directory, or leave the key out");
  read.text(t, "user", config.user);
  read_place(read, t, "control_socket", config.control_socket);
  read_place(read, t, "drop_dir", config.drop_dir);
  read_place(read, t, "log_file", config.log_file);
  read.number(t, "threads", 1, 256, config.threads);
  read.flag(t, "sandbox", config.sandbox);
  read.texts(t, "backup_dirs", config.backup_dirs);
  for (const std::string& folder : config.backup_dirs)
    if (!folder.starts_with('/'))
      read.error(*t.get("backup_dirs"),
                 fmt::format("\"{}\" in backup_dirs does not begin with \"/\"", printable(folder, 60)));
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
  read_origin(read, t, config);
  if (config.control_socket.empty()) config.control_socket = config.data_dir + "/control.sock";
  if (config.drop_dir.empty()) config.drop_dir = config.data_dir + "/drop";
  check_hostname(read, t, config.hostname);
  check_places(read, t, config);
}

/// Lists of networks, and what a local socket has.
void read_peers(Reader& read, const toml::table& t, ListenerConfig& listener) {
  read.networks(t, "proxy_protocol_from", listener.proxy_protocol_from);
  read.networks(t, "xclient_from", listener.xclient_from);
  read.networks(t, "accept_from", listener.accept_from);
  const bool smtp = listener.role == service::ListenerRole::mx || listener.role == service::ListenerRole::submission;
  if (!smtp && !listener.xclient_from.empty())
    read.error(*t.get("xclient_from"), "xclient_from is for the roles mx and submission");
  read.number(t, "socket_mode", 0, 0777, listener.socket_mode);
  if (t.get("socket_mode") && !listener.is_local())
    read.error(*t.get("socket_mode"), "socket_mode is for addresses that begin with \"unix:\"");
}

/// What goes together and what does not.
void check_listener(Reader& read, const toml::table& t, ListenerConfig& listener) {
  using Role = service::ListenerRole;
  const bool logs_in = listener.role == Role::submission || listener.role == Role::pop3;
  if (logs_in && listener.tls == ListenerConfig::Tls::none && !listener.login_in_clear)
    read.error(t, "nobody can log in on this listener: set tls = \"starttls\", or login_in_clear = true on loopback");
  if (listener.is_local() && !std::string_view(listener.address).substr(kLocalSocket.size()).starts_with('/'))
    read.error(t, "a local socket is \"unix:\" and a path that begins with \"/\"");
  if (listener.is_local() && listener.role != Role::lmtp) read.error(t, "a local socket is for the role lmtp only");
  if (listener.role != Role::lmtp) return;
  if (listener.address.ends_with(":25")) // RFC 2033 section 5
    read.error(t, "LMTP must not be on port 25: other servers would take it for SMTP; 24 is usual");
  if (!t.get("accept_from")) listener.accept_from = *net::Networks::parse({"127.0.0.0/8", "::1"});
}

void read_listeners(Reader& read, const toml::table& root, Config& config) {
  using Role = service::ListenerRole;
  using Tls = ListenerConfig::Tls;
  for (const toml::table* t : sections(read, root, "listener")) {
    read.only(*t, "[[listener]]",
              {"role", "address", "tls", "login_in_clear", "proxy_protocol_from", "xclient_from", "accept_from",
               "socket_mode", "client_ca"});
    ListenerConfig listener;
    if (!t->get("role")) read.error(*t, "a [[listener]] needs a role: mx, submission, lmtp or pop3");
    if (!t->get("address")) read.error(*t, "a [[listener]] needs an address, such as \"0.0.0.0:25\"");
    read.choice<Role>(*t, "role",
                      {{"mx", Role::mx}, {"submission", Role::submission}, {"lmtp", Role::lmtp}, {"pop3", Role::pop3}},
                      listener.role);
    read.text(*t, "address", listener.address);
    if (t->get("address") && listener.address.empty())
      read.error(*t->get("address"), "the address is empty: write one such as \"0.0.0.0:25\"");
    read.choice<Tls>(*t, "tls", {{"none", Tls::none}, {"starttls", Tls::starttls}, {"implicit", Tls::implicit}},
                     listener.tls);
    read.flag(*t, "login_in_clear", listener.login_in_clear);
    read_peers(read, *t, listener);
    check_listener(read, *t, listener);
    listener.client_ca_pem = read.contents(*t, "client_ca");
    const bool logins = listener.role == Role::submission || listener.role == Role::pop3;
    if (!listener.client_ca_pem.empty() && (!logins || listener.tls == Tls::none))
      read.error(*t->get("client_ca"), "client_ca is for listeners with TLS where users log in");
    check_listener_address(read, *t, listener, config.listeners);
    for (const ListenerConfig& other : config.listeners)
      if (other.is_local() && other.address == listener.address)
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

/// Takes the port off "host:port"; a name, IPv4 address or "[IPv6]" is left.
void split_port(Reader& read, const toml::node& node, std::string& host, queue::Route& route) {
  auto colon = host.rfind(':');
  bool bracketed = host.starts_with('[');
  if (bracketed ? host.find("]:") == std::string::npos : host.find(':') != colon) colon = std::string::npos;
  if (colon != std::string::npos) {
    auto port = parse_u64(std::string_view(host).substr(colon + 1));
    if (!port || *port == 0 || *port > 65535)
      read.error(node, "the port in host = \"" + printable(host, 80) + "\" is not between 1 and 65535");
    else
      route.port = static_cast<std::uint16_t>(*port);
    host.resize(colon);
  } else {
    route.port = route.lmtp ? 24 : route.tls == queue::RouteTls::implicit ? 465 : 587;
  }
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
}

void read_route_host(Reader& read, const toml::table& t, queue::Route& route) {
  std::string host;
  read.text(t, "host", host);
  const toml::node* node = t.get("host");
  if (!node) {
    read.error(t, "a [[route]] needs a host, such as \"smtp.isp.example:587\"");
    return;
  }
  if (host.starts_with(kLocalSocket)) { // the route's host is then the path
    host.erase(0, kLocalSocket.size());
    route.port = 0;
    route.tls = queue::RouteTls::none;
    if (!route.lmtp || !host.starts_with('/'))
      read.error(*node, "host = \"unix:/path\" is for routes with protocol = \"lmtp\", and the path begins with \"/\"");
  } else {
    split_port(read, *node, host, route);
    if (host.starts_with('/')) read.error(*node, "a local socket is written \"unix:/path\"");
  }
  if (host.empty()) read.error(*node, "host is empty");
  if (route.lmtp && route.port == 25) // RFC 2033 section 5
    read.error(*node, "LMTP is never spoken on port 25");
  route.host = host;
}

void read_routes(Reader& read, const toml::table& root, Config& config) {
  using queue::RouteTls;
  std::vector<queue::Route> routes;
  for (const toml::table* t : sections(read, root, "route")) {
    read.only(*t, "[[route]]", {"name", "to", "host", "protocol", "tls", "verify", "ca_file", "user", "password_file"});
    queue::Route route;
    route.to = "*";
    read.text(*t, "to", route.to);
    read.text(*t, "name", route.name);
    read.choice<bool>(*t, "protocol", {{"smtp", false}, {"lmtp", true}}, route.lmtp);
    if (route.lmtp) route.tls = RouteTls::opportunistic; // it is nearly always on this machine
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
    check_route_port(read, *t, route);
    check_route_password(read, *t, route);
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
  config.queue.workers_total = default_deliveries(usable_memory());
  read.number(t, "deliveries", 1, 10000, config.queue.workers_total);
  read.number(t, "deliveries_per_destination", 1, 1000, config.queue.workers_per_destination);
}

void read_account_limits(Reader& read, const toml::table& limits, Config& config) {
  config.account_limits = default_limits();
  const toml::table& t = section(read, limits, "account");
  std::vector<std::string_view> known;
  known.reserve(store::kLimitKinds.size());
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
             "command_timeout", "data_timeout", "content_pace", "message_memory", "message_timeout",
             "pop3_idle_timeout", "account", "hold", "deliver_by"});
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
  read.size(t, "content_pace", 0, 1u << 20, config.content_pace);
  read.size(t, "message_memory", 1u << 20, 1ull << 40, config.message_memory);
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

void read_mailboxes(Reader& read, const toml::table& root, Config& config) {
  const toml::table& mailbox = section(read, root, "mailbox");
  read.only(mailbox, "[mailbox]", {"expire_days"});
  read.number(mailbox, "expire_days", 0, 36500, config.expire_days);
  const toml::table& t = section(read, root, "pop3");
  read.only(t, "[pop3]", {"login_delay", "language", "takeover_after"});
  read.duration(t, "login_delay", std::chrono::seconds(0), config.pop3_login_delay);
  read.duration(t, "takeover_after", std::chrono::seconds(1), config.pop3_takeover_after);
  using pop3::Language;
  read.choice<Language>(t, "language",
                        {{"en", Language::en}, {"de", Language::de}, {"fr", Language::fr}, {"es", Language::es}},
                        config.pop3_language);
}

void read_forwarding(Reader& read, const toml::table& root, Config& config) {
  const toml::table& t = section(read, root, "forwarding");
  read.only(t, "[forwarding]", {"rewrite_sender", "hide_inner"});
  read.flag(t, "rewrite_sender", config.rewrite_sender);
  read.flag(t, "hide_inner", config.hide_inner);
}

void read_login(Reader& read, const toml::table& root, Config& config) {
  const toml::table& t = section(read, root, "login");
  read.only(t, "[login]", {"scram", "channel_binding", "failures_per_address", "failures_per_account", "refused_for"});
  using Scram = Config::Scram;
  if (const auto* flag = t.get_as<bool>("scram")) // as it was before there was a choice
    config.scram = flag->get() ? Scram::on : Scram::off;
  else
    read.choice<Scram>(t, "scram", {{"auto", Scram::automatic}, {"on", Scram::on}, {"off", Scram::off}}, config.scram);
  read.flag(t, "channel_binding", config.channel_binding);
  read.number(t, "failures_per_address", 5, 1000000, config.logins.per_address);
  read.number(t, "failures_per_account", 5, 1000000, config.logins.per_account);
  read.duration(t, "refused_for", std::chrono::seconds(1), config.logins.refused_for);
}

void read_oauth(Reader& read, const toml::table& root, Config& config) {
  const toml::table& t = section(read, root, "oauth");
  if (t.empty()) return;
  read.only(t, "[oauth]", {"issuer", "audience", "jwks_file", "claim"});
  directory::TokenRules& rules = config.token_rules;
  read.text(t, "issuer", rules.issuer);
  read.text(t, "audience", rules.audience);
  read.text(t, "claim", rules.claim);
  config.jwks = read.contents(t, "jwks_file");
  if (rules.issuer.empty() || rules.audience.empty() || rules.claim.empty() || !t.get("jwks_file"))
    read.error(t, "[oauth] needs issuer, audience and jwks_file");
}

void read_rest(Reader& read, const toml::table& root, Config& config) {
  const toml::table& tls = section(read, root, "tls");
  read.only(tls, "[tls]", {"certificate", "key"});
  read.path(tls, "certificate", config.certificate);
  read.path(tls, "key", config.key);
  config.certificate_pem = read.contents(tls, "certificate");
  config.key_pem = read.contents(tls, "key");
  if (config.certificate.empty() != config.key.empty())
    read.error(tls, "[tls] needs both certificate and key, or neither for a self-signed one");
  const toml::table& dns = section(read, root, "dns");
  read.only(dns, "[dns]", {"resolvers", "trust_anchor", "dnssec"});
  read.texts(dns, "resolvers", config.dns.resolvers);
  read.text(dns, "trust_anchor", config.dns.trust_anchor);
  using enum dns::Dnssec;
  read.choice<dns::Dnssec>(dns, "dnssec", {{"auto", automatic}, {"required", required}, {"off", off}},
                           config.dns.dnssec);
  if (config.dns.dnssec == required && config.dns.trust_anchor == "none")
    read.error(dns, "dnssec = \"required\" needs a trust_anchor other than \"none\"");
  if (config.dns.dnssec == off && !config.dns.trust_anchor.empty() && config.dns.trust_anchor != "none")
    read.error(dns, "with dnssec = \"off\" a trust_anchor is not used: leave one of them out");
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

/// TOML has no control characters but these; and toml++ stumbles over some of them instead of saying so.
Result<> check_characters(std::string_view text, const std::string& path) {
  std::size_t line = 1;
  for (const char c : text) {
    if (c == '\n') ++line;
    const auto octet = static_cast<unsigned char>(c);
    if ((octet < 0x20 && c != '\n' && c != '\r' && c != '\t') || octet == 0x7F)
      return fail(Errc::invalid,
                  fmt::format("{}:{}: a control character (0x{:02x}): is this a text file?", path, line, octet));
  }
  return {};
}

/// The line of the first section whose name begins as none may; 1 when there is none.
std::size_t odd_section(std::string_view text) {
  std::size_t number = 1;
  for (const std::string_view line : split(text, '\n')) {
    const std::string_view name = line.substr(std::min(line.find_first_not_of("[ \t"), line.size()));
    const bool section = trim(line).starts_with('[');
    if (section && !name.empty() && (name[0] & 0x80) == 0 && !std::isalnum(static_cast<unsigned char>(name[0])) &&
        std::string_view("-_\"']").find(name[0]) == std::string_view::npos)
      return number;
    ++number;
  }
  return 1;
}

Result<Config> load_config(const std::string& path, const FileSource& files) {
  auto text = files(path);
  if (!text)
    return fail(text.error().code, "can't read the configuration file " + path + ": " + text.error().message +
                                       "; make one (docs/configuration.md) or name it with --config FILE");
  if (auto clean = check_characters(*text, path); !clean) return std::unexpected(clean.error());
  toml::table root;
  try {
    root = toml::parse(*text, path);
  } catch (const toml::parse_error& error) {
    return fail(Errc::invalid,
                fmt::format("{}:{}: {}", path, error.source().begin.line, printable(error.description(), 300)));
  } catch (const TomlAssertion&) {
    return fail(Errc::invalid,
                fmt::format("{}:{}: the name of a section begins with a letter, a digit, \"-\", \"_\" or a "
                            "quotation mark",
                            path, odd_section(*text)));
  }
  Config config;
  config.file = path;
  Reader read(path, files);
  read.only(root, "the file",
            {"server",     "listener", "tls",        "dns",      "route", "queue",     "delivery",       "limits",
             "mailbox",    "pop3",     "extensions", "login",    "oauth", "dkim",      "authentication", "filter",
             "forwarding", "guard",    "dns_list",   "takeover", "relay", "submission"});
  read_server(read, root, config);
  read_listeners(read, root, config);
  read_routes(read, root, config);
  read_queue(read, root, config);
  read_delivery(read, root, config);
  read_limits(read, root, config);
  read_takeover(read, root, config);
  read_relay(read, root, config);
  read_submission(read, root, config);
  read_mailboxes(read, root, config);
  read_extensions(read, root, config);
  const toml::table& dkim = section(read, root, "dkim");
  read.only(dkim, "[dkim]", {"sign"});
  read.flag(dkim, "sign", config.sign);
  read_login(read, root, config);
  read_forwarding(read, root, config);
  read_guard(read, root, config);
  read_oauth(read, root, config);
  read_authentication(read, root, config);
  read_filters(read, root, config); // after limits.message_size
  read_rest(read, root, config);
  if (!read.ok()) return fail(Errc::invalid, read.errors());
  config.warnings = read.warnings();
  config.connector.hostname = config.hostname;
  return config;
}

Result<> read_issuer(Config& config) {
  if (config.token_rules.issuer.empty()) return {};
  auto keys = directory::KeySet::parse(config.jwks);
  if (!keys) return fail(Errc::invalid, "[oauth] jwks_file: " + keys.error().message);
  config.issuer = std::make_shared<directory::TokenIssuer>(std::move(*keys), config.token_rules);
  return {};
}

std::vector<std::string> restart_keys(const Config& before, const Config& after) {
  std::vector<std::string> keys;
  auto compare = [&](const auto& a, const auto& b, const char* key) {
    if (a != b) keys.emplace_back(key);
  };
  compare(before.hostname, after.hostname, "server.hostname");
  if (before.origin != before.hostname || after.origin != after.hostname) // else it follows from the host name
    compare(before.origin, after.origin, "server.origin");
  compare(before.data_dir, after.data_dir, "server.data_dir");
  compare(before.new_domain_grace, after.new_domain_grace, "server.new_domain_grace");
  compare(before.user, after.user, "server.user");
  compare(before.threads, after.threads, "server.threads");
  compare(before.message_memory, after.message_memory, "limits.message_memory");
  compare(before.control_socket, after.control_socket, "server.control_socket");
  compare(before.drop_dir, after.drop_dir, "server.drop_dir");
  compare(before.log_file, after.log_file, "server.log_file");
  compare(before.sandbox, after.sandbox, "server.sandbox");
  compare(before.backup_dirs, after.backup_dirs, "server.backup_dirs");
  compare(before.dns.resolvers, after.dns.resolvers, "dns.resolvers");
  compare(before.dns.trust_anchor, after.dns.trust_anchor, "dns.trust_anchor");
  compare(before.dns.dnssec, after.dns.dnssec, "dns.dnssec");
  compare(before.connector.port, after.connector.port, "delivery.port");
  auto sources = [](const Config& c) { return std::pair(c.connector.source_ipv4, c.connector.source_ipv6); };
  compare(sources(before), sources(after), "delivery.source_address");
  auto families = [](const Config& c) { return std::pair(c.connector.ipv4, c.connector.ipv6); };
  compare(families(before), families(after), "delivery.families");
  compare(before.connector.connect_timeout, after.connector.connect_timeout, "delivery.connect_timeout");
  auto addresses = [](const Config& config) {
    std::vector<std::string> all;
    for (const ListenerConfig& listener : config.listeners) all.push_back(listener.address);
    return all;
  };
  compare(addresses(before), addresses(after), "listener.address");
  auto roles = [](const Config& config) {
    std::vector<int> all;
    for (const ListenerConfig& listener : config.listeners) all.push_back(static_cast<int>(listener.role));
    return all;
  };
  compare(roles(before), roles(after), "listener.role");
  auto modes = [](const Config& config) {
    std::vector<int> all;
    for (const ListenerConfig& listener : config.listeners)
      if (listener.is_local()) all.push_back(listener.socket_mode);
    return all;
  };
  compare(modes(before), modes(after), "listener.socket_mode");
  return keys;
}

} // namespace paquebot::app
