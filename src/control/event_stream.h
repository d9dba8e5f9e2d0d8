#pragma once

#include "control/call.h"
#include "control/feed_event.h"
#include "http/site.h"

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

/// Events as they happen (docs/api.md, "Events"): a page of them, or a stream of server-sent events.
namespace paquebot::control {

/// What somebody wants to read.
struct EventWish {
  std::optional<FeedPlace> after; ///< nothing: from now on
  std::vector<std::string> words; ///< patterns; none: all
};
Found<EventWish> read_event_wish(const Call& call);

/// Reads along in the feed, within bounds: no more is read while there is something to take.
class FeedReader {
public:
  /// Milliseconds for which the feed is written for somebody who may come again.
  static constexpr std::int64_t kWatchFor = 10 * 60 * 1000;

  FeedReader() = default; ///< reads nothing
  /// Where rows are missing behind `after`, the first event is "gap".
  static Task<Found<FeedReader>> begin(store::Feed& feed, EventWish wish);

  /// Somebody reads: rows are written for a while.
  void keep_writing();
  bool has_event() const { return !waiting_.empty(); }
  /// There is more in the feed than what was read; perhaps not committed yet.
  bool behind() const { return feed_->last() > place_.behind(); }
  /// Some rows more.
  Task<Found<>> read();
  FeedEvent take() {
    FeedEvent event = std::move(waiting_.front());
    waiting_.pop_front();
    return event;
  }
  const FeedPlace& place() const { return place_; }

private:
  FeedReader(store::Feed& feed, std::vector<std::string> words) : feed_(&feed), words_(std::move(words)) {}

  store::Feed* feed_ = nullptr;
  std::vector<std::string> words_;
  FeedPlace place_; ///< up to where it was read
  std::deque<FeedEvent> waiting_;
};

/// One of the streams that are open.
struct StreamPlace {
  std::atomic<bool> ended = false; ///< another one has taken its place
};

/// How many streams there are, so that they stay few. Thread-safe; outlives the places.
class StreamCount {
public:
  static constexpr std::size_t kMost = 256;
  static constexpr std::size_t kMostOfOne = 16; ///< account or token

  /// One more, until the place is let go of. Who has as many as may be loses the oldest: a page that is loaded anew
  /// leaves one behind that nobody reads. Null: there are too many in all.
  std::shared_ptr<StreamPlace> enter(const std::string& who);

private:
  void leave(const std::string& who, StreamPlace* place);

  std::mutex mutex_;
  std::map<std::string, std::deque<StreamPlace*>> open_;
  std::size_t all_ = 0;
};

/// Who asks, asked again: nothing when he may not any more (logged out, token gone, account disabled or removed).
using AskAgain = std::function<Task<std::optional<Asker>>()>;

/// The content of GET /v1/events as text/event-stream. Ends when who asked may ask no more.
std::unique_ptr<http::ContentSource> make_event_stream(FeedReader reader, Asker asker, AskAgain again,
                                                       std::shared_ptr<StreamPlace> place);

} // namespace paquebot::control
