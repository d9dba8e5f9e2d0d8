#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// As much of HTML as it takes to read what a letter says. Whatever comes in: nothing is run, nothing is fetched.
namespace paquebot::mail {

/// One tag: `<name …>`, and what is behind it. `name` in lower case, "/p" at the end of an element.
struct HtmlTag {
  std::string name;
  std::string_view attributes;
  std::size_t length = 0;
};
/// What begins with "<"; length 1 when it is no tag.
HtmlTag read_html_tag(std::string_view html);
/// References of HTML to characters replaced: those by number, and the names that mails use.
std::string without_entities(std::string_view text);
/// The text that it shows, blanks collapsed, a line for each block; of the first MiB.
std::string text_of_html(std::string_view html);

} // namespace paquebot::mail
