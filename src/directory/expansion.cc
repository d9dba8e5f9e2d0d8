#include "directory/expansion.h"

#include "base/text.h"
#include "mail/names.h"

#include <algorithm>

namespace paquebot::directory {

Task<Result<Resolution>> Expansion::run(mail::Address recipient) {
  seen_before(recipient);
  std::string text = recipient.to_string();
  if (recipient.domain.empty()) text += "@" + options_.hostname;
  add_node({std::move(text), store::Handling::held, 0, -1, {}}, {std::move(recipient)});
  auto match = co_await book_.match(pending_[0].address);
  const bool not_yet = match && match->not_yet;
  if (match && local_ && match->ours && !match->known) match = co_await book_.match_program(pending_[0].address);
  if (!match) co_return std::unexpected(match.error());
  if (!match->ours) co_return Resolution{Resolution::Kind::not_ours, {}};
  if (!match->known) co_return Resolution{not_yet ? Resolution::Kind::not_yet : Resolution::Kind::unknown, {}};
  result_.fallback = match->fallback;
  result_.senders = match->senders;
  if (!match->senders.empty()) result_.targets = match->targets;
  follow(0, *match);
  for (std::size_t i = 1; i < result_.nodes.size() && !too_deep_ && !too_many_; ++i) {
    const auto done = co_await visit(i);
    if (!done) co_return std::unexpected(done.error());
  }
  result_.kind = kind();
  if (result_.kind != Resolution::Kind::found) co_return Resolution{result_.kind, {}};
  drop_repeated();
  const auto checked = co_await check_room();
  if (!checked) co_return std::unexpected(checked.error());
  co_return std::move(result_);
}

Task<Result<>> Expansion::visit(std::size_t index) {
  if (pending_[index].settled) co_return Result<>{};
  const auto match = co_await book_.match(pending_[index].address);
  if (!match) co_return std::unexpected(match.error());
  if (!match->ours) {
    result_.nodes[index].handling = store::Handling::remote;
  } else if (!match->known || match->fallback) {
    not_yet_ = not_yet_ || match->not_yet;
    dead_end(result_.nodes[index]);
  } else {
    follow(index, *match);
  }
  co_return Result<>{};
}

/// RFC 5321 section 3.9.1: an alias changes whom the envelope names. How its sender is named elsewhere is decided where
/// it leaves.
void Expansion::follow(std::size_t index, const Match& match) {
  if (match.targets.empty() && match.account == 0) {
    result_.nodes[index].hold = store::HoldKind::unowned;
    result_.nodes[index].reason = "no account owns " + result_.nodes[index].address + ": add one to its domain";
  } else if (match.targets.empty()) {
    result_.nodes[index].handling = store::Handling::mailbox;
    result_.nodes[index].account = match.account;
    repeated_[index] = !mailboxes_.insert(match.account).second;
  } else {
    result_.nodes[index].handling = store::Handling::expanded;
    if (match.account != 0) { // it keeps a copy of what it forwards
      Pending done = pending_[index];
      done.settled = true;
      add_node({result_.nodes[index].address, store::Handling::mailbox, match.account, static_cast<int>(index), {}},
               std::move(done));
      repeated_.back() = !mailboxes_.insert(match.account).second;
    }
    for (const auto& target : match.targets) add_target(index, target);
  }
}

void Expansion::add_node(Node node, Pending pending) {
  result_.nodes.push_back(std::move(node));
  pending_.push_back(std::move(pending));
  repeated_.push_back(false);
}

void Expansion::add_target(std::size_t index, const std::string& target) {
  auto address = mail::parse_address(target);
  if (address && seen_before(*address)) return;
  const unsigned depth = pending_[index].depth + 1;
  too_deep_ = too_deep_ || depth > options_.max_depth;
  too_many_ = too_many_ || result_.nodes.size() > options_.max_targets;
  if (too_deep_ || too_many_) return;
  std::string text = address ? address->to_string() : target;
  add_node({std::move(text), store::Handling::held, 0, static_cast<int>(index), {}},
           {address.value_or(mail::Address{}), depth, !address.has_value()});
  if (!address) dead_end(result_.nodes.back());
}

bool Expansion::seen_before(const mail::Address& address) {
  return !seen_.insert(mail::comparable_name(address.local) + "@" + to_lower(address.domain)).second;
}

void Expansion::dead_end(Node& node) {
  const auto& alias = result_.nodes[static_cast<std::size_t>(node.parent)].address;
  node.reason = "the alias " + alias + " leads to " + node.address + ", which does not exist";
  ++dead_ends_;
}

Resolution::Kind Expansion::kind() const {
  if (too_many_) return Resolution::Kind::too_large;
  if (too_deep_) return Resolution::Kind::loop;
  const auto ends = static_cast<std::size_t>(std::ranges::count_if(
      result_.nodes, [](const Node& node) { return node.handling != store::Handling::expanded; }));
  if (ends > dead_ends_) return Resolution::Kind::found;
  if (dead_ends_ == 0) return Resolution::Kind::loop;
  return not_yet_ ? Resolution::Kind::not_yet : Resolution::Kind::unknown;
}

void Expansion::drop_repeated() {
  std::vector<Node> kept;
  std::vector<int> moved(result_.nodes.size(), -1);
  for (std::size_t i = 0; i < result_.nodes.size(); ++i) {
    if (repeated_[i]) continue;
    Node node = std::move(result_.nodes[i]);
    // A parent stands before its children, and a repeated mailbox has none.
    if (node.parent >= 0) node.parent = moved[static_cast<std::size_t>(node.parent)];
    moved[i] = static_cast<int>(kept.size());
    kept.push_back(std::move(node));
  }
  result_.nodes = std::move(kept);
}

Task<Result<>> Expansion::check_room() {
  for (const auto account : mailboxes_) {
    const auto full = co_await book_.is_full(account);
    if (!full) co_return std::unexpected(full.error());
    result_.mailbox_full = result_.mailbox_full || *full;
  }
  co_return Result<>{};
}

} // namespace paquebot::directory
