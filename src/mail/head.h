#pragma once

#include "base/result.h"
#include "mail/address.h"

#include <cstddef>
#include <forward_list>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::mail {

inline constexpr std::size_t kMaxHead = 1024 * 1024;
inline constexpr std::size_t kMaxFields = 100'000;

/// Parts a message, fed in chunks, into its head and its body. The head is the header block with the
/// empty line that ends it (RFC 5322 section 2.1); it always ends so, whatever was fed:
/// - a message whose first line is no header field has an empty head ("\r\n") and is all body: then a
///   field put in front cannot turn text into fields (Postfix does the same);
/// - a message without an empty line is all head, and the empty line is added;
/// - a first line "From ..." or ">From ..." of an mbox file becomes the field "X-Mailbox-Line".
/// Later lines that are no fields stay in the head unchanged.
class HeadSplitter {
public:
  /// `max_head`: octets of the head at most.
  explicit HeadSplitter(std::size_t max_head = kMaxHead) : max_head_(max_head) {}

  /// Takes the next octets of the message and returns those of the body: a view into `chunk`, or into
  /// this object until the next call. Errc::invalid when the head is too large.
  Result<std::string_view> feed(std::string_view chunk);
  /// The message is over. Returns body octets that were still undecided (a view into this object).
  Result<std::string_view> finish();
  /// True once the empty line has been seen: head() is complete.
  bool head_complete() const { return state_ == State::body; }
  const std::string& head() const { return head_; }
  /// Moves the head out; afterwards only feed() and finish() are of use.
  std::string take_head() { return std::move(head_); }

private:
  enum class State { first_line, fields, body };
  enum class Verdict { unknown, field, body };

  Verdict judge_first_line() const;
  Result<std::string_view> all_body(std::string_view rest);

  std::size_t max_head_;
  State state_ = State::first_line;
  std::string head_;
  std::string spill_;          ///< octets taken for head at first, that are body
  std::size_t line_start_ = 0; ///< where the line being read begins in head_
};

/// One field of a head, folding and CRLF included. Lines that are no field ("malformed") are kept as
/// fields without a name. Valid as long as the Head it is from.
struct Field {
  std::string_view raw;
  std::size_t name_length = 0;

  /// As written; empty when malformed.
  std::string_view name() const { return raw.substr(0, name_length); }
  /// What follows the colon, as written, without the final CRLF.
  std::string_view value() const;
  bool is(std::string_view name) const;
  /// Whether it is none of that name (is()), but some programs would take it for one: they pass over octets around or
  /// within the name that are no printable ASCII (controls, U+00A0 and other blanks, a byte order mark, octets of no
  /// character), or over white space or folding in front of the colon. Nobody writes such fields but to be read in two
  /// ways.
  bool resembles(std::string_view name) const;
};

/// The fields of a header block in their order, to look at and to change. All operations are linear at
/// most: to take out many fields use remove_if(), not remove(index) again and again. What is not changed is written
/// back octet for octet.
class Head {
public:
  /// An empty head. Not to be copied: the fields view texts that move along with it.
  Head() = default;
  Head(Head&&) noexcept = default;
  Head& operator=(Head&&) noexcept = default;

  /// `bytes` as HeadSplitter gives them; an empty line ends it, what follows is not looked at.
  /// Errc::invalid for more than kMaxFields fields.
  static Result<Head> parse(std::string bytes);

  const std::vector<Field>& fields() const { return fields_; }
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  /// The first field of that name (case does not matter), or null. Valid until the next change.
  const Field* find(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  /// The unfolded value of the first field of that name; empty when there is none.
  std::string value(std::string_view name) const;

  /// Adds a field. `value` may be folded (CRLF and white space); any other CR, LF or NUL in it becomes
  /// a space, so that no text from outside makes a field of its own.
  void prepend(std::string_view name, std::string_view value);
  void append(std::string_view name, std::string_view value);
  /// Adds a whole field as compose functions give it, ending in CRLF.
  void prepend_raw(std::string field);
  /// Puts another field in the place of the one at `index`.
  void replace(std::size_t index, std::string_view name, std::string_view value);
  /// The same with a whole field, ending in CRLF.
  void replace_raw(std::size_t index, std::string field);
  void remove(std::size_t index);
  /// Removes all fields of that name; how many there were.
  std::size_t remove(std::string_view name);
  /// And those that resemble one.
  std::size_t remove_alike(std::string_view name);
  /// Removes the fields that `unwanted` says yes to, which is asked once for each, from the top; how many there were.
  std::size_t remove_if(const std::function<bool(const Field&)>& unwanted);

  /// The fields and the empty line.
  std::string to_string() const;

private:
  std::string_view keep(std::string text);
  Field compose(std::string_view name, std::string_view value);

  std::vector<Field> fields_;
  std::forward_list<std::string> texts_; ///< owns what the fields view; elements never move
};

/// The value with folding undone (RFC 5322 section 2.2.3) and no space at its ends.
std::string unfold(std::string_view value);

/// How to read an address list.
struct AddressListOptions {
  /// When not empty, given to addresses without a domain, as sendmail does; else they are malformed.
  std::string_view default_domain = {};
  std::size_t most = 10'000; ///< addresses at most
};
/// The addresses of From, Sender, Reply-To, To, Cc or Bcc (RFC 5322 sections 3.4 and 4.4) in their order: comments,
/// display names, groups, source routes and the obsolete forms are read. Errc::invalid when malformed.
Result<std::vector<Address>> addresses_of(std::string_view value, const AddressListOptions& options = {});

} // namespace paquebot::mail
