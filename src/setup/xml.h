#pragma once

#include <string>
#include <string_view>

namespace paquebot::setup {

/// As text of an element or an attribute's value (XML 1.0 sections 2.2 and 2.4). What is no UTF-8, and characters that
/// no document can have, become U+FFFD.
std::string xml_escape(std::string_view text);

/// Writes a document, two blanks a level, each element on a line of its own.
class XmlWriter {
public:
  /// `declaration` is what comes before the first element, without the line end of its last line.
  explicit XmlWriter(std::string_view declaration);

  /// `attributes` is written as it is: "type=\"pop3\"".
  XmlWriter& open(std::string_view name, std::string_view attributes = "");
  XmlWriter& close();
  XmlWriter& leaf(std::string_view name, std::string_view text);
  XmlWriter& empty(std::string_view name);
  /// Closes what is open and gives the document.
  std::string finish();

private:
  void indent();

  std::string out_;
  std::string open_; ///< the names of the open elements, each behind a blank
  std::size_t depth_ = 0;
};

} // namespace paquebot::setup
