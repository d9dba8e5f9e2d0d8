#pragma once

#include "base/clock.h"
#include "base/ulid.h"
#include "sink/content.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::sink {

/// What SMTP said of a message.
struct Envelope {
  std::string from; ///< empty for "<>"
  std::vector<std::string> to;
  std::string login; ///< empty: nobody logged in
  std::string helo;
  std::string client; ///< its address; empty on a local socket
  std::string tls;    ///< the version; empty: in clear
};

/// What lists show of a message, and what is searched.
struct Brief {
  Person from;
  std::vector<Person> to, cc, bcc, reply_to;
  std::string subject, message_id;
  std::string snippet; ///< the first 250 characters of its text
  std::string words;   ///< subject and text in lower case, at most 64 KiB
  std::size_t attachments = 0, inlines = 0;
};

struct Message {
  std::string id;
  std::uint64_t number = 0; ///< rises: the order in which they came
  WallTime received{};
  std::set<std::string> inboxes; ///< that it is in
  Envelope envelope;
  std::shared_ptr<const std::string> raw; ///< as it came
  Brief brief;
  std::vector<std::string> tags; ///< sorted
  bool read = false;
};
/// A message stays whole for who has it, also when it is removed.
using MessagePtr = std::shared_ptr<Message>;

/// Names of inboxes as they are kept: lower case; letters, digits and "._@+=~-", anything else becomes "-"; at most 100
/// octets. "default" when nothing is left.
std::string inbox_name(std::string_view text);
/// Where mail for this recipient goes when nobody logged in: the tag of "user+tag@domain", else the domain.
std::string inbox_of(std::string_view recipient);
/// All that a message goes into: the one that its field X-Inbox names, else that of its login, else those of its
/// recipients.
std::set<std::string> inboxes_for(const Envelope& envelope, const std::string& raw);
/// Recipients that the message does not name.
std::vector<std::string> blind_of(const Message& message);
/// Tags as Mailpit writes them: letters, digits, blanks and "-._"; others are left out. Empty: it is none.
std::string tag_name(std::string_view text);

/// All messages and the inboxes that they are in. In memory; bounded in every direction, the oldest go first. Of one
/// thread.
class Inboxes {
public:
  struct Bounds {
    std::size_t messages = 500;          ///< in one inbox
    std::chrono::hours age{7 * 24};      ///< of a message
    std::size_t inboxes = 1000;          ///< the one used least recently goes
    std::uint64_t octets = 256ull << 20; ///< of all messages, with what is kept of them
    std::uint64_t message = 50ull << 20; ///< octets of one
  };
  struct Inbox {
    std::map<std::uint64_t, MessagePtr> messages; ///< by number
    std::uint64_t used = 0;                       ///< rises with each use
  };
  struct Counts {
    std::uint64_t accepted = 0, accepted_octets = 0, refused = 0, deleted = 0;
  };

  explicit Inboxes(Bounds bounds, const Clock& clock = system_clock()) : bounds_(bounds), ids_(clock), clock_(clock) {}

  /// Keeps it. `names` is at least one; each is made when it is new.
  MessagePtr add(Envelope envelope, std::string raw, const std::set<std::string>& names);
  /// The inbox is used: it is there from now on.
  void touch(const std::string& name);
  void drop_inbox(const std::string& name);

  const std::map<std::string, Inbox>& all() const { return inboxes_; }
  /// Newest first; of all inboxes when `name` is empty.
  std::vector<MessagePtr> list(const std::string& name) const;
  /// By its id, or "latest"; null when it is not there, or not in that inbox.
  MessagePtr find(const std::string& name, std::string_view id) const;
  /// Takes it out of that inbox, or of all; it is gone when it is in none.
  void remove(const std::string& name, const MessagePtr& message);
  /// What is too old goes.
  void expire();

  /// To be called after a message's tags or state were changed.
  void changed() {
    ++version_;
    if (on_change) on_change();
  }
  /// Rises with each change.
  std::uint64_t version() const { return version_; }
  std::uint64_t octets() const { return octets_; }
  const Bounds& bounds() const { return bounds_; }
  Counts counts;
  std::function<void()> on_change;

private:
  void put(const std::string& name, const MessagePtr& message);
  void take_out(const std::string& name, Message& message);
  void forget(const MessagePtr& message);
  void make_room();

  Bounds bounds_;
  std::map<std::uint64_t, MessagePtr> messages_; ///< all, by number
  std::map<std::string, std::uint64_t, std::less<>> numbers_;
  std::map<std::string, Inbox> inboxes_;
  UlidSource ids_;
  const Clock& clock_;
  std::uint64_t next_ = 1, uses_ = 0, octets_ = 0, version_ = 0;
};

} // namespace paquebot::sink
