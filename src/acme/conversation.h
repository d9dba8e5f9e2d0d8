#pragma once

#include "acme/key.h"
#include "acme/message.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace paquebot::acme {

/// A request of HTTP to make. A redirect is an answer like any other: nobody is followed anywhere.
struct Request {
  std::string method; ///< GET, HEAD or POST
  std::string url;
  std::string type; ///< Content-Type; empty: without content
  std::string content;
};

/// Why it goes no further.
struct Failure {
  std::string words;            ///< plain, for the operator: what happened, and what to do about it
  std::chrono::seconds wait{0}; ///< the authority asks to be left alone for so long; 0: it does not say
  bool order_over = false;      ///< nothing comes of that order any more: the next attempt makes a new one
  bool ours = false;            ///< only the operator can mend it: to try again alone does not help
};

/// Asks one thing after the other of an authority: what it needs for that (its directory, nonces) it asks for first,
/// and what fails for the moment it asks again. Signs requests (RFC 8555 section 6.2 to 6.5). Without I/O or clock.
/// Bounded: 10 answers badNonce in a row, 4 failures (no answer, 5xx) of one request with 2, 4, 8 and 16 seconds
/// between them, 400 requests in all.
class Conversation {
public:
  struct Ask {
    const Request* request; ///< valid until answered() or unreachable()
  };
  struct Pause {
    std::chrono::seconds time;
  };
  struct Heard {
    const Reply* reply; ///< any status below 500 but 429; valid until the next thing is asked
  };
  struct Broken {
    const Failure* failure;
  };
  /// Nothing was asked for.
  struct Rest {};
  using Step = std::variant<Rest, Ask, Pause, Heard, Broken>;

  Conversation(std::string directory_url, PrivateKey key);

  /// Only the directory: Heard is its answer, and directory() is there.
  void look_up();
  void get(std::string url);
  /// Signed for that account, or (empty) with the key itself named. An empty payload is POST-as-GET.
  void post(std::string url, std::string payload, std::string account);
  const Directory& directory() const { return *directory_; }

  /// What it says it repeats until it is told: answered() or unreachable() after Ask, rested() after Pause.
  Step next();
  void answered(Reply reply, std::int64_t now); ///< `now`: milliseconds since 1970
  void unreachable(const Error& why);
  void rested();

private:
  enum class Part : std::uint8_t { nothing, directory, nonce, request };
  enum class Mode : std::uint8_t { look_up, get, post };

  void begin(Mode mode, std::string url, std::string payload, std::string account);
  void ask_next();
  void take_directory(const Reply& reply);
  void take_reply(Reply reply, std::int64_t now);
  void put_off(std::string why, std::optional<std::chrono::seconds> wanted);
  void give_up(Failure failure);

  const std::string directory_url_;
  const PrivateKey key_;
  std::optional<Directory> directory_;
  std::string nonce_; // unused; empty: none
  Mode mode_ = Mode::get;
  std::string url_, payload_, account_;
  Part part_ = Part::nothing;
  Request request_;
  std::optional<std::chrono::seconds> pause_;
  std::optional<Reply> heard_;
  std::optional<Failure> failure_;
  unsigned bad_nonces_ = 0, failures_ = 0, requests_ = 0;
};

} // namespace paquebot::acme
