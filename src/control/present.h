#pragma once

#include "control/json.h"
#include "directory/login_throttle.h"
#include "doctor/finding.h"
#include "policy/refusals.h"
#include "store/rights.h"
#include "store/takeover.h"
#include "store/types.h"

#include <vector>

/// The words of the store as JSON (docs/api.md, the shapes of schema.h). Sizes are octets.
namespace paquebot::control {

json::object present(const store::Account& account);
json::object present(const store::AppPassword& password);
json::object present(const directory::LoginFacts& facts);
json::object present(const store::Suspicion& suspicion);
json::object present(const store::Token& token); ///< nothing of its hash
json::object present(const store::AddressEntry& entry, std::string_view account_login);
json::object present(const store::MessageFacts& message);
json::object present(const store::RecipientFacts& recipient);
json::object present(const store::WorkItem& item);
/// The same; recipients that wait behind a failure of their destination have its `destination_error` and
/// `destination_until`.
json::object present(const store::WorkItem& item, const std::vector<store::DestinationFacts>& destinations,
                     std::int64_t now);
json::object present(const store::DestinationFacts& destination);
json::object present(const store::Trace& trace);
json::object present(const policy::Refusal& refusal);
json::object present(const doctor::Record& record);
json::object present(const doctor::Finding& finding);

std::string_view name_of(store::State state);
std::string_view name_of(store::MessageClass klass);
std::string_view name_of(store::EventKind kind);

} // namespace paquebot::control
