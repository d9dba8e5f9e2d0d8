#include "imap/search_filter.h"

#include "imap/texts.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace paquebot::imap {
namespace {

using Plan = FilterPlan::Key;

constexpr unsigned kHashBits = 18;
constexpr std::size_t kLeastBits = 256;
constexpr std::size_t kMostHashes = 64;

std::uint32_t hash_of(std::uint32_t trigram) { return (trigram * 0x9E3779B1u) >> (32 - kHashBits); }

FilterPlan leaf(Plan key, std::vector<std::uint32_t> hashes) {
  FilterPlan plan;
  if (!hashes.empty()) plan.key = key;
  plan.hashes = std::move(hashes);
  return plan;
}

/// Children that say nothing are left out of what all must be true of, and say nothing of what one must be.
FilterPlan joined(Plan key, std::vector<FilterPlan> children) {
  const bool all = key == Plan::all_of;
  if (!all && std::ranges::any_of(children, [](const FilterPlan& one) { return !one.useful(); })) return {};
  std::erase_if(children, [](const FilterPlan& one) { return !one.useful(); });
  if (children.empty()) return {}; // one of none never holds; nobody asks for it
  if (children.size() == 1) return std::move(children[0]);
  FilterPlan plan;
  plan.key = key;
  plan.children = std::move(children);
  return plan;
}

FilterPlan plan_of_node(const SearchNode& node, const SearchProgram& program) {
  using Key = SearchNode::Key;
  switch (node.key) {
    case Key::all_of:
    case Key::one_of: {
      std::vector<FilterPlan> children;
      for (const SearchNode& child : node.children) children.push_back(plan_of_node(child, program));
      return joined(node.key == Key::all_of ? Plan::all_of : Plan::one_of, std::move(children));
    }
    case Key::header: {
      std::vector<FilterPlan> both;
      both.push_back(leaf(Plan::head, TrigramSet::hashes(fold_text(node.name) + ": ")));
      both.push_back(leaf(Plan::head, TrigramSet::hashes(node.text)));
      return joined(Plan::all_of, std::move(both));
    }
    case Key::body:
    case Key::text:
      return leaf(node.key == Key::body ? Plan::body : Plan::text,
                  TrigramSet::hashes(program.needles.at(static_cast<std::size_t>(node.number))));
    default: return {};
  }
}

} // namespace

void TrigramSet::add(std::string_view piece) {
  if (words_.empty()) words_.resize((std::size_t{1} << kHashBits) / 64);
  for (const char c : piece) {
    last_ = (last_ << 8 | static_cast<unsigned char>(c)) & 0xFFFFFF;
    if (held_ < 2) {
      ++held_;
      continue;
    }
    const std::uint32_t hash = hash_of(last_);
    std::uint64_t& word = words_[hash / 64];
    const std::uint64_t bit = std::uint64_t{1} << hash % 64;
    set_ += (word & bit) == 0 ? 1 : 0;
    word |= bit;
  }
}

std::string TrigramSet::bits() const {
  const std::size_t size = std::clamp(std::bit_ceil(set_ * 4), kLeastBits,
                                      std::size_t{1} << kHashBits); // in bits, of the low ones of hashes
  std::string out(size / 8, '\0');
  for (std::size_t i = 0; i < words_.size(); ++i)
    for (unsigned octet = 0; octet < 8; ++octet) {
      char& into = out[(i * 8 + octet) % out.size()];
      into = static_cast<char>(static_cast<unsigned char>(into) | (words_[i] >> 8 * octet & 0xFF));
    }
  return out;
}

std::vector<std::uint32_t> TrigramSet::hashes(std::string_view text) {
  std::vector<std::uint32_t> out;
  for (std::size_t i = 0; i + 3 <= text.size() && out.size() < kMostHashes; ++i) {
    std::uint32_t trigram = 0;
    for (std::size_t k = 0; k < 3; ++k) trigram = trigram << 8 | static_cast<unsigned char>(text[i + k]);
    if (const std::uint32_t hash = hash_of(trigram); std::ranges::find(out, hash) == out.end()) out.push_back(hash);
  }
  return out;
}

bool TrigramSet::may_hold(std::string_view bits, const std::vector<std::uint32_t>& hashes) {
  if (!std::has_single_bit(bits.size())) return true;
  const std::size_t mask = bits.size() * 8 - 1;
  return std::ranges::all_of(hashes, [&](std::uint32_t hash) {
    const std::size_t at = hash & mask;
    return (static_cast<unsigned char>(bits[at / 8]) >> at % 8 & 1) != 0;
  });
}

bool FilterPlan::may_match(std::string_view head, std::string_view body, bool whole) const {
  const auto child = [&](const FilterPlan& one) { return one.may_match(head, body, whole); };
  switch (key) {
    case Key::any: return true;
    case Key::all_of: return std::ranges::all_of(children, child);
    case Key::one_of: return std::ranges::any_of(children, child);
    case Key::head: return TrigramSet::may_hold(head, hashes);
    case Key::body: return !whole || TrigramSet::may_hold(body, hashes);
    case Key::text: return !whole || TrigramSet::may_hold(head, hashes) || TrigramSet::may_hold(body, hashes);
  }
  return true;
}

FilterPlan plan_of(const SearchProgram& program) { return plan_of_node(program.root, program); }

} // namespace paquebot::imap
