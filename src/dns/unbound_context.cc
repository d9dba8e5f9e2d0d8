#include "dns/unbound_context.h"

#include "base/text.h"
#include "net/endpoint.h"

#include <algorithm>
#include <fcntl.h>
#include <sys/resource.h>
#include <unbound.h>
#include <unistd.h>

namespace paquebot::dns {

namespace {

/// The root's key-signing keys of 2017 and 2024, as digests (https://data.iana.org/root-anchors/root-anchors.xml).
constexpr const char* kRootAnchors[] = {
    ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
    ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
};

/// Not a zone of libunbound's: removing it does nothing.
constexpr const char* kNoZone = "none.invalid.";
/// Zones that libunbound answers itself unless told not to (RFC 6303, RFC 6761). Who names a resolver wants its
/// answers.
constexpr const char* kDefaultZones[] = {kNoZone,  "test.",      "localhost.",       "invalid.",
                                         "onion.", "home.arpa.", "127.in-addr.arpa."};

struct Setting {
  const char* name;
  const char* value;
};
constexpr Setting kSettings[] = {
    {"do-not-query-localhost:", "no"}, // a resolver on this machine is a resolver
    {"qname-minimisation:", "yes"},
    {"num-queries-per-thread:", "4700"},
    {"msg-cache-size:", "4m"},
    {"rrset-cache-size:", "8m"},
    {"key-cache-size:", "2m"},
    {"cache-max-negative-ttl:",
     "60"}, // a record that somebody has just made is there soon, whatever his zone's SOA says
    // What is known of a server's times is known of the one resolver that all questions go to: names whose own servers
    // are silent make it look slow or dead. That is forgotten soon, before the wait for a reply has doubled to the 12 s
    // with which libunbound takes a server for dead and lets one question at a time through: all others would fail at
    // once. A lower bound on that wait is one on when it is dead, too.
    {"infra-host-ttl:", "5"},
    {"infra-cache-max-rtt:", "20000"},
    {"infra-keep-probing:", "yes"},
    // Milliseconds before a question is repeated, at least. A resolver near by answers most in one, what it has to ask
    // for itself in hundreds; each repetition gives up the reply to the one before.
    {"infra-cache-min-rtt:", "400"},
};

/// Sockets for questions: each that waits has one, and each goes on for some seconds when nobody waits any more. They
/// must not use up the process's descriptors, and cost a kilobyte each from the beginning.
constexpr rlim_t kSocketsMost = 4096;
constexpr rlim_t kSocketsLeast = 128;
constexpr rlim_t kShareOfDescriptors = 8;
constexpr rlim_t kSocketsPerQuestion = 4;
/// What a context and its thread open for themselves, and as much again.
constexpr std::size_t kDescriptors = 24;
/// Answered by libunbound itself.
constexpr const char* kOwnName = "begin.paquebot.invalid.";

std::unexpected<Error> unbound_failure(const std::string& what, int code) {
  return fail(Errc::invalid, "dns: " + what + ": " + ub_strerror(code));
}

/// libunbound takes its strings as char* without changing them.
int set_option(ub_ctx* context, const char* name, const char* value) {
  return ub_ctx_set_option(context, const_cast<char*>(name), const_cast<char*>(value));
}

std::string socket_range(std::size_t at_once) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::to_string(kSocketsLeast);
  const rlim_t wanted = std::min(kSocketsMost, kSocketsPerQuestion * at_once);
  return std::to_string(std::max(kSocketsLeast, std::min(limit.rlim_cur / kShareOfDescriptors, wanted)));
}

Result<> apply_settings(ub_ctx* context, std::size_t at_once) {
  const std::string range = socket_range(at_once);
  if (const int code = set_option(context, "outgoing-range:", range.c_str()); code != 0)
    return unbound_failure("setting outgoing-range " + range, code);
  for (const auto& [name, value] : kSettings)
    if (const int code = set_option(context, name, value); code != 0)
      return unbound_failure(std::string("setting ") + name + " " + value, code);
  return {};
}

/// "192.0.2.1:5353" or "[::1]:53" in libunbound's form, ADDRESS@PORT. A port of 0 makes no sense here.
Result<std::string> forward_address(const std::string& resolver) {
  const auto endpoint = net::parse_endpoint(resolver);
  if (!endpoint) return std::unexpected(endpoint.error());
  if (endpoint->is_local() || endpoint->port == 0)
    return fail(Errc::invalid, "\"" + printable(resolver, 128) + "\" is not the ADDRESS:PORT of a resolver");
  return endpoint->address + "@" + std::to_string(endpoint->port);
}

Result<> use_resolvers(ub_ctx* context, const std::vector<std::string>& resolvers) {
  if (resolvers.empty()) {
    // Without the file, or without a resolver in it, libunbound walks down from the root itself.
    ub_ctx_resolvconf(context, nullptr);
    return {};
  }
  for (const auto& resolver : resolvers) {
    const auto address = forward_address(resolver);
    if (!address) return std::unexpected(address.error());
    if (const int code = ub_ctx_set_fwd(context, address->c_str()); code != 0)
      return unbound_failure("resolver " + resolver, code);
  }
  set_option(context, "unblock-lan-zones:", "yes");
  set_option(context, "insecure-lan-zones:", "yes");
  return {};
}

/// Makes libunbound take over all that was set, after which only its zones can still be changed.
Result<> finish_settings(ub_ctx* context, const Options& options) {
  for (const char* zone : kDefaultZones) {
    // "invalid" is what we ask for to see whether anybody answers.
    const bool keep = options.resolvers.empty() && zone != kNoZone && std::string_view(zone) != "invalid.";
    if (const int code = keep ? 0 : ub_ctx_zone_remove(context, zone); code != 0)
      return unbound_failure("the settings or the trust anchor cannot be used", code);
  }
  return {};
}

Result<> use_anchor(ub_ctx* context, const std::string& anchor) {
  if (anchor.empty()) {
    for (const char* root : kRootAnchors)
      if (const int code = ub_ctx_add_ta(context, root); code != 0) return unbound_failure("root anchor", code);
    return {};
  }
  for (const auto part : split(anchor, '\n')) {
    const std::string line(trim(part));
    if (line.empty() || line.starts_with(';')) continue;
    if (const int code = ub_ctx_add_ta(context, line.c_str()); code != 0)
      return unbound_failure("trust anchor \"" + printable(line, 128) + "\"", code);
  }
  return {};
}

/// libevent ends the process when it finds no descriptor for its loop, so that is looked at before.
Result<> find_descriptors() {
  std::vector<int> found;
  int one = 0;
  while (found.size() < kDescriptors && (one = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) found.push_back(one);
  for (const int descriptor : found) ::close(descriptor);
  if (found.size() == kDescriptors) return {};
  return fail(Errc::temporary, "dns: no descriptors are left for the resolver; raise the limit of open files");
}

/// Asks a question that libunbound answers itself: its thread and loop are made for the first one, and must be there
/// before strangers can use up what they need.
Result<> begin(ub_ctx* context) {
  const std::string record = std::string(kOwnName) + " 0 IN A 127.0.0.1";
  int code = ub_ctx_zone_add(context, kOwnName, "static");
  if (code == 0) code = ub_ctx_data_add(context, record.c_str());
  bool answered = false;
  const auto done = [](void* data, int, ub_result* result) {
    *static_cast<bool*>(data) = true;
    ub_resolve_free(result);
  };
  if (code == 0) code = ub_resolve_async(context, kOwnName, 1, 1, &answered, done, nullptr);
  if (code == 0) code = ub_wait(context);
  if (code == 0 && !answered) code = UB_INITFAIL;
  if (code != 0) return unbound_failure("the first question", code);
  return {};
}

} // namespace

void DeleteContext::operator()(ub_ctx* context) const { ub_ctx_delete(context); }

Result<UnboundContext> make_unbound_context(const Options& options) {
  if (auto found = find_descriptors(); !found) return std::unexpected(found.error());
  UnboundContext context(ub_ctx_create());
  if (!context) return fail(Errc::io, "dns: the resolver could not be made: out of memory or random numbers");
  ub_ctx_debugout(context.get(), nullptr); // what it has to say comes back as errors; standard error is for our log
  if (auto done = apply_settings(context.get(), options.at_once); !done) return std::unexpected(done.error());
  if (auto done = use_resolvers(context.get(), options.resolvers); !done) return std::unexpected(done.error());
  if (options.validates())
    if (auto done = use_anchor(context.get(), options.trust_anchor); !done) return std::unexpected(done.error());
  if (const int code = ub_ctx_async(context.get(), 1); code != 0) return unbound_failure("threads", code);
  if (auto done = finish_settings(context.get(), options); !done) return std::unexpected(done.error());
  if (auto done = begin(context.get()); !done) return std::unexpected(done.error());
  return context;
}

} // namespace paquebot::dns
