#pragma once

#include "doctor/world.h"
#include "net/endpoint.h"
#include "service/snapshot.h"

#include <cstdint>

namespace paquebot::service {

/// What the doctor is told of a listener that is bound to `bound`; `outside`: when a public address last came.
doctor::ListenerFacts facts_of(const ListenerSnapshot& listener, net::Endpoint bound, std::int64_t outside);

} // namespace paquebot::service
