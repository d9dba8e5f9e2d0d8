#pragma once

#include "base/clock.h"
#include "directory/directory.h"
#include "queue/route.h"
#include "queue/schedule.h"
#include "queue/source.h"
#include "store/types.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::queue {

/// One RCPT and where the directory says that it goes: nodes[0] is the recipient itself.
struct DraftRecipient {
  mail::Recipient recipient;
  std::vector<directory::Node> nodes;
  std::string hold{}; ///< why a filter keeps it aside for an operator to release; empty: it does not
};

/// A message about to be accepted, in the words of those who bring it: sessions, the drop directory, delivery reports,
/// imports.
struct Draft : store::NewMessage {
  std::vector<DraftRecipient> recipients;
  std::uint8_t special_use = 0; ///< store::NewRecipient::special_use of mailboxes here
  std::string folder{};         ///< store::NewRecipient::mailbox of them
  char tag_separator = 0;       ///< what stands behind it in a local part names the mailbox; 0: nothing does
};

/// Turns a draft into what the store accepts: gives each recipient its route and destination, hands NOTIFY and ORCPT on
/// to what an alias expands to (RFC 3461 sections 5.2.7.2, 5.2.7.3), drops repeated addresses, sets the end of the
/// message's life. A message that its sender wants held (RFC 4865) is not expanded: each recipient waits until then as
/// mail for its domain, also when the domain is ours; what the directory says of it then is what counts. Its life
/// begins with its release. What leaves from a source (`sources`) waits for a destination of its own (bind_to()).
std::shared_ptr<store::AcceptRequest> build_request(Draft&& draft, const RouteTable& routes, const Schedule& schedule,
                                                    WallTime now, const Sources* sources = nullptr);

} // namespace paquebot::queue
