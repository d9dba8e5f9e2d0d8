#include "app/config.h"
#include "base/rights.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace paquebot::app {

Result<std::string> read_file(const std::string& path) {
  constexpr std::size_t most = 4u << 20;
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file) return fail(errno == EACCES ? Errc::permission : Errc::not_found, std::strerror(errno));
  struct stat facts{};
  if (::fstat(file.get(), &facts) != 0) return fail(Errc::io, std::strerror(errno));
  if (!S_ISREG(facts.st_mode)) return fail(Errc::invalid, "it is not a plain file");
  std::string text;
  char piece[8192];
  for (;;) {
    const ssize_t got = ::read(file.get(), piece, sizeof piece);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Errc::io, std::string("reading it failed: ") + std::strerror(errno));
    if (got == 0) return text;
    text.append(piece, static_cast<std::size_t>(got));
    if (text.size() > most) return fail(Errc::invalid, "it is larger than 4 MiB");
  }
}

} // namespace paquebot::app
