#include "policy/listed_book.h"

#include "base/text.h"
#include "net/endpoint.h"
#include "net/network.h"
#include "policy/stranger_rules.h"

#include <arpa/inet.h>
#include <array>
#include <fmt/chrono.h>
#include <fmt/format.h>

namespace paquebot::policy {
namespace {

using Octets = net::Networks::Octets;

/// An address with a prefix of `bits` (of 128); can't be a sender's name.
std::string network_key(Octets octets, unsigned bits) {
  for (unsigned bit = bits; bit < 128; ++bit)
    octets[bit / 8] = static_cast<std::uint8_t>(octets[bit / 8] & ~(0x80U >> (bit % 8)));
  std::string key = fmt::format("/{} ", bits);
  key.append(octets.begin(), octets.end());
  return key;
}

struct Network {
  Octets octets;
  unsigned bits; ///< of 128
};

/// Of a name that listed_name() made.
std::optional<Network> named_network(std::string_view name) {
  const auto slash = name.find('/');
  const auto octets = net::Networks::octets_of(name.substr(0, slash));
  if (!octets) return std::nullopt;
  if (slash == std::string_view::npos) return Network{*octets, 128};
  const auto bits = parse_u64(name.substr(slash + 1));
  if (!bits) return std::nullopt;
  return Network{*octets, static_cast<unsigned>(*bits) + (name.contains(':') ? 0 : 96)};
}

bool is_mapped(const Octets& octets) {
  static const Octets mapped = *net::Networks::octets_of("0.0.0.0");
  return std::equal(mapped.begin(), mapped.begin() + 12, octets.begin());
}

std::string text_of(const Octets& octets) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_mapped(octets))
    inet_ntop(AF_INET, octets.data() + 12, text.data(), text.size());
  else
    inet_ntop(AF_INET6, octets.data(), text.data(), text.size());
  return text.data();
}

Result<std::string> network_name(const std::string& text) {
  const auto valid = net::Networks::parse({text});
  if (!valid) return std::unexpected(valid.error());
  const auto network = named_network(text);
  if (!network) return fail(Errc::invalid, "\"" + printable(text, 80) + "\" is not an address");
  const bool dotted = is_mapped(network->octets) && network->bits >= 96;
  const unsigned bits = dotted ? network->bits - 96 : network->bits;
  if (bits == 0) return fail(Errc::invalid, "\"" + text + "\" is the whole world");
  std::string name = text_of(network->octets);
  return network->bits == 128 ? name : name + "/" + std::to_string(bits);
}

std::string until_text(std::int64_t time) {
  return fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(static_cast<std::time_t>(time / 1000)));
}

/// For a reply: in ASCII (RFC 5321 section 4.2).
std::string because(const Listed& entry) {
  std::string text;
  if (entry.expires != 0) text += " until " + until_text(entry.expires);
  if (entry.reason.empty()) return text;
  std::string reason = entry.reason;
  for (char& c : reason)
    if ((c & 0x80) != 0) c = '?';
  return text + ": " + reason;
}

} // namespace

Result<std::string> listed_name(std::string_view text) {
  const auto slash = text.find('/');
  if (slash != std::string_view::npos || net::is_ip_address(text)) return network_name(std::string(text));
  auto name = sender_entry(text);
  if (name) return name;
  return fail(Errc::invalid, fmt::format("\"{}\" is neither an IP address or network, nor an address, a domain or "
                                         "\".domain\": {}",
                                         printable(text, 80), name.error().message));
}

std::string packed(const Listed& entry) {
  return fmt::format("{} {} {} {}", entry.allow ? "allow" : "block", entry.added, entry.expires, entry.reason);
}

std::optional<Listed> unpacked(std::string_view key, std::string_view value) {
  if (!key.starts_with(kListedSetting)) return std::nullopt;
  Listed entry;
  entry.what = key.substr(kListedSetting.size());
  std::array<std::string_view, 3> words;
  for (std::string_view& word : words) {
    const auto space = value.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    word = value.substr(0, space);
    value.remove_prefix(space + 1);
  }
  const auto added = parse_u64(words[1]), expires = parse_u64(words[2]);
  const auto name = listed_name(entry.what);
  if ((words[0] != "allow" && words[0] != "block") || !added || !expires || !name || *name != entry.what)
    return std::nullopt;
  entry.allow = words[0] == "allow";
  entry.added = static_cast<std::int64_t>(*added);
  entry.expires = static_cast<std::int64_t>(*expires);
  entry.reason = printable(value, kMaxListReason);
  return entry;
}

void ListedBook::put(const Listed& entry) {
  remove(entry.what);
  auto kept = std::make_shared<const Listed>(entry);
  const auto network = named_network(entry.what);
  const std::lock_guard lock(mutex_);
  if (network) ++prefixes_[network->bits];
  entries_[network ? network_key(network->octets, network->bits) : entry.what] = std::move(kept);
}

void ListedBook::remove(const std::string& what) {
  const auto network = named_network(what);
  const std::lock_guard lock(mutex_);
  if (entries_.erase(network ? network_key(network->octets, network->bits) : what) == 0 || !network) return;
  if (const auto count = prefixes_.find(network->bits); --count->second == 0) prefixes_.erase(count);
}

ListedBook::Entry ListedBook::in_force(const std::string& key) const {
  const auto found = entries_.find(key);
  if (found == entries_.end() || !found->second->in_force(millis(clock_.wall()))) return nullptr;
  return found->second;
}

std::shared_ptr<const Listed> ListedBook::find_client(std::string_view address) const {
  const auto octets = net::Networks::octets_of(address);
  if (!octets) return nullptr;
  const std::lock_guard lock(mutex_);
  for (const auto& [bits, count] : prefixes_) {
    if (bits < 96 && is_mapped(*octets)) break; // "::/8" is not meant to hold IPv4
    if (Entry found = in_force(network_key(*octets, bits))) return found;
  }
  return nullptr;
}

std::shared_ptr<const Listed> ListedBook::find_sender(const mail::Address& sender) const {
  if (sender.empty()) return nullptr;
  const std::string domain = to_lower(sender.domain);
  const std::lock_guard lock(mutex_);
  if (entries_.empty()) return nullptr;
  if (Entry found = in_force(to_lower(sender.local) + "@" + domain)) return found;
  if (Entry found = in_force(domain)) return found;
  for (std::string above = "." + domain; above.size() > 1;) {
    if (Entry found = in_force(above)) return found;
    const auto dot = above.find('.', 1);
    if (dot == std::string::npos) break;
    above.erase(0, dot);
  }
  return nullptr;
}

mail::Reply blocked_client(std::string_view address, const Listed& entry) {
  mail::Reply reply = blocked_client(address);
  reply.text += because(entry);
  return reply;
}

mail::Reply blocked_sender(const std::string& sender, const Listed& entry) {
  mail::Reply reply = blocked_sender(sender);
  reply.text += because(entry);
  return reply;
}

} // namespace paquebot::policy
