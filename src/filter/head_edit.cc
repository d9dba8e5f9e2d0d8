#include "filter/head_edit.h"

#include "base/text.h"

#include <deque>
#include <unordered_map>

namespace paquebot::filter {
namespace {

/// The fields that the filter saw, each with what it puts in front.
class Editor {
public:
  explicit Editor(const mail::Head& head) {
    slots_.reserve(head.fields().size());
    for (const mail::Field& field : head) {
      if (!field.name().empty()) places_[key(field.name())].push_back(slots_.size());
      slots_.push_back({{}, std::string(field.raw)});
    }
  }

  void make(const HeadChange& change) {
    switch (change.kind) {
      case HeadChange::Kind::append: end_.push_back(text_of(change)); return;
      case HeadChange::Kind::insert: insert(change); return;
      case HeadChange::Kind::replace: replace(change); return;
      case HeadChange::Kind::remove: remove(change); return;
    }
  }

  std::string finish() const {
    std::string out;
    for (const Slot& slot : slots_) {
      for (const std::string& field : slot.before) out += field;
      out += slot.field;
    }
    for (const std::string& field : end_) out += field;
    return out += "\r\n";
  }

private:
  struct Slot {
    std::deque<std::string> before;
    std::string field; ///< empty: removed
  };

  static std::string key(std::string_view name) { return to_lower(trim(name)); }

  static std::string text_of(const HeadChange& change) {
    mail::Head one;
    one.append(change.name, change.value);
    return std::string(one.begin()->raw);
  }

  const std::vector<std::size_t>* places_of(const std::string& name) const {
    const auto found = places_.find(key(name));
    return found == places_.end() ? nullptr : &found->second;
  }

  void insert(const HeadChange& change) {
    const auto at = static_cast<std::size_t>(change.index > 1 ? change.index - 1 : 0);
    if (at < slots_.size())
      slots_[at].before.push_front(text_of(change));
    else
      end_.push_back(text_of(change));
  }

  void replace(const HeadChange& change) {
    const auto* places = places_of(change.name);
    const auto number = static_cast<std::size_t>(change.index);
    if (places == nullptr || change.index < 1 || number > places->size())
      end_.push_back(text_of(change));
    else
      slots_[(*places)[number - 1]].field = text_of(change);
  }

  void remove(const HeadChange& change) {
    const auto* places = places_of(change.name);
    if (places == nullptr) return;
    if (change.index == 0) {
      for (const std::size_t place : *places) slots_[place].field.clear();
      return;
    }
    const auto count = static_cast<std::int64_t>(places->size());
    const std::int64_t number = change.index > 0 ? change.index : count + 1 + change.index;
    if (number >= 1 && number <= count) slots_[(*places)[static_cast<std::size_t>(number - 1)]].field.clear();
  }

  std::vector<Slot> slots_;
  std::vector<std::string> end_;
  std::unordered_map<std::string, std::vector<std::size_t>> places_; ///< by lower-case name
};

} // namespace

Result<> edit(mail::Head& head, const std::vector<HeadChange>& changes) {
  if (changes.empty()) return {};
  Editor editor(head);
  for (const HeadChange& change : changes) editor.make(change);
  std::string text = editor.finish();
  if (text.size() > kMaxEdited) return fail(Errc::no_space, "the header block became larger than 960 KiB");
  auto edited = mail::Head::parse(std::move(text));
  if (!edited) return std::unexpected(edited.error());
  head = std::move(*edited);
  return {};
}

} // namespace paquebot::filter
