// What happens, for whoever asks again and again; the stream of it is event_stream.h.

#include "base/clock.h"
#include "base/text.h"
#include "control/event_stream.h"
#include "control/handlers.h"

namespace paquebot::control {
namespace {

constexpr std::size_t kUsualEvents = 100;
constexpr std::size_t kMostEvents = 1000;
constexpr std::size_t kRowsAtOnce = 20;

FeedPlace at_row(store::Id row) {
  FeedPlace place;
  place.row = row;
  return place;
}

std::string place_text(const FeedPlace& place) {
  return place.whole ? std::to_string(place.row) : std::to_string(place.row) + "-" + std::to_string(place.event);
}

} // namespace

Found<EventWish> read_event_wish(const Call& call) {
  EventWish wish;
  if (const std::string after = call.ask("after"); !after.empty()) {
    wish.after = parse_place(after);
    if (!wish.after) return refuse(Errc::invalid, "\"after\" is no id of an event: it is as in \"17-0\"", {}, "after");
  }
  const std::string words = call.ask("events");
  if (words.empty()) return wish;
  for (const std::string_view one : split(words, ',')) {
    if (!is_event_pattern(one))
      return refuse(Errc::invalid, "there is no event \"" + printable(one, 80) + "\"", "docs/webhooks.md lists them",
                    "events");
    wish.words.emplace_back(one);
  }
  return wish;
}

Task<Found<FeedReader>> FeedReader::begin(store::Feed& feed, EventWish wish) {
  FeedReader reader(feed, std::move(wish.words));
  reader.keep_writing();
  const auto first = co_await feed.first();
  if (!first) co_return std::unexpected(Problem(first.error()));
  const store::Id last = feed.last();
  reader.place_.row = last;
  if (!wish.after) co_return reader;
  const FeedPlace& after = *wish.after;
  // What lay between is forgotten; or it is an id of another store.
  const bool lost = after.row > last || (*first == 0 ? after.row < last : after.behind() + 1 < *first);
  reader.place_ = lost ? at_row(*first == 0 ? last : *first - 1) : after;
  if (lost) {
    FeedEvent gap;
    gap.id = std::to_string(reader.place_.row);
    gap.at = millis(system_clock().wall());
    gap.word = store::kFeedGap;
    reader.waiting_.push_back(std::move(gap));
  }
  co_return reader;
}

void FeedReader::keep_writing() { feed_->watch(millis(system_clock().wall()) + kWatchFor); }

Task<Found<>> FeedReader::read() {
  const store::Id behind = place_.behind();
  const auto rows = co_await feed_->read(behind, kRowsAtOnce);
  if (!rows) co_return std::unexpected(Problem(rows.error()));
  for (const store::FeedRow& row : *rows) {
    std::vector<FeedEvent> events = events_of(row);
    for (std::size_t i = 0; i < events.size(); ++i)
      if (!place_.is_past(row.id, i) && is_wanted(words_, events[i].word)) waiting_.push_back(std::move(events[i]));
    place_ = at_row(row.id);
  }
  co_return Found<>();
}

Task<Answer> list_events(Context& context, Call call) {
  auto wish = read_event_wish(call);
  if (!wish) co_return std::unexpected(wish.error());
  const auto limit = read_limit(call, kUsualEvents, kMostEvents);
  if (!limit) co_return std::unexpected(limit.error());
  store::Feed& feed = context.store.feed();
  auto reader = co_await FeedReader::begin(feed, std::move(*wish));
  if (!reader) co_return std::unexpected(reader.error());
  json::array events;
  std::string next = place_text(reader->place());
  while (events.size() < *limit) {
    if (!reader->has_event()) {
      if (!reader->behind()) break;
      const store::Id before = reader->place().behind();
      const auto read = co_await reader->read();
      if (!read) co_return std::unexpected(read.error());
      if (reader->place().behind() == before) break; // not committed yet
      if (!reader->has_event()) next = place_text(reader->place());
      continue;
    }
    const FeedEvent event = reader->take();
    next = event.id;
    if (may_see(call.asker.grants, event)) events.push_back(told_to(call.asker.grants, event));
  }
  co_return json::object{{"events", std::move(events)}, {"next", next}};
}

} // namespace paquebot::control
