#include "service/compression.h"

#include <atomic>
#include <cassert>
#include <utility>
#include <zlib.h>

namespace paquebot::service {
namespace {

constexpr int kWindowOut = -12; ///< 4 KiB, no header: mail is text, and connections are many
constexpr int kWindowIn = -15;  ///< the peer may use all
constexpr int kMemory = 5;
constexpr int kLevel = 3;
constexpr std::size_t kKeptPacked = 4096;

std::atomic<std::size_t> compressed{0};

Bytef* deflate_octets(const char* text) {
  // zlib's interface lacks the const that it keeps.
  return reinterpret_cast<Bytef*>(const_cast<char*>(text));
}

} // namespace

struct Compression::Streams {
  z_stream out{}, in{};
  bool out_begun = false, in_begun = false;
  ~Streams() {
    if (out_begun) deflateEnd(&out);
    if (in_begun) inflateEnd(&in);
  }
};

bool Compression::has_room() { return compressed.load() < kMost; }

Compression::Compression() : streams_(std::make_unique<Streams>()) { compressed.fetch_add(1); }
Compression::~Compression() { compressed.fetch_sub(1); }

std::unique_ptr<Compression> Compression::begin() {
  std::unique_ptr<Compression> one(new Compression);
  Streams& s = *one->streams_;
  s.out_begun = deflateInit2(&s.out, kLevel, Z_DEFLATED, kWindowOut, kMemory, Z_DEFAULT_STRATEGY) == Z_OK;
  s.in_begun = inflateInit2(&s.in, kWindowIn) == Z_OK;
  if (!s.out_begun || !s.in_begun || compressed.load() > kMost) return nullptr;
  return one;
}

std::string_view Compression::pack(std::string_view bytes) {
  z_stream& out = streams_->out;
  out.next_in = deflate_octets(bytes.data());
  out.avail_in = static_cast<uInt>(bytes.size());
  packed_.clear();
  do {
    const std::size_t had = packed_.size();
    packed_.resize(had + kPiece);
    out.next_out = deflate_octets(packed_.data() + had);
    out.avail_out = static_cast<uInt>(kPiece);
    const int done = deflate(&out, Z_SYNC_FLUSH);
    assert((done == Z_OK || done == Z_BUF_ERROR) && "of a stream that was begun");
    static_cast<void>(done);
    packed_.resize(had + kPiece - out.avail_out);
  } while (out.avail_out == 0);
  return packed_;
}

void Compression::take(std::string_view packed) {
  assert(!waits());
  input_.assign(packed);
  used_ = 0;
}

bool Compression::waits() const { return !ended_ && (full_ || used_ < input_.size()); }

Result<std::string_view> Compression::unpack() {
  z_stream& in = streams_->in;
  unpacked_.resize(kPiece);
  in.next_in = deflate_octets(input_.data() + used_);
  in.avail_in = static_cast<uInt>(input_.size() - used_);
  in.next_out = deflate_octets(unpacked_.data());
  in.avail_out = static_cast<uInt>(kPiece);
  const int done = inflate(&in, Z_SYNC_FLUSH);
  used_ = input_.size() - in.avail_in;
  full_ = in.avail_out == 0;
  ended_ = done == Z_STREAM_END;
  if (done != Z_OK && done != Z_STREAM_END && done != Z_BUF_ERROR) return fail(Errc::invalid, "it is no deflate");
  unpacked_.resize(kPiece - in.avail_out);
  return std::string_view(unpacked_);
}

void Compression::rest() {
  if (packed_.capacity() > kKeptPacked) std::string().swap(packed_);
  std::string().swap(input_);
  std::string().swap(unpacked_);
  used_ = 0;
}

} // namespace paquebot::service
