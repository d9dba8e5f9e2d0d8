#include "filter/milter_engine.h"

#include "base/text.h"
#include "filter/said.h"

#include <algorithm>
#include <iterator>

namespace paquebot::filter::milter {

struct Engine::Row {
  Command command;
  std::uint32_t left_out; ///< the bit that says that the filter does not want it
  std::uint32_t quiet;    ///< ... does not answer it
  int chosen;             ///< number of the step where a filter chooses macros; -1: it can't
  std::string_view macros;
};

const Engine::Row& Engine::row_of(Stage stage) {
  static constexpr Row rows[] = {
      {Command::connect, kNoConnect, kQuietConnect, 0,
       "j _ v {daemon_name} {client_addr} {client_name} {client_ptr} {client_port}"},
      {Command::helo, kNoHelo, kQuietHelo, 1, "{tls_version} {cipher}"},
      {Command::mail, kNoMail, kQuietMail, 2,
       "i {auth_type} {auth_authen} {auth_author} {mail_mailer} {mail_host} {mail_addr}"},
      {Command::recipient, kNoRecipient, kQuietRecipient, 3, "{rcpt_mailer} {rcpt_host} {rcpt_addr}"},
      {Command::data, kNoData, kQuietData, 4, "i"},
      {Command::header, kNoHeaders, kQuietHeader, -1, ""},
      {Command::end_of_header, kNoEndOfHeader, kQuietEndOfHeader, 6, "i"},
      {Command::body, kNoBody, kQuietBody, -1, ""},
      {Command::end, 0, 0, 5, "i"},
      {Command::negotiate, 0, 0, -1, ""},
  };
  return rows[static_cast<std::size_t>(stage)];
}

// ---- Questions ----

void Engine::add_macros(Stage stage) {
  const Row& row = row_of(stage);
  if (row.chosen < 0) return;
  const std::string& chosen = chosen_[static_cast<std::size_t>(row.chosen)];
  const std::string_view names = chosen.empty() ? row.macros : std::string_view(chosen);
  std::string data(1, static_cast<char>(row.command));
  for (const std::string_view name : split(names, ' ')) {
    const auto known = macros_.find(name);
    if (known == macros_.end() || known->second.empty()) continue;
    put_text(data, name);
    put_text(data, known->second);
  }
  put_packet(out_, static_cast<char>(Command::macros), data);
}

void Engine::ask(Stage stage, std::string_view data) {
  const Row& row = row_of(stage);
  stage_ = stage;
  waiting_ = false;
  if (failed_ || accepted_ != Scope::nothing || (steps_ & row.left_out) != 0) return;
  add_macros(stage);
  put_packet(out_, static_cast<char>(row.command), data);
  waiting_ = (steps_ & row.quiet) == 0;
}

void Engine::negotiate() {
  std::string data;
  put_u32(data, kVersion);
  put_u32(data, kAllActions);
  put_u32(data, kAllSteps);
  ask(Stage::negotiate, data);
}

void Engine::connect(const Client& client) {
  const std::string literal = client.address.empty() ? "localhost" : "[" + client.address + "]";
  const std::string& name = client.name.empty() ? literal : client.name;
  macros_ = {{"j", client.hostname},
             {"v", "Paquebot"},
             {"_", client.name.empty() ? literal : client.name + " " + literal},
             {"{daemon_name}", client.daemon},
             {"{client_addr}", client.address},
             {"{client_name}", client.name.empty() ? "unknown" : client.name},
             {"{client_ptr}", client.name.empty() ? "unknown" : client.name},
             {"{client_port}", std::to_string(client.port)}};
  accepted_ = Scope::nothing;
  in_message_ = false;
  std::string data;
  put_text(data, name);
  const bool known = !client.address.empty();
  data += !known ? 'U' : client.address.find(':') != std::string::npos ? '6' : '4';
  if (known) {
    put_u16(data, client.port);
    put_text(data, client.address);
  }
  ask(Stage::connect, data);
}

void Engine::helo(const Client& client) {
  macros_["{tls_version}"] = client.tls_version;
  macros_["{cipher}"] = client.tls_cipher;
  std::string data;
  put_text(data, client.helo);
  ask(Stage::helo, data);
}

namespace {

std::string in_brackets(const mail::Address& address) { return "<" + address.to_string() + ">"; }

std::string_view body_name(mail::BodyType type) {
  switch (type) {
    case mail::BodyType::seven_bit: return "BODY=7BIT";
    case mail::BodyType::eight_bit: return "BODY=8BITMIME";
    case mail::BodyType::binary: return "BODY=BINARYMIME";
  }
  return "";
}

/// Sendmail ends lines within a field with LF alone.
std::string without_cr(std::string_view value) {
  std::string text(value);
  std::erase(text, '\r');
  return text;
}

} // namespace

void Engine::mail(const Client& client, const mail::Sender& sender) {
  if (in_message_) put_packet(out_, static_cast<char>(Command::abort), {});
  if (accepted_ == Scope::message) accepted_ = Scope::nothing;
  in_message_ = true;
  skip_body_ = false;
  changes_ = change_octets_ = 0;
  new_body_ = 0;
  macros_["i"].clear();
  macros_["{auth_type}"] = client.login.empty() ? "" : "PLAIN";
  macros_["{auth_authen}"] = client.login;
  macros_["{mail_mailer}"] = "smtp";
  macros_["{mail_host}"] = sender.reverse_path.domain;
  macros_["{mail_addr}"] = sender.reverse_path.to_string();
  std::string data;
  put_text(data, in_brackets(sender.reverse_path));
  if (sender.declared_size != 0) put_text(data, "SIZE=" + std::to_string(sender.declared_size));
  if (sender.body != mail::BodyType::seven_bit) put_text(data, body_name(sender.body));
  if (sender.smtputf8) put_text(data, "SMTPUTF8");
  ask(Stage::mail, data);
}

void Engine::recipient(const mail::Recipient& recipient) {
  macros_["{rcpt_mailer}"] = "smtp";
  macros_["{rcpt_host}"] = recipient.address.domain;
  macros_["{rcpt_addr}"] = recipient.address.to_string();
  std::string data;
  put_text(data, in_brackets(recipient.address));
  ask(Stage::recipient, data);
}

void Engine::data() { ask(Stage::data, {}); }

void Engine::header(const mail::Field& field) {
  std::string_view value = field.value();
  if ((steps_ & kLeadingSpace) == 0) value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
  std::string data;
  put_text(data, trim(field.name()));
  put_text(data, without_cr(value));
  ask(Stage::header, data);
}

void Engine::end_of_header() { ask(Stage::end_of_header, {}); }

void Engine::body(std::string_view chunk) {
  if (skip_body_) {
    waiting_ = false;
    return;
  }
  ask(Stage::body, chunk);
}

void Engine::end_of_message() {
  ask(Stage::end, {});
  in_message_ = false;
}

std::string Engine::goodbye() const {
  std::string bytes;
  put_packet(bytes, static_cast<char>(Command::quit), {});
  return bytes;
}

// ---- Answers ----

void Engine::feed(std::string_view bytes) {
  in_.erase(0, in_.size() - rest_.size());
  in_ += bytes;
  rest_ = in_;
}

Action Engine::next() {
  if (failed_) return broken("it broke the protocol before");
  if (!out_.empty()) {
    sent_ = std::exchange(out_, {});
    return Send{sent_};
  }
  if (!waiting_) return Done{};
  const auto packet = take_packet(rest_);
  if (!packet) return broken(packet.error().message);
  if (!*packet) return NeedInput{};
  return handle(**packet);
}

Action Engine::broken(std::string why) {
  failed_ = true;
  waiting_ = false;
  return Broken{Error{Errc::invalid, std::move(why)}};
}

Action Engine::done(Verdict::Kind kind, mail::Reply reply) {
  waiting_ = false;
  return Done{Verdict{kind, std::move(reply)}};
}

Action Engine::handle(const Packet& packet) {
  if (stage_ == Stage::negotiate) return negotiated(packet);
  switch (static_cast<Answer>(packet.command)) {
    case Answer::add_recipient:
    case Answer::add_recipient_with:
    case Answer::remove_recipient:
    case Answer::change_sender:
    case Answer::replace_body:
    case Answer::quarantine:
    case Answer::add_header:
    case Answer::insert_header:
    case Answer::change_header: return change(packet);
    case Answer::progress: return Progress{};
    default: return verdict(packet);
  }
}

Action Engine::negotiated(const Packet& packet) {
  if (packet.command != static_cast<char>(Answer::negotiate)) return broken("no answer to the negotiation");
  Reader read(packet.data);
  const std::uint32_t version = read.u32();
  actions_ = read.u32();
  steps_ = read.u32();
  if (!read.ok()) return broken("a malformed negotiation");
  if (version < kOldestVersion || version > kVersion)
    return broken("it speaks version " + std::to_string(version) + " of the protocol");
  if ((steps_ & ~std::uint32_t{kAllSteps}) != 0) return broken("it wants steps that were not offered");
  actions_ &= kAllActions;
  if (version < kVersionWithData) steps_ |= kNoData;
  while (!read.at_end()) { // macros that it chooses
    const std::uint32_t step = read.u32();
    const std::string_view names = read.text();
    if (!read.ok() || step >= chosen_.size()) return broken("a malformed choice of macros");
    chosen_[step] = names;
    std::ranges::replace(chosen_[step], ',', ' ');
    if (chosen_[step].empty()) chosen_[step] = " "; // none at all
  }
  return done(Verdict::Kind::go_on);
}

Action Engine::change_header(const Packet& packet, std::uint32_t right) {
  using Way = HeadChange::Kind;
  const auto answer = static_cast<Answer>(packet.command);
  Reader read(packet.data);
  HeadChange made;
  if (answer != Answer::add_header) {
    const std::uint32_t index = read.u32();
    if (index > 1'000'000) return broken("a header field at an impossible position");
    made.index = static_cast<std::int32_t>(index);
  }
  const std::string_view name = read.text();
  made.value = field_value(read.text());
  if (!read.ok() || !read.at_end() || !is_field_name(name)) return broken("a malformed header field");
  if (!may(right)) return broken("a change of the header that was not negotiated");
  made.name = name;
  made.kind = answer == Answer::add_header      ? Way::append
              : answer == Answer::insert_header ? Way::insert
              : made.value.empty()              ? Way::remove
                                                : Way::replace;
  if (answer == Answer::change_header && made.index == 0) made.index = 1;
  return made;
}

Action Engine::change(const Packet& packet) {
  const auto answer = static_cast<Answer>(packet.command);
  if (answer == Answer::replace_body) {
    if (!may(kChangeBody)) return broken("a change of the body that was not negotiated");
    new_body_ += packet.data.size();
    if (new_body_ > max_new_body_) return broken("the new body is too large");
    return BodyPiece{packet.data};
  }
  if (!may_change_more(packet.data.size())) return broken("too many changes");
  if (answer == Answer::add_header || answer == Answer::insert_header) return change_header(packet, kAddHeaders);
  if (answer == Answer::change_header) return change_header(packet, kChangeHeaders);
  Reader read(packet.data);
  const std::string_view text = read.text();
  if (!read.ok()) return broken("a malformed change");
  if (answer == Answer::quarantine) {
    if (!may(kQuarantine)) return broken("a quarantine that was not negotiated");
    return Hold{reply_text(text)};
  }
  auto address = read_address(text);
  if (!address) return broken("a malformed address: " + printable(text, 120));
  const bool adds = answer == Answer::add_recipient || answer == Answer::add_recipient_with;
  const std::uint32_t right = answer == Answer::change_sender        ? kChangeSender
                              : answer == Answer::add_recipient      ? kAddRecipients
                              : answer == Answer::add_recipient_with ? kAddRecipientsWith
                                                                     : kRemoveRecipients;
  if (!may(right)) return broken("a change of the envelope that was not negotiated");
  if (answer == Answer::change_sender) return NewSender{std::move(*address)};
  if (address->empty()) return broken("an empty recipient");
  if (adds) return AddRecipient{std::move(*address)};
  return RemoveRecipient{std::move(*address)};
}

Action Engine::verdict(const Packet& packet) {
  using Way = Verdict::Kind;
  switch (static_cast<Answer>(packet.command)) {
    case Answer::go_on: return done(Way::go_on);
    case Answer::accept:
      accepted_ = stage_ == Stage::connect || stage_ == Stage::helo ? Scope::session : Scope::message;
      return done(Way::accept);
    case Answer::skip:
      if (stage_ != Stage::body) return broken("a skip where there is nothing to be skipped");
      skip_body_ = true;
      return done(Way::go_on);
    case Answer::reject: return done(Way::refuse, refused(name_));
    case Answer::tempfail: return done(Way::refuse, deferred(name_));
    case Answer::shutdown:
      return done(Way::refuse, {421, {4, 7, 0}, "refused by a content filter", "by the filter " + name_});
    case Answer::discard:
      if (stage_ == Stage::connect || stage_ == Stage::helo) return broken("a discard before there is a message");
      accepted_ = Scope::message;
      return done(Way::discard);
    case Answer::reply: {
      Reader read(packet.data);
      const std::string_view text = read.text();
      auto reply = read_reply(text);
      if (!read.ok() || !reply) return broken(read.ok() ? reply.error().message : "a malformed reply");
      reply->cause = "by the filter " + name_;
      return done(Way::refuse, std::move(*reply));
    }
    default: return broken("an unknown answer, octet " + std::to_string(static_cast<unsigned char>(packet.command)));
  }
}

} // namespace paquebot::filter::milter
