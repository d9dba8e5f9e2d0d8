#pragma once

#include "mail/head.h"
#include "mailauth/crypto.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::mailauth {

/// The canonicalizations of RFC 6376 section 3.4.
enum class Canonical : std::uint8_t { simple, relaxed };

/// The hash of a canonical body, fed as it comes: one pass, no memory but one small buffer; long stretches that are
/// canonical already are hashed where they lie. Only CRLF ends a line.
class BodyHash {
public:
  /// `limit`: octets of the canonical body to hash, of l=.
  explicit BodyHash(Canonical form, std::optional<std::uint64_t> limit = std::nullopt) : form_(form), limit_(limit) {}

  Canonical form() const { return form_; }
  std::optional<std::uint64_t> limit() const { return limit_; }

  void feed(std::string_view chunk);
  /// The body is over. Call once.
  Digest finish();
  /// Octets of the whole canonical body, also beyond the limit. After finish().
  std::uint64_t size() const { return size_; }

private:
  std::size_t run_end(std::string_view chunk, std::size_t i) const;
  void text(std::string_view run);
  void put(std::string_view octets);
  void hash(std::string_view octets, std::uint64_t before);
  void put_line_ends();
  void flush();

  Canonical form_;
  std::optional<std::uint64_t> limit_;
  Sha256 hash_;
  std::uint64_t size_ = 0;
  std::uint64_t line_ends_ = 0; ///< CRLFs not written yet: at the end of the body they don't count
  bool space_ = false;          ///< white space not written yet: at the end of a line it doesn't count
  bool cr_ = false;             ///< the last octet was CR
  std::array<char, 1024> buffer_;
  std::size_t used_ = 0;
};

/// Appends a field as section 3.4.1 or 3.4.2 has it, ending in CRLF.
void append_canonical(std::string& out, const mail::Field& field, Canonical form);
/// The same for a signature's own field: without the value of b= and the final CRLF (section 3.7).
void append_canonical_signature(std::string& out, const mail::Field& field, Canonical form);

/// The fields of a head by their names, made once for all signatures of a message.
class FieldIndex {
public:
  /// `head` lives as long as this object, unchanged.
  explicit FieldIndex(const mail::Head& head);

private:
  friend class FieldPicker;
  struct Entry {
    std::string_view name; ///< lower-case, in names_
    const mail::Field* field;
    std::uint32_t place; ///< in the head
    std::uint32_t kind;  ///< of kinds_
  };
  struct Kind {
    std::size_t first; ///< of entries_
    std::size_t count;
  };
  std::unique_ptr<char[]> names_;
  std::vector<Entry> entries_; ///< by name, those of one name as they stand in the head
  std::vector<Kind> kinds_;    ///< by name
};

/// Takes the fields that an h= tag names, from the bottom up (section 5.4.2): each field once.
class FieldPicker {
public:
  explicit FieldPicker(const FieldIndex& index) : index_(index), taken_(index.kinds_.size()) {}
  /// The next field of that name, in lower case, or null when there are no more.
  const mail::Field* take(std::string_view name);
  struct Left {
    std::string_view name;
    const mail::Field* top; ///< the first in the head; those that were taken are below it
    std::size_t kind;
  };
  /// The names of which some fields, but not all, were taken.
  std::vector<Left> left() const;
  /// Whether one of those says something that none of those taken says.
  bool says_more(const Left& left) const;

private:
  const FieldIndex& index_;
  std::vector<std::size_t> taken_; ///< how many of each kind
};

} // namespace paquebot::mailauth
