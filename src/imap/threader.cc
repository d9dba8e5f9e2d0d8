#include "imap/arrange.h"
#include "mail/head.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace paquebot::imap {

void Threader::add(std::uint32_t number, const Row& row, const std::string& head) {
  const auto fields = mail::Head::parse(head);
  BaseSubject subject = base_subject(fields ? fields->value("Subject") : std::string());
  std::uint32_t node = kNone;
  if (by_ == By::references && fields) {
    const auto own = message_ids(fields->value("Message-ID"), 1);
    if (!own.empty()) {
      const std::uint32_t known = node_of(own.front());
      if (nodes_[known].number == 0) node = known; // a second one of the same id has none
    }
  }
  if (node == kNone) {
    node = static_cast<std::uint32_t>(nodes_.size());
    nodes_.emplace_back();
  }
  octets_ += sizeof(Node) + 32 + subject.text.size();
  nodes_[node].number = number;
  nodes_[node].date = sent_date(row, head);
  nodes_[node].subject = std::move(subject.text);
  nodes_[node].answer = subject.answer;
  if (by_ == By::references) add_references(node, head);
}

/// Step 1 of REFERENCES.
void Threader::add_references(std::uint32_t node, const std::string& head) {
  const auto fields = mail::Head::parse(head);
  if (!fields) return;
  auto ids = message_ids(fields->value("References"), kReferences);
  if (ids.empty()) {
    ids = message_ids(fields->value("In-Reply-To"), kReferences);
    if (ids.size() > 1) ids.resize(1);
  }
  std::uint32_t above = kNone;
  for (const std::string& id : ids) {
    const std::uint32_t one = node_of(id);
    if (above != kNone && nodes_[one].parent == kNone && may_link(above, one)) nodes_[one].parent = above;
    above = one;
  }
  if (above == kNone || above == nodes_[node].parent) return;
  nodes_[node].parent = kNone; // its own references count for more than what others say of it
  if (may_link(above, node)) nodes_[node].parent = above;
}

std::uint32_t Threader::node_of(const std::string& id) {
  const auto [at, fresh] = by_id_.emplace(id, static_cast<std::uint32_t>(nodes_.size()));
  if (fresh) {
    nodes_.emplace_back();
    octets_ += sizeof(Node) + id.size() + 96;
  }
  return at->second;
}

bool Threader::may_link(std::uint32_t parent, std::uint32_t child) const {
  std::size_t depth = 0;
  for (std::uint32_t one = parent; one != kNone; one = nodes_[one].parent)
    if (one == child || ++depth > kDepth) return false;
  return true;
}

void Threader::link(std::uint32_t parent, std::uint32_t child) {
  nodes_[child].parent = parent;
  nodes_[parent].children.push_back(child);
}

/// Step 3: of those whom nobody has nothing is left, but for roots with several children. `node` or what is below it
/// goes into `into`.
void Threader::lift(std::uint32_t node, std::vector<std::uint32_t>& into, bool root) {
  Node& one = nodes_[node];
  const bool kept = one.number != 0 || (root && one.children.size() > 1);
  if (kept) return into.push_back(node);
  for (const std::uint32_t child : one.children) {
    nodes_[child].parent = one.parent;
    into.push_back(child);
  }
}

/// From below upwards, so that what is lifted once needs no more of it.
void Threader::prune() {
  std::vector<std::uint32_t> order; // parents in front of their children
  for (std::uint32_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].parent == kNone) order.push_back(i);
  for (std::size_t i = 0; i < order.size(); ++i)
    for (const std::uint32_t child : nodes_[order[i]].children) order.push_back(child);
  for (std::size_t i = order.size(); i > 0; --i) {
    Node& one = nodes_[order[i - 1]];
    std::vector<std::uint32_t> children;
    for (const std::uint32_t child : std::exchange(one.children, {})) lift(child, children, false);
    for (const std::uint32_t child : children) nodes_[child].parent = order[i - 1];
    one.children = std::move(children);
  }
}

/// Of one that nobody has that of its first child.
std::int64_t Threader::date_of(std::uint32_t node) const {
  const Node& one = nodes_[node];
  if (one.number != 0 || one.children.empty()) return one.date;
  return nodes_[one.children.front()].date;
}

void Threader::sort_siblings(std::vector<std::uint32_t>& nodes) const {
  const auto place = [this](std::uint32_t node) {
    const Node& one = nodes_[node];
    const std::uint32_t number =
        one.number != 0 || one.children.empty() ? one.number : nodes_[one.children.front()].number;
    return std::pair(date_of(node), number);
  };
  std::ranges::sort(nodes, {}, place);
}

