#pragma once

#include "mail/bounce_class.h"
#include "policy/return_paths.h"
#include "store/suppression.h"

#include <string_view>
#include <vector>

namespace paquebot::intake {

/// What came as message `report` to a return address of a message by the API says of its recipients. `begin`: head and
/// as much of the body as is looked at. What is no delivery report says nothing of anybody. Pure.
store::ProvenReturn proven_return(const policy::Returned& returned, const Ulid& report, std::string_view begin);

/// The classes of the failures in it.
std::vector<mail::BounceClass> classes_of(const store::ProvenReturn& proven);

} // namespace paquebot::intake
