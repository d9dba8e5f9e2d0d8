#include "queue/draft.h"

#include "base/text.h"
#include "queue/owed.h"

#include <algorithm>
#include <set>

namespace paquebot::queue {
namespace {

std::string domain_of(const std::string& address) {
  auto at = address.rfind('@');
  return at == std::string::npos ? std::string() : to_lower(address.substr(at + 1));
}

/// "work" of "ann+work@example.org"; empty: it has none.
std::string tag_of(const std::string& address, char separator) {
  const auto at = address.rfind('@');
  const auto from = separator != 0 ? address.find(separator) : std::string::npos;
  if (at == std::string::npos || from == std::string::npos || from == 0 || from > at) return {};
  return address.substr(from + 1, at - from - 1);
}

class Builder {
public:
  /// `nodes`: how many there will be in all.
  Builder(store::AcceptRequest& request, const Draft& draft, const RouteTable& routes, const std::string& source,
          std::int64_t now, std::size_t nodes)
      : request_(request), routes_(routes), source_(source), now_(now), alone_(nodes == 1),
        special_use_(draft.special_use), folder_(draft.folder), tag_separator_(draft.tag_separator) {
    request_.recipients.reserve(nodes);
  }

  void add(const DraftRecipient& from) {
    if (!from.hold.empty()) return add_kept(from);
    if (held()) return add_held(from);
    std::vector<std::int32_t> index(from.nodes.size(), -1);
    for (std::size_t i = 0; i < from.nodes.size(); ++i) {
      const directory::Node& node = from.nodes[i];
      if (repeated(node.address)) continue;
      std::int32_t parent = node.parent < 0 ? -1 : index[static_cast<std::size_t>(node.parent)];
      index[i] = static_cast<std::int32_t>(request_.recipients.size());
      make(request_.recipients.emplace_back(), from, node, parent);
    }
  }

private:
  bool repeated(const std::string& address) { return !alone_ && !seen_.insert(to_lower(address)).second; }
  std::string destination_of(const std::string& address) const {
    return bind_to(routes_.destination(domain_of(address)), source_);
  }
  bool held() const { return request_.sender.hold.until > now_; }

  void add_held(const DraftRecipient& from) {
    const directory::Node& node = from.nodes.front();
    if (repeated(node.address)) return;
    const bool ours = node.handling != store::Handling::remote;
    store::NewRecipient row;
    row.address = node.address;
    row.notify = from.recipient.notify;
    row.orcpt = from.recipient.orcpt;
    row.handling = store::Handling::remote;
    row.destination = ours ? domain_of(node.address) : destination_of(node.address);
    row.due = request_.sender.hold.until;
    row.deadline = deadline();
    request_.recipients.push_back(std::move(row));
  }

  /// Not expanded either: what the directory says once it is released is what counts.
  void add_kept(const DraftRecipient& from) {
    const directory::Node& node = from.nodes.front();
    if (repeated(node.address)) return;
    store::NewRecipient row;
    row.address = node.address;
    row.notify = from.recipient.notify;
    row.orcpt = from.recipient.orcpt;
    row.handling = store::Handling::held;
    row.hold = store::HoldKind::filter;
    row.reason = from.hold;
    if (node.handling == store::Handling::remote) row.destination = destination_of(node.address);
    request_.recipients.push_back(std::move(row));
  }

  /// What came late already was told of by the server before us (RFC 2852 section 4.1.3).
  std::int64_t deadline() const { return request_.sender.deliver_by.at > now_ ? request_.sender.deliver_by.at : 0; }

  void make(store::NewRecipient& row, const DraftRecipient& from, const directory::Node& node, std::int32_t parent) {
    row.address = node.address;
    row.notify = from.recipient.notify;
    row.orcpt = from.recipient.orcpt;
    row.handling = node.handling;
    row.parent = parent;
    row.account = node.account;
    row.hold = node.hold;
    row.reason = node.reason;
    row.code = node.code;
    row.status = node.status;
    if (row.orcpt.empty() && parent >= 0) // the sender knows the recipient by the name it used
      row.orcpt =
          (is_ascii(from.nodes.front().address) ? "rfc822;" : "utf-8;") + from.nodes.front().address; // RFC 6533 3
    if (!routes_.empty() && row.handling == store::Handling::mailbox &&
        request_.klass != store::MessageClass::imported &&
        routes_.store_of(domain_of(node.address)) != nullptr) { // the mailbox is elsewhere
      row.handling = store::Handling::remote;
      row.account = 0;
    }
    if (row.handling == store::Handling::remote) {
      row.destination = destination_of(node.address);
      row.due = now_;
      row.deadline = deadline();
      if (node.parent >= 0) row.via = from.nodes[static_cast<std::size_t>(node.parent)].address;
    }
    if (row.handling == store::Handling::mailbox) {
      row.special_use = special_use_;
      row.mailbox = folder_;
      if (tag_separator_ != 0) row.mailbox = tag_of(node.address, tag_separator_);
    }
    if (row.handling == store::Handling::mailbox) row.owed = owed_on_success(request_.sender, row.notify);
    if (row.handling == store::Handling::failed) row.owed = owed_on_failure(request_.sender, row.notify);
  }

  store::AcceptRequest& request_;
  const RouteTable& routes_;
  const std::string& source_;
  std::int64_t now_;
  bool alone_; ///< there is one node only: nothing repeats
  const std::uint8_t special_use_;
  const std::string& folder_;
  const char tag_separator_;
  std::set<std::string> seen_;
};

} // namespace

std::shared_ptr<store::AcceptRequest> build_request(Draft&& draft, const RouteTable& routes, const Schedule& schedule,
                                                    WallTime now, const Sources* sources) {
  auto request = std::make_shared<store::AcceptRequest>();
  static_cast<store::NewMessage&>(*request) = std::move(static_cast<store::NewMessage&>(draft));
  request->accepted_at = millis(now);
  const WallTime released = std::max(now, from_millis(request->sender.hold.until));
  request->expires_at = millis(released + schedule.lifetime);
  std::size_t nodes = 0;
  for (const DraftRecipient& recipient : draft.recipients) nodes += recipient.nodes.size();
  std::string source;
  if (sources != nullptr) source = sources->choose(request->sender.reverse_path, request->account != 0, request->id);
  Builder builder(*request, draft, routes, source, request->accepted_at, nodes);
  for (const DraftRecipient& recipient : draft.recipients) builder.add(recipient);
  return request;
}

} // namespace paquebot::queue
