#include "delivery/terms.h"

namespace paquebot::delivery {

Terms terms_of(const queue::Plan& plan) {
  Terms terms{.tls = plan.tls, .verify = plan.verify, .require_tls = plan.require_tls, .lmtp = plan.lmtp};
  if (plan.route == nullptr) return terms;
  terms.ca_pem = plan.route->ca_pem;
  terms.user = plan.route->user;
  terms.password = plan.route->password;
  return terms;
}

} // namespace paquebot::delivery
