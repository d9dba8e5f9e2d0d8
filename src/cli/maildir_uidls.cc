#include "cli/maildir_uidls.h"

#include "base/text.h"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <unistd.h>

namespace paquebot::cli {
namespace {

constexpr std::size_t kMaxList = 256u << 20;

std::string_view without_flags(std::string_view file) { return file.substr(0, file.find(':')); }

std::string dovecot_uidl(std::uint64_t uid, std::uint64_t validity) {
  return fmt::format("{:08x}{:08x}", uid, validity);
}

} // namespace

std::optional<std::string> read_list(const Opened& maildir, const std::string& name) {
  const auto file = open_within(maildir, name);
  if (!file || !S_ISREG(file->facts.st_mode) || file->facts.st_uid != maildir.facts.st_uid) return {};
  const auto size = static_cast<std::size_t>(std::max<off_t>(file->facts.st_size, 0));
  if (size > kMaxList) return {};
  std::string text(size, '\0');
  std::size_t got = 0;
  while (got < size) {
    const ssize_t n = ::read(file->descriptor.get(), text.data() + got, size - got);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    got += static_cast<std::size_t>(n);
  }
  text.resize(got);
  return text;
}

bool is_uidl(std::string_view text) {
  return !text.empty() && text.size() <= 70 && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
}

MaildirUidls::MaildirUidls(const Opened& maildir) {
  if (const auto dovecot = read_list(maildir, "dovecot-uidlist")) {
    read_uids(*dovecot, true);
    return;
  }
  if (const auto courier = read_list(maildir, "courierpop3dsizelist")) read_courier(*courier);
  if (const auto courier = read_list(maildir, "courierimapuiddb")) read_uids(*courier, false);
}

std::uint32_t MaildirUidls::uid_of(std::string_view file) const {
  const auto found = uids_.find(std::string(without_flags(file)));
  return found == uids_.end() ? 0 : found->second;
}

std::string MaildirUidls::of(std::string_view file) const {
  const std::string name(without_flags(file));
  const auto found = known_.find(name);
  if (found != known_.end()) return found->second;
  return by_name_ && is_uidl(name) ? name : std::string();
}

/// Of Dovecot. Version 3: "3 V<validity> N<next> …", then "<uid> [<letter><value> …] :<name>". Version 1: "1 <validity>
/// <next>", then
/// "<uid> <name>". Courier has version 1.
void MaildirUidls::read_uids(std::string_view text, bool dovecot) {
  if (dovecot) by_name_ = false; // Dovecot gives a message its number when it first sees it
  const auto lines = split(text, '\n');
  const auto head = split(lines.front(), ' ');
  const bool plain = head.front() == "1";
  if (!plain && head.front() != "3") return;
  const auto number = [](std::string_view word) {
    const auto read = parse_u64(word);
    return read && *read <= UINT32_MAX ? static_cast<std::uint32_t>(*read) : 0;
  };
  for (std::size_t i = 1; i < head.size(); ++i) {
    if (plain && i == 1) validity_ = number(head[i]);
    if (plain && i == 2) next_ = number(head[i]);
    if (!plain && head[i].starts_with('V')) validity_ = number(head[i].substr(1));
    if (!plain && head[i].starts_with('N')) next_ = number(head[i].substr(1));
  }
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::size_t space = lines[i].find(' ');
    const std::uint32_t uid = number(lines[i].substr(0, space));
    if (uid == 0 || space == std::string_view::npos) continue;
    const std::size_t name = plain ? space : lines[i].find(" :", space);
    if (name == std::string_view::npos) continue;
    const std::string file(without_flags(lines[i].substr(name + (plain ? 1 : 2))));
    uids_[file] = uid;
    if (!dovecot) continue;
    std::string uidl = dovecot_uidl(uid, validity_);
    const auto between = name > space ? lines[i].substr(space + 1, name - space - 1) : std::string_view();
    for (const std::string_view word : split(between, ' '))
      if (word.starts_with('P') && is_uidl(word.substr(1))) uidl = word.substr(1);
    known_[file] = std::move(uidl);
  }
}

/// "/<version> <next> <validity>", then "<name> <size> <uid>:<validity>[:<utf8>]"; a validity of 0: the name itself.
void MaildirUidls::read_courier(std::string_view text) {
  const auto lines = split(text, '\n');
  if (!lines.front().starts_with("/2 ") && !lines.front().starts_with("/3 ")) return;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::size_t last = lines[i].rfind(' ');
    const std::size_t size = last == std::string_view::npos || last == 0 ? last : lines[i].rfind(' ', last - 1);
    if (size == std::string_view::npos || last == 0) continue;
    const auto numbers = split(lines[i].substr(last + 1), ':');
    if (numbers.size() < 2 || !parse_u64(numbers[0]) || !parse_u64(numbers[1]) || numbers[1] == "0") continue;
    known_[std::string(without_flags(lines[i].substr(0, size)))] = fmt::format("UID{}-{}", numbers[0], numbers[1]);
  }
}

} // namespace paquebot::cli
