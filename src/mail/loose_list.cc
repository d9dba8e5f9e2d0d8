#include "mail/loose_list.h"

#include "base/text.h"
#include "mail/head.h"

#include <algorithm>

namespace paquebot::mail {
namespace {

/// What an octet of the list is.
enum class OctetKind : char { plain, space, quoted, comment, literal };

/// Where a comment that begins at `at` ends (one behind), or npos. Comments nest.
std::size_t end_of_comment(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  for (std::size_t i = at; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == '(')
      ++depth;
    else if (text[i] == ')' && --depth == 0)
      return i + 1;
  }
  return std::string_view::npos;
}

/// The same for a quoted string or a domain literal, which end with `close`.
std::size_t end_of(char close, std::string_view text, std::size_t at) {
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == close)
      return i + 1;
  }
  return std::string_view::npos;
}

class LooseList {
public:
  explicit LooseList(std::string_view value) : value_(value), kinds_(value.size(), OctetKind::plain) { mark(); }

  struct Span {
    std::size_t begin = 0, end = 0;
  };

  /// The next element that is not empty; nothing at the end.
  std::optional<Span> next() {
    while (at_ < value_.size()) {
      Span element{at_, find_end()};
      at_ = element.end + 1;
      drop_group_name(element);
      trim_space(element);
      if (element.begin < element.end) return element;
    }
    return {};
  }

  std::string_view text(Span span) const { return value_.substr(span.begin, span.end - span.begin); }
  /// What has not been given yet.
  std::string_view rest() const { return value_.substr(std::min(at_, value_.size())); }

  /// Where the addr-spec of an element stands: inside of its last angle brackets, or all of it.
  Span spec(Span element) const {
    std::size_t close = element.end;
    for (std::size_t at = element.end; at-- > element.begin;) {
      if (is(at, '>')) close = at;
      if (is(at, '<') && close < element.end) return {at + 1, close};
    }
    return element;
  }

  /// Behind the last octet that belongs to a bare name; nothing when there is no name, or a domain behind it.
  std::optional<std::size_t> end_of_bare_name(Span spec) const {
    std::optional<std::size_t> end;
    for (std::size_t i = spec.begin; i < spec.end; ++i) {
      if (is(i, '@')) return {};
      if (kinds_[i] != OctetKind::space && kinds_[i] != OctetKind::comment) end = i + 1;
    }
    return end;
  }

private:
  bool is(std::size_t at, char c) const { return kinds_[at] == OctetKind::plain && value_[at] == c; }

  std::size_t find(char c, std::size_t from, std::size_t end) const {
    while (from < end && !is(from, c)) ++from;
    return from;
  }

  void mark() {
    // A quote or comment that is never closed is looked for once, not again from each place behind it.
    bool no_quote = false, no_comment = false, no_literal = false;
    for (std::size_t i = 0; i < value_.size();) {
      const char c = value_[i];
      std::size_t end = i + 1;
      OctetKind kind = OctetKind::plain;
      if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
        kind = OctetKind::space;
      else if (c == '"' && !no_quote)
        kind = mark_delimited(end_of('"', value_, i), OctetKind::quoted, end, no_quote);
      else if (c == '(' && !no_comment)
        kind = mark_delimited(end_of_comment(value_, i), OctetKind::comment, end, no_comment);
      else if (c == '[' && !no_literal)
        kind = mark_delimited(end_of(']', value_, i), OctetKind::literal, end, no_literal);
      std::fill(kinds_.begin() + static_cast<std::ptrdiff_t>(i), kinds_.begin() + static_cast<std::ptrdiff_t>(end),
                kind);
      i = end;
    }
  }

  static OctetKind mark_delimited(std::size_t found, OctetKind kind, std::size_t& end, bool& never) {
    never = found == std::string_view::npos;
    if (never) return OctetKind::plain;
    end = found;
    return kind;
  }

  /// Of the element that begins at at_: at the separator, or the end of the list.
  std::size_t find_end() const {
    for (std::size_t i = at_; i < value_.size(); ++i) {
      if (is(i, ',') || is(i, ';')) return i;
      if (!is(i, '<')) continue;
      // Brackets that are closed before the next ones open hold a route's commas, too.
      for (std::size_t inside = i + 1; inside < value_.size() && !is(inside, '<'); ++inside) {
        if (!is(inside, '>')) continue;
        i = inside;
        break;
      }
    }
    return value_.size();
  }

  void drop_group_name(Span& element) const {
    const std::size_t colon = find(':', element.begin, element.end);
    if (colon < find('<', element.begin, element.end) && colon < find('@', element.begin, element.end))
      element.begin = colon + 1;
  }

  void trim_space(Span& element) const {
    while (element.begin < element.end && kinds_[element.begin] == OctetKind::space) ++element.begin;
    while (element.begin < element.end && kinds_[element.end - 1] == OctetKind::space) --element.end;
  }

  std::string_view value_;
  std::vector<OctetKind> kinds_;
  std::size_t at_ = 0;
};

std::optional<Address> read_one(std::string_view text, std::string_view default_domain) {
  const auto read = addresses_of(text, {.default_domain = default_domain, .most = 1});
  return read && read->size() == 1 ? std::optional(read->front()) : std::nullopt;
}

} // namespace

std::vector<LooseAddress> read_loosely(std::string_view value, std::string_view default_domain, std::size_t most) {
  std::vector<LooseAddress> found;
  LooseList list(value);
  while (const auto element = list.next()) {
    const std::string_view text = list.text(*element);
    auto address = read_one(text, default_domain);
    if (!address) {
      const auto spec = list.spec(*element);
      if (spec.end != element->end) address = read_one("<" + std::string(list.text(spec)) + ">", default_domain);
    }
    found.push_back({unfold(text), std::move(address)});
    if (found.size() == most && !trim(list.rest()).empty()) {
      found.push_back({unfold(list.rest()), {}});
      break;
    }
  }
  return found;
}

std::string qualify_addresses(std::string_view value, std::string_view domain) {
  std::string out;
  std::size_t done = 0;
  LooseList list(value);
  while (const auto element = list.next()) {
    const auto spec = list.spec(*element);
    const auto end = list.end_of_bare_name(spec);
    if (!end || !read_one(list.text({spec.begin, spec.end}), domain)) continue;
    out += value.substr(done, *end - done);
    out += '@';
    out += domain;
    done = *end;
  }
  out += value.substr(done);
  return out;
}

} // namespace paquebot::mail
