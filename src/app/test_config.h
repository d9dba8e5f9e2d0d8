#pragma once

#include "app/config.h"

#include <map>
#include <string>

namespace paquebot::app {

/// What load_config() makes of a file p.toml with this text, beside which there are `files`.
inline Result<Config> parse(const std::string& text, std::map<std::string, std::string> files = {}) {
  files["p.toml"] = text;
  return load_config("p.toml", [&](const std::string& path) -> Result<std::string> {
    auto file = files.find(path);
    if (file == files.end()) return fail(Errc::not_found, "No such file or directory");
    return file->second;
  });
}

} // namespace paquebot::app
