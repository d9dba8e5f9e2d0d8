#pragma once

#include <string>
#include <vector>

namespace paquebot::store {

/// Of whose things a list tells.
struct Within {
  bool all = true;
  std::vector<std::string> domains{}; ///< otherwise of these (lower-case), and of what is in them,
  std::string login{};                ///< and of this account
};

} // namespace paquebot::store
