#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace paquebot::cli {

/// An open file or folder.
class Descriptor {
public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  int release() { return std::exchange(number_, -1); }

private:
  int number_ = -1;
};

/// A file or folder opened for reading, with what it was at that moment.
struct Opened {
  Descriptor descriptor;
  struct stat facts{};
  std::uint32_t folder_owner = 0; ///< whose the folder around it is
};

/// Opens what root reads on behalf of a user, who may put what he likes at the end of the path, and change it
/// meanwhile: each part is opened from the one before it, and a link is followed only when root or the caller made it.
/// Never waits for a FIFO. Errors: not_found, permission (also: another's link), io.
Result<Opened> open_trusted(const std::string& path);

/// Opens an entry of a folder; a link is refused, whose ever it is. Errors as above.
Result<Opened> open_within(const Opened& folder, const std::string& name);

/// The names in a folder, without those that begin with a dot. They must be taken for hostile.
Result<std::vector<std::string>> names_within(const Opened& folder, bool hidden_too = false);

} // namespace paquebot::cli
