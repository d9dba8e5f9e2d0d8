#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::imap {

/// Numbers that follow on each other.
struct UidRun {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  bool operator==(const UidRun&) const = default;
};
/// Ascending, and no two touch or overlap: uids or message numbers. Never one element for each message.
using UidSet = std::vector<UidRun>;

/// Adds a number that is greater than all that are in it.
void append(UidSet& set, std::uint32_t number);
/// Brings runs of any order into the form of a UidSet.
UidSet normalize(std::vector<UidRun> runs);
std::uint64_t count_of(const UidSet& set);
bool contains(const UidSet& set, std::uint32_t number);
UidSet intersect(const UidSet& a, const UidSet& b);
/// What is in `a` and not in `b`.
UidSet without(const UidSet& a, const UidSet& b);
/// Takes the lowest numbers out, at most `most`.
UidSet take_front(UidSet& set, std::uint64_t most);
/// "1:3,7" (RFC 9051, sequence-set); empty for an empty set.
std::string to_text(const UidSet& set);

/// A sequence-set as it is written, whose "*" is known only with the mailbox.
struct SequenceSet {
  /// 0 stands for "*".
  std::vector<UidRun> ranges;
  bool saved = false; ///< "$": what the last SEARCH kept (RFC 5182)

  /// With "*" as `highest`; of an empty mailbox (0) "*" is nothing.
  UidSet resolve(std::uint32_t highest) const;
};
/// Nothing when it is none: numbers are 1 to 2^32 - 1 or "*".
std::optional<SequenceSet> parse_sequence_set(std::string_view text);

/// The messages of a mailbox as one session sees it: the n-th has this uid. Runs of uids, so that it costs what gaps
/// there are and not what messages there are.
class View {
public:
  View() = default;
  explicit View(const UidSet& uids);

  std::uint32_t count() const { return count_; }
  std::uint32_t highest() const { return runs_.empty() ? 0 : runs_.back().last; } ///< uid; 0: it is empty
  std::uint32_t uid_of(std::uint32_t number) const;                               ///< `number`: 1 to count()
  /// 0: there is no such message.
  std::uint32_t number_of(std::uint32_t uid) const;
  UidSet uids() const;
  /// The uids of these message numbers; those beyond the end are none.
  UidSet uids_of(const UidSet& numbers) const;
  /// The message numbers of these uids; those that are not there have none.
  UidSet numbers_of(const UidSet& uids) const;
  /// Those that are in the view.
  UidSet present(const UidSet& uids) const { return intersect(this->uids(), uids); }
  /// Uids above all that are there.
  void add(const UidSet& uids);
  void remove(const UidSet& uids);

private:
  struct Run {
    std::uint32_t first, last;
    std::uint32_t before; ///< messages in front of it
  };
  std::vector<Run> runs_;
  std::uint32_t count_ = 0;
};

} // namespace paquebot::imap
