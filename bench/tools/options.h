#pragma once

#include <charconv>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <string_view>

namespace paquebot::bench {

/// "--name value" pairs of a command line. A name that was never asked for is not an error: the callers are our own
/// scripts.
class Options {
public:
  Options(int count, char** words) {
    for (int i = 1; i + 1 < count; i += 2) values_[std::string_view(words[i]).substr(2)] = words[i + 1];
  }

  std::string text(std::string_view name, std::string otherwise) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::move(otherwise) : found->second;
  }
  /// Ends the program when the value is no number.
  long number(std::string_view name, long otherwise) const {
    const auto found = values_.find(name);
    if (found == values_.end()) return otherwise;
    long value = 0;
    const auto& digits = found->second;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc{}) {
      std::cerr << "--" << name << " needs a number, not " << digits << "\n";
      std::exit(2);
    }
    return value;
  }

private:
  std::map<std::string_view, std::string> values_;
};

} // namespace paquebot::bench
