#include "http/head_reader.h"

#include "http/grammar.h"

#include <algorithm>
#include <utility>

namespace paquebot::http {

Parsed<HeadReader::Step> HeadReader::read(std::string_view& input) {
  for (;;) {
    const std::size_t left = bounds_.head > octets_ ? bounds_.head - octets_ : 0;
    const std::size_t most = std::min<std::size_t>(started_ ? bounds_.field : bounds_.start_line, left);
    const auto status = line_.read(input, most);
    if (status == LineReader::Status::more) return Step::more;
    if (status == LineReader::Status::bad) return fault(400, "control characters, or a line that ends without CRLF");
    if (status == LineReader::Status::too_long && !started_) return Step::start_too_long;
    if (status == LineReader::Status::too_long) return fault(431, "a field is too long, or all of them are");
    octets_ += line_.line().size() + 2;
    const auto step = started_ ? field_read() : start_line_read();
    if (!step || *step != Step::more) return step;
  }
}

Parsed<HeadReader::Step> HeadReader::start_line_read() {
  if (!line_.line().empty()) {
    started_ = true;
    return Step::start;
  }
  if (std::exchange(skipped_, true)) return fault(400, "empty lines before a request");
  octets_ = 0;
  line_.reset();
  return Step::more;
}

Parsed<HeadReader::Step> HeadReader::field_read() {
  if (line_.line().empty()) return Step::whole;
  if (fields_.size() >= bounds_.fields) return fault(431, "too many fields");
  auto field = parse_field(line_.line());
  if (!field) return std::unexpected(field.error());
  fields_.push_back(std::move(*field));
  return Step::more;
}

Fields HeadReader::take_fields() {
  line_.reset();
  octets_ = 0;
  started_ = skipped_ = false;
  return std::exchange(fields_, {});
}

} // namespace paquebot::http
