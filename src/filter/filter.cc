#include "filter/filter.h"

#include "base/text.h"

namespace paquebot::filter {

std::string Place::to_string() const {
  if (!path.empty()) return "unix:" + path;
  const bool six = host.find(':') != std::string::npos;
  return "inet:" + (six ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Place> parse_place(std::string_view text) {
  constexpr std::size_t longest_path = 107; // sockaddr_un
  Place place;
  if (text.starts_with("unix:")) {
    place.path = text.substr(5);
    if (!place.path.starts_with('/') || place.path.size() > longest_path)
      return fail(Errc::invalid, "a local socket is \"unix:\" and a path of at most 107 octets that begins with \"/\"");
    return place;
  }
  const auto colon = text.rfind(':');
  const std::string form = "write \"unix:/path\", \"inet:host:port\" or \"inet:[address]:port\"";
  if (!text.starts_with("inet:") || colon == 4) return fail(Errc::invalid, form);
  std::string_view host = text.substr(5, colon - 5);
  const auto port = parse_u64(text.substr(colon + 1));
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != host.npos)
    return fail(Errc::invalid, form);
  if (host.empty() || host.size() > 255 || !port || *port == 0 || *port > 65535) return fail(Errc::invalid, form);
  place.host = host;
  place.port = static_cast<std::uint16_t>(*port);
  return place;
}

namespace {

/// Into one list, and out of the other.
void move_between(mail::Address address, std::vector<mail::Address>& from, std::vector<mail::Address>& to) {
  const std::string text = address.to_string();
  std::erase_if(from, [&text](const mail::Address& one) { return iequals(one.to_string(), text); });
  to.push_back(std::move(address));
}

} // namespace

void Outcome::add(mail::Address address) { move_between(std::move(address), removed, added); }
void Outcome::remove(mail::Address address) { move_between(std::move(address), added, removed); }

Task<Result<Verdict>> Filter::connected(Client) { co_return Verdict(); }
Task<Result<Verdict>> Filter::greeted(Client) { co_return Verdict(); }
Task<Result<Verdict>> Filter::mail(Client, mail::Sender) { co_return Verdict(); }
Task<Result<Verdict>> Filter::recipient(mail::Recipient) { co_return Verdict(); }
Task<Result<Verdict>> Filter::data(std::string) { co_return Verdict(); }
Task<void> Filter::leave() { co_return; }

} // namespace paquebot::filter
