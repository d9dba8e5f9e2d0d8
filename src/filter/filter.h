#pragma once

#include "base/result.h"
#include "base/task.h"
#include "mail/envelope.h"
#include "mail/head.h"
#include "mail/status.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Programs beside the server that look at messages on their way in: milters, rspamd, clamd (docs/filters.md).
namespace paquebot::filter {

enum class Kind : std::uint8_t { milter, rspamd, clamd };
/// What happens to mail while a filter does not answer, answers nonsense or takes too long.
enum class Away : std::uint8_t { accept, defer };
/// What happens to what a filter calls bad.
enum class Deed : std::uint8_t { refuse, hold, tag };

/// Where a filter listens: a path, or a host (name or address) and a port.
struct Place {
  std::string path;
  std::string host;
  std::uint16_t port = 0;
  std::string to_string() const;
};
/// Reads "unix:/path", "inet:host:port" or "inet:[2001:db8::1]:port". `invalid` otherwise.
Result<Place> parse_place(std::string_view text);

struct Options {
  std::string name; ///< for logs, the trail and replies' causes
  Kind kind = Kind::milter;
  Place place;
  std::chrono::milliseconds timeout{30'000};        ///< of each step: connecting, one question and its answer
  std::chrono::milliseconds total_timeout{300'000}; ///< of all steps with the content of one message
  Away when_away = Away::defer;
  std::uint64_t max_size = 0;    ///< octets of head and body; larger messages pass it by (rspamd, clamd). 0: none do
  Deed bad = Deed::refuse;       ///< rspamd: the action "reject"; clamd: a signature was found
  bool defer_greylisted = false; ///< rspamd: heed the action "greylist"
  std::uint64_t max_new_body = 64u << 20; ///< octets of a replaced body (milter)
};

/// The peer of a session, as filters are told.
struct Client {
  std::string hostname; ///< ours
  std::string daemon;   ///< the listener's role: "mx", "submission", "lmtp"
  std::string address;  ///< IP; empty for a local socket
  std::uint16_t port = 0;
  std::string name; ///< verified host name; empty: none is known
  std::string helo;
  std::string tls_version; ///< empty: plain text
  std::string tls_cipher;
  std::string login; ///< empty: nobody
};

/// What a filter says at a step.
struct Verdict {
  enum class Kind : std::uint8_t {
    go_on,   ///< nothing against it so far
    accept,  ///< it does not want to see more of this message
    refuse,  ///< say `reply`, 4xx or 5xx
    discard, ///< take the message and let it vanish
  };
  Kind kind = Kind::go_on;
  mail::Reply reply;
};

/// A change of the header block. Positions count the fields of one name from 1 in the order in which the filter saw
/// them: a removed one keeps its place, a changed one too.
struct HeadChange {
  enum class Kind : std::uint8_t {
    append,  ///< at the end
    insert,  ///< in front of the field at `index` of all fields, ours (Received) counted as the first, from 0
    replace, ///< the `index`th of that name; beyond the last: append
    remove,  ///< the `index`th of that name; 0: all; negative: counted from the end
  };
  Kind kind = Kind::append;
  std::int32_t index = 0;
  std::string name;
  std::string value; ///< without the space behind the colon, folds as CRLF and white space
};

/// All that a filter says of a message.
struct Outcome {
  Verdict verdict;
  std::vector<HeadChange> head;
  std::optional<mail::Address> sender; ///< another reverse path; empty: "<>"
  std::vector<mail::Address> added;
  std::vector<mail::Address> removed; ///< recipients
  bool new_body = false;              ///< it came through Content::replace()
  std::string hold;                   ///< why the message is to be held; empty: it is not
  std::string note;                   ///< for the trail: "rspamd: add header, score 7.1"

  /// Changes of the recipients one after the other: who is taken out and then put in again is there.
  void add(mail::Address address);
  void remove(mail::Address address);
};

/// The message that a filter looks at: as the filters before it left it.
class Content {
public:
  virtual ~Content() = default;
  virtual const std::string& id() const = 0;
  virtual const mail::Sender& sender() const = 0;
  virtual std::vector<mail::Address> recipients() const = 0;
  /// Without our own Received field.
  virtual const mail::Head& head() const = 0;
  virtual std::uint64_t body_size() const = 0;
  /// At most `most` octets of the body from `offset`; empty at its end.
  virtual Task<Result<std::string>> read(std::uint64_t offset, std::size_t most) = 0;
  /// The next piece of a body to be put in place of this one.
  virtual Task<Result<>> replace(std::string_view piece) = 0;
  /// Drops what replace() took: the filter failed.
  virtual Task<void> forget() = 0;
  /// Makes the filter's changes. Errors are ours, not the filter's: answer 451.
  virtual Task<Result<>> apply(Outcome outcome) = 0;
};

/// One filter's view of one session. The steps before content() tell it what happens when it happens and may be left
/// out by filters that look at content only. An error is the filter's: it is away, too slow or talks nonsense; then it
/// is as if it had seen nothing, and the next call may find it well again. Each call ends within the time bounds.
class Filter {
public:
  explicit Filter(const Options& options) : options_(options) {}
  virtual ~Filter() = default;
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;
  const Options& options() const { return options_; }

  virtual Task<Result<Verdict>> connected(Client client);
  virtual Task<Result<Verdict>> greeted(Client client);
  /// A message begins; what there was of another is over.
  virtual Task<Result<Verdict>> mail(Client client, mail::Sender sender);
  virtual Task<Result<Verdict>> recipient(mail::Recipient recipient);
  /// The content begins; `id` is the message's from here on.
  virtual Task<Result<Verdict>> data(std::string id);
  virtual Task<Result<Outcome>> content(Client client, Content& content) = 0;
  /// The session is over.
  virtual Task<void> leave();

private:
  const Options& options_;
};

} // namespace paquebot::filter
