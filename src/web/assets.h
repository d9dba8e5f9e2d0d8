#pragma once

#include <span>
#include <string_view>

/// The console's files, as esbuild made them from web/ when this program was built. Nothing is read from the disk.
namespace paquebot::web {

/// One file. All of it lives as long as the program.
struct Asset {
  std::string_view name; ///< "index.html", "console.js", "console.css", "icon.svg"; never with a slash
  std::string_view type; ///< what Content-Type says
  std::string_view gzip; ///< its octets, compressed as gzip does (RFC 1952)
  std::string_view etag; ///< with its quotes; another one when the octets are others
};

/// All files, by name. `index.html` is the page, whatever is asked below /console/; it names the others as
/// /console/assets/NAME.
std::span<const Asset> assets();

/// The file of that name, or null.
const Asset* find_asset(std::string_view name);

} // namespace paquebot::web
