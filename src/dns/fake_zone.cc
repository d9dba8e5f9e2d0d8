#include "dns/fake_zone.h"

#include "base/text.h"
#include "dns/wire.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace paquebot::dns {

namespace {

constexpr int kChainMost = 8;
constexpr std::uint32_t kTtl = 60;

/// Words of a line; a quoted one may hold spaces, and a backslash takes the next character as it is.
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < line.size();) {
    if (line[i] == ' ' || line[i] == '\t') {
      ++i;
      continue;
    }
    std::string word;
    const bool quoted = line[i] == '"';
    if (quoted) ++i;
    while (i < line.size() && (quoted ? line[i] != '"' : line[i] != ' ' && line[i] != '\t')) {
      if (line[i] == '\\' && i + 1 < line.size()) ++i;
      word += line[i++];
    }
    if (quoted) ++i;
    words.push_back(std::move(word));
  }
  return words;
}

std::string host(std::string_view word) {
  if (word.ends_with('.')) word.remove_suffix(1);
  return to_lower(word);
}

std::uint16_t number(const std::string& word) {
  const auto value = parse_u64(word);
  if (!value || *value > 65535) throw std::invalid_argument("not a 16-bit number: " + word);
  return static_cast<std::uint16_t>(*value);
}

std::string octets(std::string_view hex) {
  std::string bytes;
  if (hex.size() % 2 != 0) throw std::invalid_argument("an odd number of hexadecimal digits");
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(hex.data() + i, hex.data() + i + 2, value, 16);
    if (error != std::errc() || end != hex.data() + i + 2) throw std::invalid_argument("not hexadecimal");
    bytes += static_cast<char>(value);
  }
  return bytes;
}

/// The record that the words after the type make.
Record record_of(Type type, const std::vector<std::string>& words) {
  Record record;
  if (type == kCaa) record.text = words.at(0) + " " + words.at(1) + " " + words.at(2);
  switch (type) {
    case Type::a:
    case Type::aaaa: record.text = words.at(0); break;
    case Type::cname:
    case Type::ptr: record.text = host(words.at(0)); break;
    case Type::mx:
      record.preference = number(words.at(0));
      record.text = host(words.at(1));
      break;
    case Type::srv:
      record.preference = number(words.at(0));
      record.weight = number(words.at(1));
      record.port = number(words.at(2));
      record.text = host(words.at(3));
      break;
    case Type::txt:
      for (const auto& word : words) record.text += word;
      break;
    case Type::dnskey: record.text = octets(words.at(0)); break;
    case Type::tlsa:
      for (std::size_t i = 0; i < 3; ++i) record.text += static_cast<char>(number(words.at(i)));
      record.text += octets(words.at(3));
      break;
  }
  return record;
}

} // namespace

std::shared_ptr<FakeZone> FakeZone::parse(std::string_view text) {
  auto zone = std::make_shared<FakeZone>();
  for (const auto part : split(text, '\n')) {
    const auto line = trim(part);
    if (line.empty() || line.starts_with(';')) continue;
    try {
      zone->add_line(line);
    } catch (const std::exception& bad) {
      throw std::invalid_argument("zone line \"" + std::string(line) + "\": " + bad.what());
    }
  }
  return zone;
}

void FakeZone::add_line(std::string_view line) {
  auto words = words_of(line);
  const std::string name = words.at(0);
  const std::string kind = to_lower(words.at(1));
  if (kind == "servfail") return fail(name, Status::servfail, "SERVFAIL");
  if (kind == "ownfault") return fail(name, Status::servfail, "the resolver does not answer", false, true);
  if (kind == "timeout") return fail(name, Status::servfail, "timed out");
  if (kind == "bogus") return fail(name, Status::servfail, "DNSSEC validation failed", true);
  if (kind == "secure") return secure(name);
  if (kind == "soa" || kind == "truncate") return;
  const auto type = parse_type(kind);
  if (!type) throw std::invalid_argument("unknown type " + kind);
  words.erase(words.begin(), words.begin() + 2);
  add(name, *type, record_of(*type, words));
}

void FakeZone::add(const std::string& name, Type type, Record record) {
  const std::lock_guard lock(mutex_);
  names_[host(name)].records[type].push_back(std::move(record));
}

void FakeZone::fail(const std::string& name, Status status, const std::string& why, bool bogus, bool own_fault) {
  const std::lock_guard lock(mutex_);
  Name& entry = names_[host(name)];
  entry.failure = status;
  entry.why = why;
  entry.bogus = bogus;
  entry.own_fault = own_fault;
}

void FakeZone::secure(const std::string& name) {
  const std::lock_guard lock(mutex_);
  names_[host(name)].secure = true;
}

void FakeZone::remove(const std::string& name) {
  const std::lock_guard lock(mutex_);
  names_.erase(host(name));
}

bool FakeZone::has_names_below(const std::string& name) const {
  return std::ranges::any_of(names_, [&](const auto& entry) { return entry.first.ends_with("." + name); });
}

Answer FakeZone::look_up(std::string name, Type type) const {
  Answer answer;
  answer.ttl = kTtl;
  answer.secure = true;
  for (int i = 0; i < kChainMost; ++i) {
    const auto found = names_.find(name);
    if (found == names_.end()) {
      answer.status = has_names_below(name) ? Status::no_data : Status::nxdomain;
      answer.secure = false;
      return answer;
    }
    const Name& entry = found->second;
    answer.secure = answer.secure && entry.secure;
    answer.status = entry.failure;
    if (entry.failure != Status::ok) {
      answer.why = entry.why;
      answer.bogus = entry.bogus;
      answer.own_fault = entry.own_fault;
      return answer;
    }
    if (const auto records = entry.records.find(type); records != entry.records.end()) {
      answer.records = records->second;
      return answer;
    }
    const auto alias = entry.records.find(Type::cname);
    answer.status = Status::no_data;
    if (alias == entry.records.end()) return answer;
    name = alias->second.front().text;
    answer.canonical = name;
  }
  answer.status = Status::servfail;
  answer.why = "a chain of aliases that is too long";
  return answer;
}

Task<std::shared_ptr<const Answer>> FakeZone::query(std::string name, Type type) {
  const std::lock_guard lock(mutex_);
  const std::string key = host(name);
  ++asked_[{key, type}];
  co_return std::make_shared<const Answer>(look_up(key, type));
}

std::size_t FakeZone::questions() const {
  const std::lock_guard lock(mutex_);
  std::size_t sum = 0;
  for (const auto& [question, count] : asked_) sum += count;
  return sum;
}

std::size_t FakeZone::questions(const std::string& name, Type type) const {
  const std::lock_guard lock(mutex_);
  const auto found = asked_.find({host(name), type});
  return found == asked_.end() ? 0 : found->second;
}

} // namespace paquebot::dns
