#include "mailauth/gzip.h"

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <vector>
#include <zlib.h>

namespace paquebot::mailauth {
namespace {

constexpr int kGzipOut = 15 + 16; ///< zlib's code: the largest window, with a gzip header
constexpr int kDetect = 15 + 32;  ///< gzip or zlib, as the header says
constexpr int kRaw = -15;         ///< no header: inside a ZIP archive
constexpr std::size_t kPiece = 64 * 1024;

Bytef* zlib_octets(std::string_view text) {
  // zlib's interface lacks the const that it keeps.
  return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(text.data()));
}

std::size_t little_endian(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]) | static_cast<std::size_t>(static_cast<unsigned char>(text[at + 1])) << 8;
}

struct EndInflate {
  void operator()(z_stream* s) const {
    inflateEnd(s);
    delete s;
  }
};

Result<> inflate_all(std::string_view packed, int window, std::size_t most,
                     const std::function<bool(std::string_view)>& take) {
  std::unique_ptr<z_stream, EndInflate> stream(new z_stream{});
  if (inflateInit2(stream.get(), window) != Z_OK) throw std::bad_alloc();
  stream->next_in = zlib_octets(packed);
  stream->avail_in = static_cast<uInt>(std::min<std::size_t>(packed.size(), 1u << 30));
  std::vector<char> piece(kPiece);
  std::size_t sum = 0;
  for (int state = Z_OK; state != Z_STREAM_END;) {
    stream->next_out = reinterpret_cast<Bytef*>(piece.data());
    stream->avail_out = static_cast<uInt>(piece.size());
    state = inflate(stream.get(), Z_NO_FLUSH);
    if (state != Z_OK && state != Z_STREAM_END) return fail(Errc::invalid, "the compressed data is damaged or cut off");
    const std::size_t size = piece.size() - stream->avail_out;
    if ((sum += size) > most)
      return fail(Errc::invalid, "the compressed data holds more than " + std::to_string(most) + " zlib_octets");
    if (size > 0 && !take({piece.data(), size})) return fail(Errc::invalid, "the content was refused");
  }
  return {};
}

} // namespace

std::string gzip(std::string_view text) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipOut, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  stream.next_in = zlib_octets(text);
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = zlib_octets(out);
  stream.avail_out = static_cast<uInt>(out.size());
  const int state = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (state != Z_STREAM_END) throw std::bad_alloc();
  return out;
}

Result<> unpack(std::string_view packed, std::size_t most, const std::function<bool(std::string_view)>& take) {
  if (packed.starts_with("PK\x03\x04")) {
    constexpr std::size_t header = 30;
    if (packed.size() < header || little_endian(packed, 8) != 8)
      return fail(Errc::invalid, "a ZIP archive of a kind that is not read");
    const std::size_t start = header + little_endian(packed, 26) + little_endian(packed, 28);
    return inflate_all(packed.substr(std::min(start, packed.size())), kRaw, most, take);
  }
  const bool gzipped = packed.starts_with("\x1f\x8b");
  if (gzipped || packed.starts_with("\x78")) return inflate_all(packed, kDetect, most, take);
  if (packed.size() > most) return fail(Errc::invalid, "more than " + std::to_string(most) + " zlib_octets");
  if (!take(packed)) return fail(Errc::invalid, "the content was refused");
  return {};
}

} // namespace paquebot::mailauth
