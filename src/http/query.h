#pragma once

#include "http/message.h"

#include <span>

namespace paquebot::http {

/// What is behind the "?" of a target, or a form (application/x-www-form-urlencoded): names and values, decoded.
class Query {
public:
  /// 400 on malformed percent-encoding, UTF-8, control characters but tab and line ends in values, a name that is empty
  /// or comes twice, and more than `most` names. "+" is a space. "a" without "=" has an empty value; empty parts
  /// ("a&&b") are none.
  static Parsed<Query> parse(std::string_view text, std::size_t most = 32);

  /// The value, or nothing when there is no such name.
  const std::string* get(std::string_view name) const;
  /// The first name that is not one of `known`: whoever misspells one is told, instead of being heard by halves.
  const std::string* unknown(std::span<const std::string_view> known) const;
  const Fields& all() const { return values_; }

private:
  Fields values_;
};

} // namespace paquebot::http
