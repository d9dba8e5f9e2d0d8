#pragma once

#include "base/result.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace paquebot::service {

/// Both directions of a connection that is compressed (RFC 4978: raw deflate, RFC 1951). Some 80 KiB each, and at most
/// kMost in the process.
class Compression {
public:
  static constexpr std::size_t kMost = 1000;
  static constexpr std::size_t kPiece = 16 * 1024;

  /// Whether one more may begin, by now.
  static bool has_room();
  /// Null: there are kMost, or there is no memory.
  static std::unique_ptr<Compression> begin();
  ~Compression();
  Compression(const Compression&) = delete;
  Compression& operator=(const Compression&) = delete;

  /// What is sent for these octets, all of it; valid until the next call.
  std::string_view pack(std::string_view bytes);
  /// Octets that have come; copied. Only when none wait.
  void take(std::string_view packed);
  /// What has come was not unpacked to its end yet.
  bool waits() const;
  /// The next octets of it, at most kPiece, so that little that has come is never much in memory; empty: there are no
  /// more for now. Valid until the next call. Errc::invalid: it is no deflate.
  Result<std::string_view> unpack();
  /// Nothing is under way: gives memory back.
  void rest();

private:
  struct Streams;
  Compression();
  std::unique_ptr<Streams> streams_;
  std::string packed_;   ///< last sent
  std::string input_;    ///< has come, from used_ on not unpacked
  std::string unpacked_; ///< last given
  std::size_t used_ = 0;
  bool full_ = false;  ///< the last piece was: there may be more of the same input
  bool ended_ = false; ///< the peer has ended its stream: what comes behind counts for nothing
};

} // namespace paquebot::service
