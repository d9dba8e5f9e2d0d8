#pragma once

#include "intake/conversion.h"
#include "intake/passage.h"
#include "store/body_writer.h"
#include "store/byte_budget.h"

#include <string_view>

namespace paquebot::intake {

/// A step of Incoming: takes the content piece by piece, the head apart from the body, within the memory that messages
/// may hold. What goes wrong is left in Passage::failure, and the rest is only swallowed.
class Content {
public:
  /// `message` must outlive it.
  explicit Content(Passage& message);

  /// As those of Incoming.
  Task<void> write(std::string_view chunk);
  bool write_now(std::string_view chunk);

  /// The content is over: the last octets, and Passage::head. end_now() does the same without a coroutine where that is
  /// possible; false, and nothing is done, otherwise.
  Task<void> end();
  bool end_now();

  /// Makes Passage::body of what came, unless that was done: durable, if it is large. With no room for it nothing is
  /// left staged. settle_now() likewise as end_now().
  Task<void> settle();
  bool settle_now();
  /// Hands the body over, after settle().
  store::NewBody take();
  /// Nothing of the body stays behind.
  void drop();

private:
  std::uint64_t holds(std::size_t coming) const;
  void give_memory_back();
  Task<void> keep(std::string_view bytes);
  Task<void> end_conversion();
  bool has_8bit() const;
  void take_head();

  Passage& message_;
  store::BudgetShare memory_;
  mail::HeadSplitter splitter_;
  store::BodyWriter body_;
  Conversion conversion_;
};

} // namespace paquebot::intake
