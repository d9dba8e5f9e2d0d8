#pragma once

#include <cstdint>
#include <string_view>

namespace paquebot::store {

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4): what every stored head, body and chunk is checked with when read.
/// It finds decay and mixed-up rows; it does not protect against somebody who may write the file.
std::uint32_t checksum(std::string_view bytes);
/// The same without the processor's instruction for it: where there is none, and for tests.
std::uint32_t checksum_by_tables(std::string_view bytes);

} // namespace paquebot::store
