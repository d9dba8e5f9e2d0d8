#pragma once

#include <string>

namespace paquebot::control {

/// The API's types as a TypeScript module (`paquebot api --types`): an interface for each shape, `Actions` with what
/// each action takes and answers by its id, and `actions` with its method, path and the names in it. The console is
/// built with it.
std::string typescript();

} // namespace paquebot::control
