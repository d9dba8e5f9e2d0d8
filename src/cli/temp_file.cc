#include "cli/temp_file.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace paquebot::cli {

namespace {

std::unexpected<Error> failed(std::string_view what) {
  int error = errno;
  return fail(error == ENOSPC || error == EDQUOT ? Errc::no_space : Errc::io,
              fmt::format("{}: {}", what, std::strerror(error)));
}

constexpr std::string_view kWhat = "the temporary file (TMPDIR says where)";

} // namespace

Result<TempFile> TempFile::make() {
  const char* directory = std::getenv("TMPDIR");
  std::string path = directory != nullptr && *directory == '/' ? directory : "/tmp";
  path += "/paquebot-XXXXXX";
  int descriptor = mkostemp(path.data(), O_CLOEXEC);
  if (descriptor < 0) return failed(fmt::format("no temporary file can be made as {}", path));
  unlink(path.c_str());
  return TempFile(descriptor);
}

TempFile::~TempFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

TempFile& TempFile::operator=(TempFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

Result<> TempFile::append(std::string_view bytes) { return write_all(descriptor_, bytes, kWhat); }

Result<> TempFile::rewind() {
  if (lseek(descriptor_, 0, SEEK_SET) != 0) return failed(kWhat);
  return {};
}

Result<std::size_t> TempFile::read(char* into, std::size_t size) {
  std::size_t got = 0;
  while (got < size) {
    ssize_t n = ::read(descriptor_, into + got, size - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed(kWhat);
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  return got;
}

Result<std::uint64_t> TempFile::size() const {
  struct stat facts{};
  if (fstat(descriptor_, &facts) != 0) return failed(kWhat);
  return static_cast<std::uint64_t>(facts.st_size);
}

Result<> write_all(int descriptor, std::string_view bytes, std::string_view what) {
  while (!bytes.empty()) {
    ssize_t n = ::write(descriptor, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed(what);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

} // namespace paquebot::cli
