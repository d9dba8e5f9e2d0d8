// Names that an object has twice.

#include "base/text.h"
#include "control/json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <set>

namespace paquebot::control {
namespace {

/// What basic_parser tells of a text: keeps the names of the objects that are open, and stops at the second of a kind.
class NameWatch {
public:
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);
  using Fault = boost::system::error_code;

  const std::optional<std::string>& twice() const { return twice_; }

  bool on_document_begin(Fault&) { return true; }
  bool on_document_end(Fault&) { return true; }
  bool on_object_begin(Fault&) {
    open_.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t, Fault&) {
    open_.pop_back();
    return true;
  }
  bool on_array_begin(Fault&) { return true; }
  bool on_array_end(std::size_t, Fault&) { return true; }
  bool on_key_part(std::string_view text, std::size_t, Fault&) {
    key_ += text;
    return true;
  }
  bool on_key(std::string_view text, std::size_t, Fault& fault) {
    key_ += text;
    if (open_.back().insert(key_).second) {
      key_.clear();
      return true;
    }
    twice_ = key_;
    fault = json::error::not_exact;
    return false;
  }
  bool on_string_part(std::string_view, std::size_t, Fault&) { return true; }
  bool on_string(std::string_view, std::size_t, Fault&) { return true; }
  bool on_number_part(std::string_view, Fault&) { return true; }
  bool on_int64(std::int64_t, std::string_view, Fault&) { return true; }
  bool on_uint64(std::uint64_t, std::string_view, Fault&) { return true; }
  bool on_double(double, std::string_view, Fault&) { return true; }
  bool on_bool(bool, Fault&) { return true; }
  bool on_null(Fault&) { return true; }
  bool on_comment_part(std::string_view, Fault&) { return true; }
  bool on_comment(std::string_view, Fault&) { return true; }

private:
  std::vector<std::set<std::string>> open_;
  std::string key_;
  std::optional<std::string> twice_;
};

} // namespace

Result<> names_once(std::string_view text, std::string_view what) {
  if (text.empty()) return {};
  json::parse_options options;
  options.max_depth = kJsonDepth;
  json::basic_parser<NameWatch> parser(options);
  boost::system::error_code fault;
  parser.write_some(false, text.data(), text.size(), fault);
  const auto& twice = parser.handler().twice();
  if (!twice && !fault) return {};
  if (!twice) return fail(Errc::invalid, std::string(what) + " is not JSON: " + fault.message());
  return fail(Errc::invalid, std::string(what) + " has the field \"" + printable(*twice, 64) + "\" twice");
}

} // namespace paquebot::control
