#include "store/suspension.h"

#include "base/clock.h"
#include "mail/timestamp.h"

namespace paquebot::store {

std::string_view name_of(Suspension::Of of) {
  switch (of) {
    case Suspension::Of::account: return "account";
    case Suspension::Of::domain: return "domain";
    case Suspension::Of::site: break;
  }
  return "site";
}

std::string words_of(const Suspension& one) {
  std::string words = one.of == Suspension::Of::account  ? "mail of " + one.name + " is suspended"
                      : one.of == Suspension::Of::domain ? "mail to " + one.name + " is suspended"
                                                         : "the site " + one.name + " pauses";
  if (one.until != 0) words += " until " + mail::format_timestamp(from_millis(one.until));
  words += " by " + one.who;
  if (!one.why.empty()) words += ": " + one.why;
  return words;
}

} // namespace paquebot::store
