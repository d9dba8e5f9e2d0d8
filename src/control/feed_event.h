#pragma once

#include "control/grants.h"
#include "control/json.h"
#include "store/feed.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What the feed (store/feed.h) says, in the words that programs are told.
namespace paquebot::control {

/// One event: something that happened to one recipient of a message, to a message as a whole, or to something else.
struct FeedEvent {
  std::string id;          ///< "17-2": the row of the feed, and which event of it
  std::int64_t at = 0;     ///< milliseconds since 1970
  std::string word;        ///< "message.delivered"
  std::string message{};   ///< its id
  std::string klass{};     ///< of the message: "submitted"
  std::string sender{};    ///< of the message: its return address
  std::string recipient{}; ///< an address
  std::string owner{};     ///< login of the account whose mailbox the recipient is
  std::string account{};   ///< login of who submitted the message; or the account that it is about
  std::string domain{};    ///< of the account, else of the recipient; or the domain that it is about
  std::string detail{};    ///< a reply, a reason
  std::string bounce{};    ///< the class of a failure (mail::BounceClass)
  std::string node{};      ///< where it happened, where there are several
  std::string metadata{};  ///< JSON of the sender's
};

/// The words there are, in the order in which documents list them.
struct EventWord {
  std::string_view word;
  std::string_view text; ///< when it comes
};
std::span<const EventWord> event_words();
/// "message.delivered", "message.*" or "*".
bool is_event_pattern(std::string_view text);
/// Whether one of these patterns is for the word; none of them: all are.
bool is_wanted(const std::vector<std::string>& patterns, std::string_view word);

/// "accepted" and so on of a message's class.
std::vector<FeedEvent> events_of(const store::FeedRow& row);
/// Whether it is of these domains; none of them: of any.
bool concerns(const std::vector<std::string>& domains, const FeedEvent& event);
/// Whether who has these grants may be told.
bool may_see(const Grants& grants, const FeedEvent& event);
/// As that one is told: who got a message reads nothing of what its sender says of it.
json::object told_to(const Grants& grants, const FeedEvent& event);

/// Where somebody is who reads along: the row, and the event in it that he has had last.
struct FeedPlace {
  store::Id row = 0;
  std::size_t event = 0; ///< of that row; with `whole` all
  bool whole = true;

  /// Whether he has had this one.
  bool is_past(store::Id of_row, std::size_t index) const {
    return of_row < row || (of_row == row && (whole || index <= event));
  }
  /// The row behind which is read.
  store::Id behind() const { return whole ? row : row - 1; }
};
/// "17-2" or "17"; nothing for what is none.
std::optional<FeedPlace> parse_place(std::string_view text);

} // namespace paquebot::control
