#include "filter/clamd_answer.h"

#include "base/text.h"
#include "filter/said.h"

namespace paquebot::filter::clamd {

std::string length_of(std::size_t size) {
  std::string length;
  for (const int shift : {24, 16, 8, 0}) length += static_cast<char>(size >> shift & 0xff);
  return length;
}

Result<std::string> read_answer(std::string_view answer) {
  constexpr std::string_view stream = "stream: ", found = " FOUND";
  answer = trim(answer);
  if (answer == "stream: OK") return std::string();
  if (answer.starts_with(stream) && answer.ends_with(found) && answer.size() > stream.size() + found.size()) {
    answer.remove_prefix(stream.size());
    answer.remove_suffix(found.size());
    std::string name = reply_text(answer.substr(0, 100));
    if (!name.empty()) return name;
  }
  const std::string said = "clamd said \"" + printable(answer, 120) + "\"";
  if (answer.starts_with("INSTREAM size limit exceeded"))
    return fail(Errc::no_space, said + ": raise its StreamMaxLength, or set max_size for this filter");
  return fail(answer.ends_with("ERROR") ? Errc::temporary : Errc::invalid, said);
}

} // namespace paquebot::filter::clamd