/// Step 5: roots with the same base subject become one thread.
void Threader::gather_subjects(std::vector<std::uint32_t>& roots) {
  const auto first_of = [this](std::uint32_t node) -> const Node& {
    const Node& one = nodes_[node];
    return one.number != 0 || one.children.empty() ? one : nodes_[one.children.front()];
  };
  std::unordered_map<std::string_view, std::uint32_t> table;
  for (const std::uint32_t root : roots) {
    const Node& first = first_of(root);
    if (first.subject.empty()) continue;
    const auto [at, fresh] = table.emplace(first.subject, root);
    if (fresh) continue;
    const bool dummy = nodes_[root].number == 0, held = nodes_[at->second].number == 0;
    if (!held && (dummy || (first_of(at->second).answer && !first.answer))) at->second = root;
  }
  // What the table names must stay where it is while others join it: their subjects are looked up by views.
  std::vector<std::uint32_t> kept;
  std::unordered_map<std::uint32_t, std::uint32_t> stands_for; // a dummy that was made for a root
  for (const std::uint32_t root : roots) {
    const Node& first = first_of(root);
    const auto at = first.subject.empty() ? table.end() : table.find(first.subject);
    if (at == table.end() || at->second == root) {
      kept.push_back(root);
      continue;
    }
    std::uint32_t target = at->second;
    if (const auto other = stands_for.find(target); other != stands_for.end()) target = other->second;
    const bool dummy = nodes_[root].number == 0, held = nodes_[target].number == 0;
    if (dummy && held) {
      for (const std::uint32_t child : std::exchange(nodes_[root].children, {})) link(target, child);
    } else if (held) {
      link(target, root);
    } else if (nodes_[root].answer && !nodes_[target].answer) {
      link(target, root);
    } else {
      nodes_.emplace_back();
      const auto both = static_cast<std::uint32_t>(nodes_.size() - 1);
      link(both, target);
      link(both, root);
      stands_for[at->second] = both;
    }
  }
  for (std::uint32_t& root : kept)
    if (const auto other = stands_for.find(root); other != stands_for.end()) root = other->second;
  roots = std::move(kept);
}

std::vector<std::uint32_t> Threader::roots_by_references() {
  for (std::uint32_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].parent != kNone) nodes_[nodes_[i].parent].children.push_back(i);
  prune();
  std::vector<std::uint32_t> roots;
  std::vector<std::uint32_t> tops;
  for (std::uint32_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].parent == kNone) tops.push_back(i);
  for (const std::uint32_t top : tops) lift(top, roots, true);
  for (const std::uint32_t root : roots) nodes_[root].parent = kNone;
  sort_siblings(roots);
  nodes_.reserve(nodes_.size() + roots.size()); // views of subjects stay
  gather_subjects(roots);
  for (Node& node : nodes_) sort_siblings(node.children);
  sort_siblings(roots);
  return roots;
}

std::vector<std::uint32_t> Threader::roots_by_subject() {
  std::vector<std::uint32_t> order(nodes_.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [this](std::uint32_t i) {
    return std::tuple(std::string_view(nodes_[i].subject), nodes_[i].date, nodes_[i].number);
  });
  std::vector<std::uint32_t> roots;
  for (const std::uint32_t one : order) {
    if (!roots.empty() && nodes_[roots.back()].subject == nodes_[one].subject)
      link(roots.back(), one);
    else
      roots.push_back(one);
  }
  sort_siblings(roots);
  return roots;
}

/// Without recursion: a chain may be long.
void Threader::write(std::uint32_t root, std::string& out) const {
  struct Step {
    std::uint32_t node; ///< kNone: a parenthesis closes
    bool open;          ///< in parentheses of its own
  };
  std::vector<Step> todo{{root, true}};
  while (!todo.empty()) {
    const Step step = todo.back();
    todo.pop_back();
    if (step.node == kNone) {
      out += ')';
      continue;
    }
    const Node& one = nodes_[step.node];
    if (step.open) {
      out += '(';
      todo.push_back({kNone, false});
    } else {
      out += ' ';
    }
    if (one.number != 0) out += std::to_string(one.number);
    const bool alone = one.children.size() == 1;
    if (one.children.size() > 1 && one.number != 0) out += ' ';
    for (std::size_t i = one.children.size(); i > 0; --i) todo.push_back({one.children[i - 1], !alone});
  }
}

std::string Threader::threads() {
  const auto roots = by_ == By::references ? roots_by_references() : roots_by_subject();
  std::string out;
  for (const std::uint32_t root : roots) write(root, out);
  return out;
}

} // namespace paquebot::imap
