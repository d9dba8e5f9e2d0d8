#include "intake/binary.h"

namespace paquebot::intake {

Result<> BinaryToLines::begin(std::string& out) {
  if (std::exchange(begun_, true)) return {};
  const std::string head = splitter_.take_head();
  return converter_.start(head, out);
}

Result<> BinaryToLines::feed(std::string_view chunk, std::string& out) {
  const auto before = out.size();
  const auto body = splitter_.feed(chunk);
  if (!body) return std::unexpected(body.error());
  if (!splitter_.head_complete()) return {};
  if (auto begun = begin(out); !begun) return begun;
  if (auto fed = converter_.feed(*body, out); !fed) return fed;
  if (out.size() > before) last_ = out.back();
  return {};
}

Result<> BinaryToLines::finish(std::string& out) {
  const auto before = out.size();
  const auto rest = splitter_.finish();
  if (!rest) return std::unexpected(rest.error());
  if (auto begun = begin(out); !begun) return begun;
  if (auto fed = converter_.feed(*rest, out); !fed) return fed;
  if (auto finished = converter_.finish(out); !finished) return finished;
  if (out.size() > before) last_ = out.back();
  if (last_ != '\n') out += "\r\n";
  return {};
}

} // namespace paquebot::intake
