#pragma once

#include "cli/cli.h"
#include "control/control.h"
#include "control/json.h"

#include <memory>
#include <string_view>

namespace paquebot::cli {

namespace json = control::json;

/// The way to control::Control, in the running server or in this process.
class Transport {
public:
  virtual ~Transport() = default;
  virtual Result<control::Response> call(std::string_view method, std::string_view target, std::string_view body) = 0;
  /// True when the server runs.
  virtual bool live() const = 0;
};

/// Over the server's control socket. not_found when nobody listens there, permission when we may not.
Result<std::unique_ptr<Transport>> connect_transport(const std::string& socket_path);
/// In this process, on the store itself under its lock. As root it works as the owner of the data directory (or, when
/// that is not there yet, as `place.user`), so that the server can use what it writes.
Result<std::unique_ptr<Transport>> local_transport(const ServerPlace& place);
/// Who gives orders here, for the trail: "operator ann (uid 1000)".
std::string operator_name();
/// The first when the server runs, else the second. Who `changes` nothing makes no store where there is none: not_found
/// then.
Result<std::unique_ptr<Transport>> open_transport(const ServerPlace& place, bool changes);

} // namespace paquebot::cli
