#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::net {

/// A connection as whoever looks after the server sees it, while it lasts. Texts of the peer are as they came: whoever
/// shows them makes them printable.
struct LiveFacts {
  std::string protocol{}; ///< "smtp", "lmtp", "pop3", "imap", "http"
  std::string role{};     ///< of our side: "mx", "submission", "control", "delivery", …
  std::string peer{};     ///< "192.0.2.1:4711"
  std::string name{};     ///< that the peer gave itself, or by which it was looked up
  std::string account{};  ///< login; empty: nobody has logged in
  std::string state{};    ///< "receives a message", in words
  std::string tls{};      ///< "TLSv1.3"; empty: in clear
  std::string last_reply{};
  std::string destination{}; ///< of what is sent
};

/// What the two sides of one connection say, while somebody watches: lines, of which the last are kept. What is secret
/// or long is for whoever adds them to leave out. Thread-safe.
class Transcript {
public:
  enum class Who : std::uint8_t { peer, us, note };
  struct Line {
    std::int64_t at = 0; ///< ms since 1970
    Who who = Who::note;
    std::string text{}; ///< without its end
  };
  static constexpr std::size_t kMostLines = 200;
  static constexpr std::size_t kMostText = 300; ///< octets of a line; the rest is cut

  /// Recording goes on until then (ms since 1970), unless somebody asks for more.
  void watch_until(std::int64_t until);
  bool watched(std::int64_t now) const;

  void add(Who who, std::string_view text, std::int64_t now);
  /// Each line of whole or broken-off ones.
  void add_lines(Who who, std::string_view bytes, std::int64_t now);
  /// So many octets of content went by: told in one line with those before it.
  void add_content(Who who, std::size_t octets, std::int64_t now);

  /// The oldest first.
  std::vector<Line> lines() const;
  std::uint64_t lost() const; ///< lines that had no room any more

private:
  void push(Line line);

  mutable std::mutex mutex_;
  std::deque<Line> lines_;
  std::uint64_t lost_ = 0;
  std::int64_t until_ = 0;
  std::size_t content_ = 0; ///< told of by the last line; 0: it tells of something else
};

} // namespace paquebot::net
