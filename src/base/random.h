#pragma once

#include <cstddef>
#include <string>

namespace paquebot {

/// `size` bytes from the operating system's generator; aborts if it fails.
std::string random_bytes(std::size_t size);

} // namespace paquebot
