#pragma once

#include "app/certificate.h"
#include "app/config.h"
#include "service/server.h"

#include <memory>

namespace paquebot::app {

/// The filters that see the mail of listeners with that role; null: none.
std::shared_ptr<const filter::Chain> filters_for(const Config& config, service::ListenerRole role);

/// As the configuration names it.
const char* role_name(service::ListenerRole role);

/// Everything that a reload replaces, made from the configuration.
std::shared_ptr<const service::Snapshot> make_snapshot(const Config& config, const TlsContexts& contexts);

} // namespace paquebot::app
