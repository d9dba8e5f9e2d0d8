#pragma once

#include "filter/filter.h"
#include "filter/link.h"

#include <memory>
#include <string>
#include <vector>

namespace paquebot::filter {

/// The filters of a listener, in their order.
using Chain = std::vector<Options>;

/// What the filters made of a message.
struct Judgement {
  mail::Reply reply;   ///< refuse it so; code 0: it may go on
  std::string hold;    ///< hold it, why; empty: no
  std::string discard; ///< let it vanish, why; empty: no
  std::string note;    ///< for the trail; empty: nothing to tell
};

/// All filters of one session, asked one after the other; each sees what those before it changed. The first that
/// refuses or discards ends it. A filter that fails is passed over or makes the message wait, as configured, and is
/// logged.
class Session {
public:
  /// `chain` is shared with all sessions of the listener.
  Session(std::shared_ptr<const Chain> chain, LinkMeans means);
  ~Session();

  // A reply with the code 0: go on.
  Task<mail::Reply> connected(Client client);
  Task<mail::Reply> greeted(Client client);
  Task<mail::Reply> mail(Client client, mail::Sender sender);
  Task<mail::Reply> recipient(mail::Recipient recipient);
  Task<mail::Reply> data(std::string id);
  Task<Judgement> content(Content& content);
  Task<void> leave();

private:
  struct Member {
    std::unique_ptr<Filter> filter;
    bool done = false; ///< it wants no more of this message
  };
  mail::Reply take(Member& member, Result<Verdict> said);
  mail::Reply failed(const Filter& filter, const Error& why) const;
  Task<bool> look(Member& member, Content& content, Judgement& judgement);

  std::shared_ptr<const Chain> chain_;
  std::vector<Member> members_;
  Client client_;
  std::string discard_; ///< a filter said so before the content came
};

} // namespace paquebot::filter
