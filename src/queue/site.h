#pragma once

#include <cstdint>
#include <string>

namespace paquebot::queue {

/// What a site's hosts tell of their limits. The four are told apart, since each wants something else.
enum class Signal : std::uint8_t {
  none,
  connections, ///< no more of them beside those that are open
  used_up,     ///< this connection takes no more messages, and a new one does
  rate,        ///< too many messages in a time
  blocked,     ///< nothing from this source for now
};

/// What is known of one site: mail hosts (an MX set, or a route) that share limits for what comes from us. How many
/// connections there may be, how fast messages may follow each other, whether all has to pause. Learnt from what the
/// hosts say, given up bit by bit while all goes well. Pure: times are wall milliseconds, and passed in.
class Site {
public:
  /// What is kept over restarts.
  struct Learned {
    unsigned most = 0;            ///< connections; 0: as many as are configured
    std::int64_t interval = 0;    ///< milliseconds from one message to the next; 0: any
    bool hasty = false;           ///< that was learnt from a few messages
    unsigned per_connection = 0;  ///< messages; 0: any number
    std::int64_t pause_until = 0; ///< 0: there is no pause
    unsigned blocks = 0;          ///< pauses in a row, each twice as long as the one before
    std::string why;              ///< what was said last
    std::int64_t learned_at = 0;
    bool operator==(const Learned&) const = default;
  };

  Site() = default;
  explicit Site(Learned learned) : learned_(std::move(learned)) {}

  const Learned& learned() const { return learned_; }
  bool knows_something() const;

  /// Connections that there may be, of `configured` at most: one while it is not known whether a block is over.
  unsigned window(unsigned configured) const;
  /// Nothing goes before that: a pause, or the next message's turn. At most `now`: it may go.
  std::int64_t goes_at(std::int64_t now) const;
  /// No further connection is made before that, beside those that are open.
  std::int64_t calm_until() const { return calm_until_; }
  /// Over one connection; 0: any number. Forgotten after an hour.
  unsigned per_connection(std::int64_t now) const;

  /// A message is taken up.
  void begins(std::int64_t now);
  /// The site judged a message. `full`: with as many connections as there may be.
  void judged(std::int64_t now, unsigned configured, bool full);
  /// It let no further connection in beside `open` ones: of what there may be, 0.7, and no more than these; and none is
  /// made for five seconds.
  void too_many(std::int64_t now, unsigned configured, unsigned open, std::string why);
  /// It was not for their number.
  void not_too_many() { learned_.most = 0; }
  void used_up(std::int64_t now, unsigned messages);
  /// 0.85 of the rate that was seen, for half a minute; then a twentieth more each minute without another word, until
  /// it is twice as fast as when that was said. What was said of a few messages shows no rate: unless it is said again,
  /// one quiet minute behind the half one ends it.
  void too_fast(std::int64_t now, std::string why);
  /// A pause of ten minutes, twice as long each time that the one message after it is refused so again, up to four
  /// hours.
  void blocked(std::int64_t now, std::string why);
  /// An operator's. `until`: kForGood until it is resumed.
  void pause(std::int64_t now, std::int64_t until, std::string why);
  void resume();

  static constexpr std::int64_t kForGood = 253'402'300'799'999;

private:
  void relax(std::int64_t now);

  Learned learned_;
  std::int64_t calm_until_ = 0;
  std::int64_t next_ = 0;       ///< when the next message may go
  std::int64_t quiet_from_ = 0; ///< since then nobody has said that it is too fast
  std::int64_t fastest_ = 0;    ///< the interval at which the limit goes
  unsigned full_ = 0;           ///< messages that were judged while all connections were used
  unsigned count_ = 0;          ///< messages begun since:
  std::int64_t since_ = 0;
};

} // namespace paquebot::queue
