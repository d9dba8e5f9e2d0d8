#include "store/event.h"

#include <algorithm>

namespace paquebot::store {
namespace {

constexpr char kPlain = 1, kWithClasses = 2, kWithNode = 3;

void put(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

/// Takes values off the front of a packed row; once it has failed it stays failed and gives zeros.
class Cursor {
public:
  explicit Cursor(std::string_view text) : rest_(text) {}
  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && rest_.empty(); }

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (!ok_ || rest_.empty()) break;
      const auto octet = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(octet & 0x7F) << shift;
      if ((octet & 0x80) == 0) return value;
    }
    ok_ = false;
    return 0;
  }
  /// A count of things that each take at least one octet of what is left.
  std::size_t count() {
    const std::uint64_t n = number();
    if (n > rest_.size()) ok_ = false;
    return ok_ ? static_cast<std::size_t>(n) : 0;
  }
  std::string bytes() {
    const std::size_t size = count();
    std::string out(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return out;
  }

private:
  std::string_view rest_;
  bool ok_ = true;
};

void put_event(std::string& out, const Event& event, bool with_class) {
  put(out, static_cast<std::uint64_t>(event.kind));
  put(out, static_cast<std::uint64_t>(event.at));
  put(out, event.times);
  if (with_class) put(out, static_cast<std::uint64_t>(event.bounce));
  put(out, event.recipients.size());
  std::uint32_t before = 0;
  for (const std::uint32_t index : event.recipients) {
    put(out, index - before);
    before = index;
  }
  const auto detail = std::string_view(event.detail).substr(0, kMaxEventDetail);
  put(out, detail.size());
  out += detail;
}

Event take_event(Cursor& in, bool with_class) {
  Event event;
  event.kind = static_cast<EventKind>(in.number());
  event.at = static_cast<std::int64_t>(in.number());
  event.times = static_cast<std::uint32_t>(in.number());
  if (with_class) event.bounce = static_cast<mail::BounceClass>(in.number());
  event.recipients.resize(in.count());
  std::uint32_t before = 0;
  for (std::uint32_t& index : event.recipients) index = before += static_cast<std::uint32_t>(in.number());
  event.detail = in.bytes();
  return event;
}

} // namespace

std::string pack_events(const std::vector<Event>& events, std::string_view node) {
  node = node.substr(0, kMaxNodeName);
  const bool classes = !node.empty() || std::ranges::any_of(events, [](const Event& one) {
    return one.bounce != mail::BounceClass::none;
  });
  std::string out(1, !node.empty() ? kWithNode : classes ? kWithClasses : kPlain);
  if (!node.empty()) {
    put(out, node.size());
    out += node;
  }
  put(out, events.size());
  for (const Event& event : events) put_event(out, event, classes);
  return out;
}

std::optional<std::vector<Event>> unpack_events(std::string_view packed) {
  if (packed.empty() || packed.front() < kPlain || packed.front() > kWithNode) return {};
  const bool classes = packed.front() != kPlain;
  Cursor in(packed.substr(1));
  const std::string node = packed.front() == kWithNode ? in.bytes() : std::string();
  if (node.size() > kMaxNodeName) return {};
  std::vector<Event> events;
  for (std::size_t n = in.count(); n > 0 && in.ok(); --n) events.push_back(take_event(in, classes));
  if (!in.at_end()) return {};
  for (Event& event : events) event.node = node;
  return events;
}

} // namespace paquebot::store
