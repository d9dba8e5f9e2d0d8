#include "pop3/server_impl.h"
#include "sasl/secret.h"

#include <fmt/format.h>
#include <utility>

namespace paquebot::pop3 {

namespace {
constexpr std::size_t kFlushAt = 16 * 1024; // octets of replies that are sent without waiting for more
constexpr std::size_t kKeptOutput = 4096;   // octets of output memory an idle session keeps
constexpr std::uint32_t kPage = 500;        // rows of a listing asked for at once
constexpr char kTlsHandshake = 0x16;        // the first octet of a TLS ClientHello
} // namespace

ServerSession::Impl::Impl(std::shared_ptr<const ServerOptions> o, bool e) : options(std::move(o)), encrypted(e) {
  // No angle brackets here: they would offer APOP (RFC 1939 section 7).
  ok(Text::greeting, options->hostname);
}

ServerSession::Impl::~Impl() { wipe_login(); }

void ServerSession::Impl::reply(std::string_view status, Text text, fmt::format_args values) {
  out += status;
  if (const auto code = code_of(text); !code.empty()) {
    out += code;
    out += ' ';
  }
  fmt::vformat_to(std::back_inserter(out), words_of(text, language), values);
  out += "\r\n";
}

void ServerSession::Impl::drop() {
  closing = true;
  question = Question::none;
  out.clear();
  input.clear();
  wipe_login();
}

void ServerSession::Impl::ask(Question what) {
  question = what;
  ++question_id;
}

bool ServerSession::Impl::answered(Question what, std::uint32_t id) {
  if (question != what || question_id != id) return false;
  question = Question::none;
  return true;
}

Send ServerSession::Impl::send() {
  out_given = true;
  return Send{out};
}

Action ServerSession::Impl::question_action() {
  switch (question) {
    case Question::login: return AskLogin{question_id, mechanism_name, &login};
    case Question::open: return AskOpen{question_id};
    case Question::list: {
      const bool page = listing == Listing::list || listing == Listing::uidl;
      const bool as_sent = listing == Listing::list || listing == Listing::list_one;
      return AskList{question_id, list_next, page ? kPage : 1, as_sent};
    }
    case Question::message: return AskMessage{question_id, message, !started};
    default: return AskCommit{question_id, &commit};
  }
}

Action ServerSession::Impl::next() {
  if (out_given) {
    out.clear();
    out_given = flush = false;
    if (state == transaction) ++window; // the time that a long message took is not the next command's
  }
  for (;;) {
    if (closing && out.empty()) return Close{};
    if (out.size() >= kFlushAt || (flush && !out.empty())) return send();
    if (question != Question::none) return question_action();
    if (closing) return send();
    if (tls_pending) return out.empty() ? Action(StartTls{}) : Action(send());
    if (going_down || logged_out || taken_away) {
      refuse(going_down ? Text::going_down : logged_out ? Text::logged_out : Text::taken_over);
      close();
      continue;
    }
    std::string_view line;
    LineBuffer::Status status = input.next(line_bound(), line);
    if (status != LineBuffer::Status::none) {
      handle_input(status, line);
      continue;
    }
    if (!out.empty()) return send();
    if (out.capacity() > kKeptOutput) std::string().swap(out);
    return NeedInput{state == transaction ? options->idle_timeout : options->login_timeout, window};
  }
}

std::size_t ServerSession::Impl::line_bound() const {
  constexpr std::size_t kCommand = 64; // "AUTH" and the mechanism
  if (auth_waits) return options->max_auth_line;
  if (state != authorization || !input.begins_with("AUTH ")) return options->max_line;
  return std::max<std::size_t>(options->max_line, options->max_auth_line + kCommand);
}

void ServerSession::Impl::handle_input(LineBuffer::Status status, std::string_view line) {
  if (state == transaction) ++window;
  if (status == LineBuffer::Status::too_long) {
    if (mechanism) note_refusal("a response of more octets than may be");
    mechanism.reset();
    auth_waits = false;
    return error(Text::line_too_long);
  }
  if (auth_waits) return auth_response(line);
  command(line);
}

bool ServerSession::Impl::is_deleted(std::uint32_t number) const {
  std::uint32_t bit = number - 1;
  return !deleted.empty() && (deleted[bit / 64] >> (bit % 64) & 1) != 0;
}

void ServerSession::Impl::start_listing(Listing what, const Arguments& a) {
  listing = what;
  list_next = a.numbered ? a.number : 1;
  started = false;
  if (count == 0) return list_page({}, false); // nothing to ask for
  ask(Question::list);
}

void ServerSession::Impl::one_row(const ListItem& row) {
  if (row.gone) return refuse(Text::message_deleted, row.number);
  const auto told = std::back_inserter(out);
  if (listing == Listing::list_one) return void(fmt::format_to(told, "+OK {} {}\r\n", row.number, row.size));
  if (listing == Listing::uidl_one) return void(fmt::format_to(told, "+OK {} {}\r\n", row.number, row.uidl));
  if (deleted.empty()) deleted.resize((std::size_t{count} + 63) / 64);
  std::uint32_t bit = row.number - 1;
  deleted[bit / 64] |= std::uint64_t{1} << (bit % 64);
  ++deleted_count;
  deleted_octets += row.size;
  ok(Text::will_be_deleted, row.number);
}

void ServerSession::Impl::page_rows(const std::vector<ListItem>& rows) {
  for (const ListItem& row : rows) {
    if (row.number < list_next || row.number > count) continue;
    list_next = row.number + 1;
    if (row.gone || is_deleted(row.number)) continue;
    if (listing == Listing::list)
      fmt::format_to(std::back_inserter(out), "{} {}\r\n", row.number, row.size);
    else
      fmt::format_to(std::back_inserter(out), "{} {}\r\n", row.number, row.uidl);
  }
  if (rows.size() < kPage || list_next > count) {
    out += ".\r\n";
    return;
  }
  flush = true;
  ask(Question::list);
}

void ServerSession::Impl::list_page(const std::vector<ListItem>& rows, bool failed) {
  bool single = listing != Listing::list && listing != Listing::uidl;
  if (failed || (single && (rows.empty() || rows.front().number != list_next))) {
    if (started) return close(); // RFC 1939 has no way to say it here: a broken listing, never a short one
    return refuse(Text::mailbox_unreadable);
  }
  if (single) return one_row(rows.front());
  if (!started) ok(Text::messages, count - deleted_count, octets - deleted_octets);
  started = true;
  page_rows(rows);
}

void ServerSession::Impl::start_message(const Arguments& a, std::optional<std::uint32_t> lines) {
  message = a.number;
  started = false;
  encoder = MessageEncoder(lines);
  surrogate.reset();
  ask(Question::message);
}

void ServerSession::Impl::message_bytes(std::string_view bytes, bool last, bool failed, bool international) {
  if (failed) {
    if (started) return close();
    return refuse(Text::message_unreadable);
  }
  if (!started) ok(Text::message_follows);
  if (!started && international && !utf8) surrogate.emplace();
  started = true;
  if (surrogate) bytes = surrogate->feed(bytes, last);
  if (encoder.encode(bytes, out) || last) return encoder.finish(out);
  flush = true;
  ask(Question::message);
}

ServerSession::ServerSession(std::shared_ptr<const ServerOptions> options, bool encrypted)
    : impl_(std::make_unique<Impl>(std::move(options), encrypted)) {}
ServerSession::~ServerSession() = default;

void ServerSession::feed(std::string_view bytes) {
  const bool first = !std::exchange(impl_->heard, true);
  if (first && !impl_->encrypted && bytes.starts_with(kTlsHandshake)) {
    impl_->refuse(Text::tls_on_clear_port);
    return impl_->close();
  }
  if (!impl_->closing && !impl_->tls_pending) impl_->input.append(bytes);
}

void ServerSession::tls_started() {
  // RFC 2595 section 4: what was said in clear, or slipped in behind STLS, counts for nothing.
  impl_->input.clear();
  sasl::wipe(impl_->name);
  impl_->tls_pending = false;
  impl_->encrypted = true;
  impl_->language = Language::en;
}

void ServerSession::timed_out() { impl_->drop(); }
void ServerSession::eof() { impl_->drop(); }
void ServerSession::shut_down() { impl_->going_down = true; }
void ServerSession::take_away() { impl_->taken_away = true; }
void ServerSession::log_out() { impl_->logged_out = true; }

void ServerSession::answer_login(std::uint32_t id, LoginVerdict verdict) {
  if (impl_->answered(Impl::Question::login, id)) impl_->answer_login(verdict);
}

void ServerSession::answer_keys(std::uint32_t id, sasl::ScramCredentials credentials) {
  if (impl_->answered(Impl::Question::login, id)) impl_->answer_keys(std::move(credentials));
}

void ServerSession::offer_scram(bool offered) { impl_->scram = offered; }
std::optional<sasl::Refusal> ServerSession::take_refusal() { return std::exchange(impl_->refusal_, std::nullopt); }
void ServerSession::set_channel(sasl::Channel channel) { impl_->channel = std::move(channel); }

void ServerSession::answer_open(std::uint32_t id, OpenVerdict verdict, std::uint32_t count, std::uint64_t octets) {
  if (!impl_->answered(Impl::Question::open, id)) return;
  if (verdict == OpenVerdict::opened) {
    impl_->count = count;
    impl_->octets = octets;
    impl_->state = Impl::transaction;
    ++impl_->window;
    return impl_->ok(Text::messages, count, octets);
  }
  impl_->logged_in.clear();
  if (verdict == OpenVerdict::in_use) {
    return impl_->error(Text::mailbox_in_use); // RFC 2449 section 8.1.2
  }
  impl_->error(Text::mailbox_not_opened); // RFC 3206 section 4
}

void ServerSession::list_page(std::uint32_t id, std::vector<ListItem> rows, bool failed) {
  if (impl_->answered(Impl::Question::list, id)) impl_->list_page(rows, failed);
}

void ServerSession::message_bytes(std::uint32_t id, std::string_view bytes, bool last, bool failed,
                                  bool international) {
  if (impl_->answered(Impl::Question::message, id)) impl_->message_bytes(bytes, last, failed, international);
}

void ServerSession::answer_commit(std::uint32_t id, bool done) {
  if (!impl_->answered(Impl::Question::commit, id)) return;
  if (done)
    impl_->ok(Text::messages_deleted, impl_->deleted_count);
  else
    impl_->refuse(Text::not_deleted);
  impl_->close();
}

Action ServerSession::next() { return impl_->next(); }
bool ServerSession::utf8() const { return impl_->utf8; }
std::string_view ServerSession::user() const { return impl_->logged_in; }
bool ServerSession::encrypted() const { return impl_->encrypted; }
bool ServerSession::closing() const { return impl_->closing; }
bool ServerSession::has_input() const { return !impl_->input.empty(); }

} // namespace paquebot::pop3
