#include "dns/tsig.h"

#include "base/encoding.h"
#include "base/text.h"
#include "dns/wire.h"

#include <algorithm>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <vector>

namespace paquebot::dns {
namespace {

constexpr std::size_t kMostKeyText = 64u << 10;

const EVP_MD* digest_of(std::string_view algorithm) {
  if (algorithm == "hmac-sha256") return EVP_sha256();
  if (algorithm == "hmac-sha384") return EVP_sha384();
  if (algorithm == "hmac-sha512") return EVP_sha512();
  return nullptr;
}

/// The words of a key's file: what stands between blanks, quotes, braces, colons and semicolons; comments are left out.
std::vector<std::string> key_words(std::string_view text) {
  std::vector<std::string> words;
  for (std::string_view line : split(text, '\n')) {
    line = trim(line);
    if (line.starts_with('#') || line.starts_with("//")) continue;
    std::string word;
    for (const char c : line) {
      const bool separates = is_space(c) || c == '"' || c == '\'' || c == '{' || c == '}' || c == ';' || c == ':';
      if (!separates) word += c;
      if (separates && !word.empty()) words.push_back(std::exchange(word, {}));
    }
    if (!word.empty()) words.push_back(std::move(word));
  }
  return words;
}

std::string behind(const std::vector<std::string>& words, std::string_view what) {
  const auto found = std::ranges::find(words, what);
  return found != words.end() && found + 1 != words.end() ? *(found + 1) : std::string();
}

} // namespace

Result<std::string> tsig_mac(const TsigKey& key, std::string_view octets) {
  const EVP_MD* digest = digest_of(key.algorithm);
  if (digest == nullptr) return fail(Errc::unsupported, "the key's algorithm is not known");
  std::string mac(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  if (HMAC(digest, key.secret.data(), static_cast<int>(key.secret.size()),
           reinterpret_cast<const unsigned char*>(octets.data()), octets.size(),
           reinterpret_cast<unsigned char*>(mac.data()), &size) == nullptr)
    return fail(Errc::io, "the update could not be signed");
  mac.resize(size);
  return mac;
}

Result<TsigKey> read_tsig_key(std::string_view text) {
  if (text.size() > kMostKeyText) return fail(Errc::invalid, "the key is too large");
  const std::vector<std::string> words = key_words(text);
  TsigKey key;
  std::string secret;
  if (words.size() == 3 && digest_of(to_lower(words[0])) != nullptr) {
    key = {.name = words[1], .algorithm = words[0], .secret = {}};
    secret = words[2];
  } else {
    key.name = behind(words, "key");
    if (key.name.empty() || key.name == "-") key.name = behind(words, "id");
    key.algorithm = behind(words, "algorithm");
    secret = behind(words, "secret");
  }
  key.name = to_lower(key.name);
  if (key.name.ends_with('.')) key.name.pop_back();
  key.algorithm = to_lower(key.algorithm);
  if (!is_query_name(key.name)) return fail(Errc::invalid, "the key's name is missing, or is none");
  if (digest_of(key.algorithm) == nullptr)
    return fail(Errc::invalid, "the key's algorithm must be hmac-sha256, hmac-sha384 or hmac-sha512");
  auto octets = base64_decode(secret);
  if (!octets || octets->empty()) return fail(Errc::invalid, "the key's secret is missing, or is not base 64");
  key.secret = std::move(*octets);
  return key;
}

} // namespace paquebot::dns
