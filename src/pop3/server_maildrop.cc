// The open mailbox: listings, messages and deletions.

#include "pop3/server_impl.h"

#include <cassert>
#include <fmt/format.h>
#include <iterator>

namespace paquebot::pop3 {

namespace {
constexpr std::uint32_t kPage = 500; // rows of a listing asked for at once
} // namespace

void ServerSession::Maildrop::stat(const Arguments&) {
  session_.out += fmt::format("+OK {} {}\r\n", count_ - deleted_count_, octets_ - deleted_octets_);
}

void ServerSession::Maildrop::list(const Arguments& a) {
  start_listing(a.numbered ? Listing::list_one : Listing::list, a);
}
void ServerSession::Maildrop::uidl(const Arguments& a) {
  start_listing(a.numbered ? Listing::uidl_one : Listing::uidl, a);
}
void ServerSession::Maildrop::dele(const Arguments& a) { start_listing(Listing::remove, a); }
void ServerSession::Maildrop::retr(const Arguments& a) { start_message(a, {}); }
void ServerSession::Maildrop::top(const Arguments& a) { start_message(a, a.lines); }

void ServerSession::Maildrop::rset(const Arguments&) {
  deleted_.clear();
  deleted_count_ = 0;
  deleted_octets_ = 0;
  session_.ok(Text::messages, count_, octets_);
}

/// For QUIT. False: none is to be deleted.
bool ServerSession::Maildrop::collect() {
  if (deleted_count_ == 0) return false;
  commit_.reserve(deleted_count_);
  for (std::uint32_t number = 1; number <= count_; ++number) {
    if (is_deleted(number)) commit_.push_back(number);
  }
  assert(commit_.size() == deleted_count_ && "what was said to be deleted is, and nothing else");
  return true;
}

bool ServerSession::Maildrop::is_deleted(std::uint32_t number) const {
  std::uint32_t bit = number - 1;
  return !deleted_.empty() && (deleted_[bit / 64] >> (bit % 64) & 1) != 0;
}

void ServerSession::Maildrop::start_listing(Listing what, const Arguments& a) {
  listed_ = what;
  next_ = a.numbered ? a.number : 1;
  started_ = false;
  if (count_ == 0) return list_page({}, false); // nothing to ask for
  session_.ask(Impl::Question::list);
}

void ServerSession::Maildrop::one_row(const ListItem& row) {
  if (row.gone) return session_.refuse(Text::message_deleted, row.number);
  const auto told = std::back_inserter(session_.out);
  if (listed_ == Listing::list_one) return void(fmt::format_to(told, "+OK {} {}\r\n", row.number, row.size));
  if (listed_ == Listing::uidl_one) return void(fmt::format_to(told, "+OK {} {}\r\n", row.number, row.uidl));
  if (deleted_.empty()) deleted_.resize((std::size_t{count_} + 63) / 64);
  assert(row.number >= 1 && row.number <= count_ && !is_deleted(row.number));
  std::uint32_t bit = row.number - 1;
  deleted_[bit / 64] |= std::uint64_t{1} << (bit % 64);
  ++deleted_count_;
  deleted_octets_ += row.size;
  session_.ok(Text::will_be_deleted, row.number);
}

void ServerSession::Maildrop::page_rows(const std::vector<ListItem>& rows) {
  for (const ListItem& row : rows) {
    if (row.number < next_ || row.number > count_) continue;
    next_ = row.number + 1;
    if (row.gone || is_deleted(row.number)) continue;
    if (listed_ == Listing::list)
      fmt::format_to(std::back_inserter(session_.out), "{} {}\r\n", row.number, row.size);
    else
      fmt::format_to(std::back_inserter(session_.out), "{} {}\r\n", row.number, row.uidl);
  }
  if (rows.size() < kPage || next_ > count_) {
    session_.out += ".\r\n";
    return;
  }
  session_.flush = true;
  session_.ask(Impl::Question::list);
}

void ServerSession::Maildrop::list_page(const std::vector<ListItem>& rows, bool failed) {
  bool single = listed_ != Listing::list && listed_ != Listing::uidl;
  if (failed || (single && (rows.empty() || rows.front().number != next_))) {
    if (started_) return session_.close(); // RFC 1939 has no way to say it here: a broken listed_, never a short one
    return session_.refuse(Text::mailbox_unreadable);
  }
  if (single) return one_row(rows.front());
  if (!started_) session_.ok(Text::messages, count_ - deleted_count_, octets_ - deleted_octets_);
  started_ = true;
  page_rows(rows);
}

void ServerSession::Maildrop::start_message(const Arguments& a, std::optional<std::uint32_t> lines) {
  message_ = a.number;
  started_ = false;
  encoder_ = MessageEncoder(lines);
  surrogate_.reset();
  session_.ask(Impl::Question::message);
}

void ServerSession::Maildrop::message_bytes(std::string_view bytes, bool last, bool failed, bool international) {
  if (failed) {
    if (started_) return session_.close();
    return session_.refuse(Text::message_unreadable);
  }
  if (!started_) session_.ok(Text::message_follows);
  if (!started_ && international && !session_.utf8) surrogate_.emplace();
  started_ = true;
  if (surrogate_) bytes = surrogate_->feed(bytes, last);
  if (encoder_.encode(bytes, session_.out) || last) return encoder_.finish(session_.out);
  session_.flush = true;
  session_.ask(Impl::Question::message);
}

AskList ServerSession::Maildrop::list_question(std::uint32_t id) const {
  const bool page = listed_ == Listing::list || listed_ == Listing::uidl;
  const bool as_sent = listed_ == Listing::list || listed_ == Listing::list_one;
  return {id, next_, page ? kPage : 1, as_sent};
}

AskMessage ServerSession::Maildrop::message_question(std::uint32_t id) const { return {id, message_, !started_}; }

void ServerSession::Maildrop::open(std::uint32_t count, std::uint64_t octets) {
  count_ = count;
  octets_ = octets;
  session_.ok(Text::messages, count, octets);
}

} // namespace paquebot::pop3
