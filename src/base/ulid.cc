#include "base/ulid.h"

#include "base/random.h"

#include <algorithm>
#include <array>

namespace paquebot {
namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kText = 26;
constexpr std::size_t kTimeBytes = 6;

int digit(char c) {
  if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  const auto at = kAlphabet.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

void set_millis(Ulid& id, std::int64_t ms) {
  for (std::size_t i = 0; i < kTimeBytes; ++i) {
    id.bytes[i] = static_cast<std::uint8_t>(ms >> (8 * (kTimeBytes - 1 - i)));
  }
}

/// Adds one to the whole 128-bit number: the random part carries into the time.
void increment(Ulid& id) {
  for (std::size_t i = id.bytes.size(); i-- > 0;) {
    if (++id.bytes[i] != 0) return;
  }
}

} // namespace

std::string Ulid::to_string() const {
  // 26 digits of five bits are 130 bits: the first digit holds the top three. 60 bits are twelve digits.
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    high = high << 8 | bytes[i];
    low = low << 8 | bytes[i + 8];
  }
  std::array<char, kText> text;
  char* end = text.data() + text.size();
  const auto put = [&end](int digits, std::uint64_t value) {
    for (; digits > 0; --digits, value >>= 5) *--end = kAlphabet.data()[value & 31];
  };
  put(12, low);
  put(12, low >> 60 | high << 4);
  put(2, high >> 56);
  return {text.data(), text.size()};
}

std::int64_t Ulid::millis() const {
  std::int64_t ms = 0;
  for (std::size_t i = 0; i < kTimeBytes; ++i) ms = ms << 8 | bytes[i];
  return ms;
}

std::optional<Ulid> Ulid::parse(std::string_view text) {
  if (text.size() != kText || text[0] < '0' || text[0] > '7') return {};
  Ulid id;
  unsigned bits = 0;
  int count = 0;
  std::size_t at = id.bytes.size();
  for (std::size_t i = kText; i-- > 0;) {
    const int value = digit(text[i]);
    if (value < 0) return {};
    bits |= static_cast<unsigned>(value) << count;
    count += 5;
    if (count >= 8 && at > 0) {
      id.bytes[--at] = static_cast<std::uint8_t>(bits);
      bits >>= 8;
      count -= 8;
    }
  }
  return id;
}

UlidSource::UlidSource(const Clock& clock) : clock_(clock) {}

Ulid UlidSource::next() {
  constexpr std::size_t random_size = Ulid().bytes.size() - kTimeBytes;
  const std::lock_guard lock(mutex_);
  const std::int64_t now = paquebot::millis(clock_.wall());
  if (now > last_.millis()) {
    set_millis(last_, now);
    // An id is no secret: the system is asked for many numbers' worth at once.
    if (random_.size() < random_size) random_ = random_bytes(64 * random_size);
    const auto taken = std::string_view(random_).substr(random_.size() - random_size);
    std::ranges::transform(taken, last_.bytes.begin() + kTimeBytes,
                           [](char c) { return static_cast<std::uint8_t>(c); });
    random_.resize(random_.size() - random_size);
  } else {
    // Same millisecond, or the wall clock stepped back: the next number keeps the order.
    increment(last_);
  }
  return last_;
}

} // namespace paquebot
