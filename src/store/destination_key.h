#pragma once

#include <string>
#include <string_view>

namespace paquebot::store {

/// A destination whose mail leaves from a source (queue/source.h) is one of its own: "far.example#mail2".
struct Bound {
  std::string_view destination; ///< "far.example"
  std::string_view source;      ///< "": none
};

inline Bound bound_of(std::string_view key) {
  const auto mark = key.starts_with("route:") ? std::string_view::npos : key.rfind('#'); // in no name of a host
  if (mark == std::string_view::npos) return {key, {}};
  return {key.substr(0, mark), key.substr(mark + 1)};
}

/// Those by a route have no source.
inline std::string bind_to(std::string_view destination, std::string_view source) {
  if (source.empty() || destination.starts_with("route:")) return std::string(destination);
  return std::string(destination) + "#" + std::string(source);
}

} // namespace paquebot::store
