#include "delivery/terms.h"

namespace paquebot::delivery {

Terms terms_of(const queue::Plan& plan) {
  if (plan.route == nullptr) return {.lmtp = plan.lmtp};
  return {.lmtp = plan.lmtp, .user = plan.route->user, .password = plan.route->password};
}

} // namespace paquebot::delivery
