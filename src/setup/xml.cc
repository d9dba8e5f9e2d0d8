#include "setup/xml.h"

#include "base/text.h"

namespace paquebot::setup {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

/// Whether the well-formed UTF-8 character may be in a document: not U+FFFE, U+FFFF, C0 but tab and line ends; and no
/// C1, which nothing that we write needs.
bool may_be(std::string_view character) {
  if (character == "\xef\xbf\xbe" || character == "\xef\xbf\xbf") return false;
  return printable_length(character) != 0 || character == "\t" || character == "\n";
}

} // namespace

std::string xml_escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::string_view one = text.substr(0, length == 0 ? 1 : length);
    text.remove_prefix(one.size());
    if (length == 0 || !may_be(one))
      out += kReplacement;
    else if (one == "&")
      out += "&amp;";
    else if (one == "<")
      out += "&lt;";
    else if (one == ">")
      out += "&gt;";
    else if (one == "\"")
      out += "&quot;";
    else if (one == "'")
      out += "&#39;";
    else
      out += one;
  }
  return out;
}

XmlWriter::XmlWriter(std::string_view declaration) : out_(declaration) { out_ += '\n'; }

void XmlWriter::indent() { out_.append(2 * depth_, ' '); }

XmlWriter& XmlWriter::open(std::string_view name, std::string_view attributes) {
  indent();
  out_ += '<';
  out_ += name;
  if (!attributes.empty()) {
    out_ += ' ';
    out_ += attributes;
  }
  out_ += ">\n";
  open_ += ' ';
  open_ += name;
  ++depth_;
  return *this;
}

XmlWriter& XmlWriter::close() {
  const std::size_t at = open_.rfind(' ');
  --depth_;
  indent();
  out_ += "</" + open_.substr(at + 1) + ">\n";
  open_.resize(at);
  return *this;
}

XmlWriter& XmlWriter::leaf(std::string_view name, std::string_view text) {
  indent();
  out_ += '<';
  out_ += name;
  out_ += '>';
  out_ += xml_escape(text);
  out_ += "</";
  out_ += name;
  out_ += ">\n";
  return *this;
}

XmlWriter& XmlWriter::empty(std::string_view name) {
  indent();
  out_ += '<';
  out_ += name;
  out_ += "/>\n";
  return *this;
}

std::string XmlWriter::finish() {
  while (depth_ != 0) close();
  return std::move(out_);
}

} // namespace paquebot::setup
