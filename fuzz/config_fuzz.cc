// A configuration of any content is taken or refused with a line number in every complaint; what is taken holds the
// bounds of docs/configuration.md.

#include "app/config.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace paquebot;

namespace {

void check(bool good) {
  if (!good) std::abort();
}

void check_taken(const app::Config& config) {
  check(!config.server.hostname.empty() && !config.server.data_directory.empty());
  check(config.smtp.session.max_recipients >= 100 && config.smtp.session.max_recipients <= 100000);
  check(config.snapshot.intake.max_message_size >= (64u << 10) &&
        config.snapshot.intake.max_message_size <= (2ull << 30));
  check(config.server.threads <= 256);
  for (const app::ListenerConfig& listener : config.listeners) check(!listener.address.empty());
  check(app::restart_keys(config, config).empty());
}

void check_refused(const Error& error) {
  check(error.code == Errc::invalid);
  std::string_view rest = error.message;
  check(!rest.empty());
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    check(line.starts_with("paquebot.toml:"));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto files = [&](const std::string& path) -> Result<std::string> {
    if (path == "paquebot.toml") return text;
    if (path.ends_with(".password")) return std::string("secret\n");
    return fail(Errc::not_found, "no such file");
  };
  if (const auto config = app::load_config("paquebot.toml", files))
    check_taken(*config);
  else
    check_refused(config.error());
  return 0;
}
