#pragma once

#include "store/suppression.h"
#include "store/test_contract.h"

#include <string>
#include <vector>

namespace paquebot::store {

/// The suite about what was not taken and whom programs send nothing to; instantiated for each backend beside
/// StoreContract.
class SuppressionContract : public StoreContract {
protected:
  Ulid sent(const Account& account, const std::string& to, bool by_api = true) {
    AcceptRequest request = message();
    request.klass = MessageClass::submitted;
    request.account = account.id;
    request.by_api = by_api;
    request.recipients = {to_remote(to, to.substr(to.find('@') + 1), true)};
    return accepted(request);
  }
  /// It came to this.
  void came_to(const Ulid& id, State to, mail::BounceClass bounce, const mail::Told& told = {}) {
    Outcome outcome{.message = id, .to = to};
    outcome.reply = told;
    outcome.bounce = bounce;
    if (to == State::waiting) outcome.due = now() + 1000;
    ASSERT_TRUE(record(outcome));
  }
  void fails(const Account& account, const std::string& to, mail::BounceClass bounce, const mail::Told& told,
             bool by_api = true) {
    came_to(sent(account, to, by_api), State::failed, bounce, told);
  }
  std::string reason_for(const Account& account, const std::string& address) {
    const auto found = run(store().books().find_suppression(account.id, address)).value();
    return found ? std::string(name_of(found->reason)) : std::string();
  }
  std::vector<Suppression> all() { return run(store().books().list_suppressions({}, 0, 100)).value(); }
  const mail::Told no_user = peer_said(550, "no such user", {5, 1, 1});
  const mail::Told is_full = peer_said(552, "over quota", {5, 2, 2});
};

} // namespace paquebot::store
