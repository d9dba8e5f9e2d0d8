#pragma once

#include "intake/passage.h"

namespace paquebot::intake {

/// Tells the owner of an account that most of these bounds is used up, by a message into its mailbox. A notice that
/// can't be stored is only logged.
Task<void> send_limit_notice(IntakeMeans means, std::string hostname, policy::Client client,
                             std::vector<store::LimitHit> passed);

/// The text of that message (head and body), for tests.
struct Notice {
  std::string head;
  std::string body;
};
Notice compose_limit_notice(const std::string& hostname, const std::string& login, const std::string& id,
                            const std::vector<store::LimitHit>& passed, WallTime now);

} // namespace paquebot::intake
