#pragma once

#include <string>

namespace paquebot::log {

/// From now on each line names this one of several servers (`node`, behind the level); empty: none does. Thread-safe.
void name_node(const std::string& node);

} // namespace paquebot::log
