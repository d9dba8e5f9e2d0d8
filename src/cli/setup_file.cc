#include "cli/setup_file.h"

#include "base/rights.h"
#include "control/json.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace paquebot::cli {
namespace {

/// A new file with all of it, or an error and no file; never over one that is there.
Result<> write_new_file(const std::string& path, const std::string& text, mode_t mode) {
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!file) {
    if (errno == EEXIST) return fail(Errc::conflict, path + " is there already, and stays as it is");
    const Errc code = errno == EACCES || errno == EPERM || errno == EROFS ? Errc::permission : Errc::io;
    return fail(code, path + " can't be written: " + std::strerror(errno));
  }
  const bool whole = ::fchmod(file.get(), mode) == 0 &&
                     ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                     ::fsync(file.get()) == 0;
  if (whole) return {};
  const std::string why = std::strerror(errno);
  ::unlink(path.c_str());
  return fail(Errc::io, path + " can't be written: " + why);
}

/// A text as TOML has it.
std::string toml_text(std::string_view text) { return control::to_text(json::value(text)); }

std::string toml_list(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& one : texts) list += (list.empty() ? "" : ", ") + toml_text(one);
  return "[" + list + "]";
}

/// All that is listened on without any [[listener]], and HTTP.
constexpr std::string_view kListeners = R"(
[[listener]]
role = "mx"
address = "[::]:25"

[[listener]]
role = "submission"
address = "[::]:587"

[[listener]]
role = "submission"
address = "[::]:465"
tls = "implicit"

[[listener]]
role = "pop3"
address = "[::]:110"

[[listener]]
role = "pop3"
address = "[::]:995"
tls = "implicit"

[[listener]]
role = "imap"
address = "[::]:143"

[[listener]]
role = "imap"
address = "[::]:993"
tls = "implicit"

# For certificates, and for users' programs that set themselves up.
[[listener]]
role = "http"
address = "[::]:80"
tls = "none"

[[listener]]
role = "http"
address = "[::]:443"
)";

std::string acme_section(const SetupFile& file) {
  std::string text = "\n[acme]\nagree_tos = true\n";
  if (!file.acme_directory.empty()) text += "directory = " + toml_text(file.acme_directory) + "\n";
  if (!file.acme_ca_file.empty())
    text += "ca_file = " + toml_text(std::filesystem::absolute(file.acme_ca_file).string()) + "\n";
  if (!file.acme_allow.empty()) text += "allow = " + toml_list(file.acme_allow) + "\n";
  return text.append(kListeners);
}

} // namespace

Result<> write_setup_file(const SetupFile& file) {
  std::string text =
      "# Written by `paquebot setup`. Every key is told in docs/configuration.md, and by `paquebot check "
      "--print-defaults`.\n\n[server]\n";
  text += "hostname = " + toml_text(file.hostname) + "\n";
  if (!file.data_dir.empty()) text += "data_dir = " + toml_text(file.data_dir) + "\n";
  if (!file.resolvers.empty() || !file.trust_anchor.empty()) text += "\n[dns]\n";
  if (!file.resolvers.empty()) text += "resolvers = " + toml_list(file.resolvers) + "\n";
  if (!file.trust_anchor.empty()) text += "trust_anchor = " + toml_text(file.trust_anchor) + "\n";
  if (!file.smarthost.server.empty()) {
    text += "\n# What goes elsewhere leaves through the provider's server.\n[[route]]\nto = \"*\"\nhost = " +
            toml_text(file.smarthost.server) +
            "\ntls = " + toml_text(file.smarthost.server.ends_with(":465") ? "implicit" : "required") + "\n";
    if (!file.smarthost.user.empty()) {
      const auto folder = std::filesystem::absolute(file.path).parent_path();
      const std::string secret = (folder / "smarthost.password").string();
      if (auto written = write_new_file(secret, file.smarthost.password + "\n", 0600); !written) return written;
      text += "user = " + toml_text(file.smarthost.user) + "\npassword_file = " + toml_text(secret) + "\n";
    }
  }
  if (file.agree_tos) text += acme_section(file);
  return write_new_file(file.path, text, 0644);
}

} // namespace paquebot::cli
