#include "store/takeover.h"

namespace paquebot::store {

std::string_view name_of(Signal signal) {
  switch (signal) {
    case Signal::new_recipients: return "new_recipients";
    case Signal::failures: return "failures";
    case Signal::networks: return "networks";
    case Signal::operators_order: break;
  }
  return "operator";
}

} // namespace paquebot::store
