#pragma once

#include "imap/lexer.h"
#include "imap/requests.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

/// Orders of messages (RFC 5256): pure.
namespace paquebot::imap {

/// A subject without what replies and forwards put around it (section 2.1), folded by fold_text().
struct BaseSubject {
  std::string text;
  bool answer = false; ///< it was a reply or a forward
};
BaseSubject base_subject(std::string_view value);

struct SortCriterion {
  enum class Key : std::uint8_t { arrival, cc, date, from, size, subject, to };
  Key key;
  bool reverse = false;
};
/// "(REVERSE DATE SUBJECT)". Nothing when it is malformed, or there are more than 20.
std::optional<std::vector<SortCriterion>> parse_sort_criteria(Lexer& lexer);
/// Whether a message's head is needed, beside what its row says.
bool needs_head(const std::vector<SortCriterion>& criteria);
/// Octets whose order is that of the messages; at most 256 for each criterion. Messages with equal ones are in the
/// order of their numbers.
std::string sort_key(const std::vector<SortCriterion>& criteria, const Row& row, const std::string& head);

/// The sent date of a message in UTC, or its internal date (section 2.2).
std::int64_t sent_date(const Row& row, const std::string& head);
/// The message ids in a field, without their brackets, each once; at most the last `most`.
std::vector<std::string> message_ids(std::string_view value, std::size_t most);

/// Makes threads of messages that are added in ascending order. Neither loops nor depths can be made by what messages
/// say: a reference that would make a loop, or one beyond kDepth levels, is none.
class Threader {
public:
  enum class By : std::uint8_t { subject, references }; ///< ORDEREDSUBJECT, REFERENCES
  static constexpr std::size_t kDepth = 100;            ///< levels above a message that are looked at
  static constexpr std::size_t kReferences = 20;        ///< of a message: the last ones

  explicit Threader(By by) : by_(by) {}
  /// `number`: what the answer names it by.
  void add(std::uint32_t number, const Row& row, const std::string& head);
  /// Octets of memory that it holds, about.
  std::size_t octets() const { return octets_; }
  /// "(1)(2 3 (4)(5))"; once, at the end.
  std::string threads();

private:
  static constexpr std::uint32_t kNone = ~0u;
  struct Node {
    std::uint32_t number = 0; ///< 0: nobody has this message, others refer to it
    std::int64_t date = 0;
    std::string subject;
    bool answer = false;
    std::uint32_t parent = kNone;
    std::vector<std::uint32_t> children{}; ///< from threads() on
  };

  void add_references(std::uint32_t node, const std::string& head);
  std::uint32_t node_of(const std::string& id);
  bool may_link(std::uint32_t parent, std::uint32_t child) const;
  void link(std::uint32_t parent, std::uint32_t child);
  std::vector<std::uint32_t> roots_by_references();
  std::vector<std::uint32_t> roots_by_subject();
  void prune();
  void lift(std::uint32_t node, std::vector<std::uint32_t>& into, bool root);
  void gather_subjects(std::vector<std::uint32_t>& roots);
  std::int64_t date_of(std::uint32_t node) const;
  void sort_siblings(std::vector<std::uint32_t>& nodes) const;
  void write(std::uint32_t root, std::string& out) const;

  const By by_;
  std::vector<Node> nodes_;
  std::unordered_map<std::string, std::uint32_t> by_id_;
  std::size_t octets_ = 0;
};

} // namespace paquebot::imap
