#include "web/assets.h"

#include <algorithm>

namespace paquebot::web {

const Asset* find_asset(std::string_view name) {
  const std::span<const Asset> all = assets();
  const auto found = std::ranges::find(all, name, &Asset::name);
  return found == all.end() ? nullptr : &*found;
}

} // namespace paquebot::web
