// What the peer is told and what is remarked of it.

#include "base/text.h"
#include "smtp/server_impl.h"
#include "smtp/verbs.h"

#include <algorithm>
#include <cassert>

namespace paquebot::smtp {
namespace {

/// Replies are kept until input is needed (RFC 2920 section 3.2), but not more of them than this.
constexpr std::size_t kFlushAt = 16 * 1024;
/// Room for a reply, which an idle session keeps.
constexpr std::size_t kKept = 128;
/// Remarks that are kept until somebody takes them, and how much of a command is told.
constexpr std::size_t kMostRemarks = 32;
constexpr std::size_t kMostTold = 200;

} // namespace

void ServerSession::Replies::say(std::string_view line) {
  out_ += line;
  out_ += "\r\n";
}

void ServerSession::Replies::say(mail::Reply verdict, std::string_view standard) {
  assert(verdict.code >= 200 && verdict.code < 600);
  if (verdict.text.empty() && verdict.positive()) return say(standard);
  if (verdict.text.empty()) verdict.text = verdict.permanent() ? "refused" : "not now; try again later";
  // RFC 2034 section 4: every reply has one, and its class is the reply's.
  if (!verdict.enhanced && verdict.code / 100 != 3)
    verdict.enhanced.klass = static_cast<std::uint8_t>(verdict.code / 100);
  verdict.append_wire(out_);
  if (verdict.code == 421) session_.mode = Impl::Mode::closing; // RFC 5321 section 3.8
}

void ServerSession::Replies::refuse(std::string_view line, std::uint32_t weight) {
  say(line);
  remark(Remark::Kind::command_refused, line);
  count_error(weight);
}

void ServerSession::Replies::pass_on(mail::Reply refusal, std::uint32_t weight) {
  const bool permanent = refusal.permanent();
  say(std::move(refusal), "");
  if (permanent) count_error(weight);
}

void ServerSession::Replies::count_error(std::uint32_t weight) {
  errors_ += weight;
  if (errors_ >= session_.options->max_errors && session_.mode != Impl::Mode::closing)
    hang_up("421 4.7.0 too many errors");
}

void ServerSession::Replies::hang_up(std::string_view line) {
  remark(Remark::Kind::command_refused, line);
  part(line);
}

void ServerSession::Replies::part(std::string_view line) {
  say(line);
  session_.close();
}

std::string ServerSession::Replies::without_secrets(std::string_view line) const {
  constexpr std::string_view kBlank = " \t", kHidden = "(hidden)";
  while (!line.empty() && kBlank.contains(line.front())) line.remove_prefix(1);
  const auto end = std::min(line.find_first_of(kBlank), line.size());
  if (istarts_with(line, "AUTH")) {
    const auto mechanism = line.find_first_not_of(kBlank, end);
    const auto rest = mechanism == line.npos ? line.npos : line.find_first_of(kBlank, mechanism);
    return rest == line.npos ? std::string(line) : std::string(line.substr(0, rest)) + " " + std::string(kHidden);
  }
  if (secrets_ && find_verb(line.substr(0, end)) == nullptr) return std::string(kHidden);
  return std::string(line.substr(0, kMostTold));
}

/// Of AUTH only the mechanism is told, and nothing of what is no command once a secret may be among it.
void ServerSession::Replies::remark(Remark::Kind kind, std::string_view reply) {
  if (remarks_.size() >= kMostRemarks) return;
  std::string told(said_.substr(0, kMostTold));
  const auto space = std::min(told.find(' '), told.size());
  if (said_ == kAuth) {
    told.append(" ").append(session_.login.mechanism_name());
  } else if (istarts_with(told, "AUTH ")) {
    told.resize(std::min(told.find(' ', space + 1), told.size()));
  } else if (secrets_ && find_verb(std::string_view(told).substr(0, space)) == nullptr) {
    told.clear();
  }
  remarks_.push_back({kind, std::move(told), std::string(reply)});
}

bool ServerSession::Replies::full() const {
  return out_.size() >= kFlushAt || (remarks_.size() >= kMostRemarks && !out_.empty());
}

Send ServerSession::Replies::flush() {
  std::swap(out_, sending_);
  return Send{sending_};
}

void ServerSession::Replies::rest() {
  for (std::string* buffer : {&out_, &sending_})
    if (buffer->capacity() > kKept) buffer->shrink_to_fit();
}

} // namespace paquebot::smtp
