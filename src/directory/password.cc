#include "base/encoding.h"
#include "base/random.h"
#include "base/text.h"
#include "directory/directory.h"

#include <algorithm>
#include <array>
#include <crypt.h>
#include <cstdint>
#include <memory>
#include <sodium.h>

namespace paquebot::directory {
namespace {

/// The second recommendation of the OWASP guide and of RFC 9106 scaled to a mail server: one login costs about
/// 30 ms of one core and 19 MiB.
constexpr unsigned long long kPasses = 2;
constexpr std::size_t kMemory = 19u << 20;
/// A hash that would need more is refused: a login must not take the machine's memory.
constexpr unsigned long long kMostMemoryKib = 1u << 20;
constexpr unsigned long long kMostArgonWork = 8u << 20; // KiB of memory times passes
constexpr std::uint64_t kMostRounds = 5'000'000;        // of SHA-2 and SHA-1
constexpr std::uint64_t kMostBcryptCost = 16;
constexpr std::size_t kMostScryptLog = 18; // the logarithm of its memory, as crypt(3) writes it
constexpr std::size_t kMaxHash = 512;
/// The 64 characters of crypt(3), each by its value.
constexpr std::string_view kCryptText = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

bool sodium_ready() {
  static const bool ready = sodium_init() >= 0;
  return ready;
}

bool is_argon(std::string_view hash) { return hash.starts_with("$argon2"); }

/// The number behind such a name in "$argon2id$v=19$m=19456,t=2,p=1$…", of at most nine digits; 0 when there is none.
unsigned long long argon_cost(std::string_view hash, std::string_view name) {
  const auto at = hash.find(name);
  if (at == std::string_view::npos) return 0;
  const std::string_view rest = hash.substr(at + name.size(), 10);
  const auto end = std::min(rest.find_first_not_of("0123456789"), rest.size());
  return end < 10 ? parse_u64(rest.substr(0, end)).value_or(0) : 0;
}

bool known_argon(const std::string& hash) {
  if (hash.size() >= crypto_pwhash_STRBYTES || !sodium_ready()) return false;
  const auto memory = argon_cost(hash, "$m="), passes = argon_cost(hash, ",t=");
  return memory > 0 && memory <= kMostMemoryKib && memory * passes <= kMostArgonWork &&
         crypto_pwhash_str_needs_rehash(hash.c_str(), kPasses, kMemory) >= 0;
}

bool is_crypt_text(std::string_view text) { return text.find_first_not_of(kCryptText) == text.npos; }

/// crypt_checksalt() looks at the settings in front only. A hash that was cut, or has something behind it (a stray
/// character of an export), fits no password: for the forms whose length is known, the rest is looked at as well.
bool whole_crypt(std::string_view hash) {
  struct Form {
    std::string_view prefix;
    std::size_t digest; ///< characters behind the last "$"
  };
  static constexpr std::array kForms{Form{"$1$", 22},    Form{"$5$", 43},  Form{"$6$", 86},
                                     Form{"$y$", 43},    Form{"$gy$", 43}, Form{"$7$", 43},
                                     Form{"$sha1$", 28}, Form{"$md5", 22}, Form{"$3$", 32}};
  const std::string_view last = hash.substr(hash.rfind('$') + 1);
  for (const Form& form : kForms)
    if (hash.starts_with(form.prefix)) return last.size() == form.digest && is_crypt_text(last);
  if (hash.starts_with("$2"))
    return hash.size() == 60 && is_crypt_text(last); // "$2b$", two digits, "$", salt and digest
  if (hash.starts_with('_')) return hash.size() == 20 && is_crypt_text(hash.substr(1));
  return hash.starts_with('$') || is_crypt_text(hash);
}

/// The number that a hash has there in decimal digits; 0 when there is none.
std::uint64_t number_at(std::string_view hash, std::size_t at) {
  const auto end = std::min(hash.find_first_not_of("0123456789", at), hash.size());
  return parse_u64(hash.substr(at, end - at)).value_or(kMostRounds + 1);
}

/// Whether one look at the hash costs no more than some seconds: whoever has the list of hashes made does not choose
/// how long our threads work.
bool bearable_crypt(std::string_view hash) {
  if (hash.starts_with("$2")) { // the logarithm of its rounds
    const std::uint64_t cost = number_at(hash, std::min<std::size_t>(4, hash.size()));
    return cost >= 4 && cost <= kMostBcryptCost;
  }
  if (const auto at = hash.find("rounds="); at != hash.npos) return number_at(hash, at + 7) <= kMostRounds;
  if (hash.starts_with("$sha1$")) return number_at(hash, 6) <= kMostRounds;
  if (hash.starts_with("$7$") || hash.starts_with("$y$") || hash.starts_with("$gy$")) {
    const std::size_t at = hash.find('$', 1) + (hash.starts_with("$7$") ? 1 : 2);
    return at < hash.size() && kCryptText.find(hash[at]) <= kMostScryptLog;
  }
  return true;
}

bool verify_crypt(const std::string& hash, const std::string& password) {
  // 32 KiB: too large for the stack of a pool's thread to be sure.
  const auto data = std::make_unique<crypt_data>();
  const char* computed = crypt_r(password.c_str(), hash.c_str(), data.get());
  const bool right = computed != nullptr && computed[0] != '*' && equal_constant_time(computed, hash);
  sodium_memzero(data.get(), sizeof(crypt_data));
  return right;
}

} // namespace

Result<std::string> hash_password(const std::string& password) {
  std::array<char, crypto_pwhash_STRBYTES> out{};
  if (!sodium_ready() || crypto_pwhash_str_alg(out.data(), password.data(), password.size(), kPasses, kMemory,
                                               crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return fail(Errc::no_space, "the password could not be hashed: out of memory");
  }
  return std::string(out.data());
}

bool known_hash(std::string_view hash) {
  if (hash.empty() || hash.size() > kMaxHash || hash.find('\0') != hash.npos) return false;
  const std::string text(hash);
  if (is_argon(text)) return known_argon(text);
  // Thirteen characters of the old DES form look like any word: the rest of the alphabet tells them from plain text.
  if (text[0] != '$' && text[0] != '_' && text.size() != 13) return false;
  if (!whole_crypt(text) || !bearable_crypt(text)) return false;
  const int verdict = crypt_checksalt(text.c_str());
  return verdict == CRYPT_SALT_OK || verdict == CRYPT_SALT_METHOD_LEGACY || verdict == CRYPT_SALT_TOO_CHEAP;
}

bool verify_password(const std::string& hash, const std::string& password) {
  if (!known_hash(hash)) return false;
  if (is_argon(hash)) return crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0;
  // crypt(3) would see only what is before a NUL.
  return password.find('\0') == password.npos && verify_crypt(hash, password);
}

std::string hash_form(std::string_view hash) {
  if (hash.starts_with('_')) return std::string(hash.substr(0, 5)); // its count of rounds
  if (!hash.starts_with('$')) return {};
  if (hash.starts_with("$7$")) return std::string(hash.substr(0, 14)); // N, r and p, fixed in width
  const auto id = hash.find('$', 1);
  if (id == hash.npos) return std::string(hash);
  auto end = id;
  if (is_argon(hash)) {
    end = hash.find('$', hash.find("$m=") + 1); // version and costs
  } else if (const std::string_view rest = hash.substr(id + 1);
             hash.starts_with("$2") || hash.starts_with("$y$") || hash.starts_with("$gy$") ||
             hash.starts_with("$sha1$") || rest.starts_with("rounds=")) {
    end = hash.find('$', id + 1);
  }
  return std::string(hash.substr(0, end));
}

const std::string& own_hash_form() {
  static const std::string form = hash_form(hash_password("x").value_or(""));
  return form;
}

std::string make_password() { return make_letters(20); }

std::string make_letters(std::size_t count) {
  // Without l, o, 0 and 1; 32 characters, so that a byte gives five bits without a bias.
  constexpr std::string_view kAlphabet = "abcdefghijkmnpqrstuvwxyz23456789";
  static_assert(kAlphabet.size() == 32);
  std::string password = random_bytes(count);
  std::ranges::transform(password, password.begin(),
                         [&](char c) { return kAlphabet[static_cast<unsigned char>(c) & 31U]; });
  return password;
}

} // namespace paquebot::directory
