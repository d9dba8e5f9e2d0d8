#pragma once

#include "imap/search_program.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What is known of a message's texts without reading them: which runs of three octets (trigrams) are in them, as bits
/// of a hash. A text in which one of a needle's trigrams is missing doesn't hold the needle; whether one that has them
/// all does, only a look at it tells. So a search that leaves out what can't match answers as one that reads all.
namespace paquebot::imap {

/// The trigrams of texts.
class TrigramSet {
public:
  /// Trigrams go on over pieces, until end_text().
  void add(std::string_view piece);
  void end_text() { held_ = 0; }
  /// A power of two of octets, from 32 to 32 KiB: at most a quarter of the bits is set, as long as there is room.
  std::string bits() const;

  /// The hashes of a text's trigrams, each once, at most 64 of them; none when it is shorter than three octets.
  static std::vector<std::uint32_t> hashes(std::string_view text);
  /// False: the text is in none of those that `bits` was made of. `bits` of another size than bits() gives: true.
  static bool may_hold(std::string_view bits, const std::vector<std::uint32_t>& hashes);

private:
  std::vector<std::uint64_t> words_; ///< empty: none was added
  std::size_t set_ = 0;
  std::uint32_t last_ = 0; ///< the octets before
  unsigned held_ = 0;      ///< how many of them count
};

/// Of one message.
struct Fingerprint {
  std::string head, body; ///< TrigramSet::bits(): of fields as each_field() gives them, of texts as BodyTexts does
  bool whole = true;      ///< false: `body` is of a part of them
};

/// What a search asks of texts, as a tree of what a message that is found must have.
struct FilterPlan {
  enum class Key : std::uint8_t {
    any,    ///< nothing is known: it may be found
    all_of, ///< every child
    one_of, ///< one child
    head,   ///< `hashes` in the head
    body,   ///< in the body
    text,   ///< in either
  };
  Key key = Key::any;
  std::vector<std::uint32_t> hashes{};
  std::vector<FilterPlan> children{};

  /// Whether it can leave anything out.
  bool useful() const { return key != Key::any; }
  /// False: the message is not found.
  bool may_match(std::string_view head, std::string_view body, bool whole) const;
};
FilterPlan plan_of(const SearchProgram& program);

} // namespace paquebot::imap
