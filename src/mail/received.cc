#include "mail/received.h"

#include "mail/date.h"

#include <array>
#include <span>

namespace paquebot::mail {
namespace {

constexpr std::size_t kFoldReceivedAt = 78;
constexpr std::size_t kTab = 8;

/// Appends a host name, literal or word of the protocol: nothing in it can end a comment or a line.
void append_word(std::string& out, std::string_view text) {
  static constexpr auto kPlain = [] {
    std::array<bool, 256> plain{};
    for (const char c : std::string_view(".-_:[]0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
      plain[static_cast<unsigned char>(c)] = true;
    return plain;
  }();
  const std::size_t begin = out.size();
  out += text.substr(0, kMaxDomain);
  for (char& c : std::span(out).subspan(begin))
    if (!kPlain[static_cast<unsigned char>(c)]) c = '?';
}

/// A field made of pieces, between which it is folded.
class FoldedField {
public:
  explicit FoldedField(std::string_view name) {
    text_.reserve(400);
    text_ += name;
    text_ += ':';
    line_ = text_.size();
  }
  /// Begins another piece, which is appended to what this gives back.
  std::string& piece() {
    end_piece();
    start_ = text_.size();
    return text_ += ' ';
  }
  /// Goes on with the piece begun last.
  void extend(std::string_view more) { text_ += more; }
  std::string finish() {
    end_piece();
    return std::move(text_ += "\r\n");
  }

private:
  /// A piece that makes its line too long moves to the next one.
  void end_piece() {
    if (start_ == 0) return;
    const std::size_t length = text_.size() - start_; // with the space in front, or the tab that takes its place
    if (line_ + length <= kFoldReceivedAt) {
      line_ += length;
    } else {
      text_.replace(start_, 1, "\r\n\t");
      line_ = kTab + length - 1;
    }
  }

  std::string text_;
  std::size_t line_ = 0;  ///< how long the line is, without the piece begun last
  std::size_t start_ = 0; ///< of that piece; 0: there is none
};

void add_word(FoldedField& field, std::string_view before, std::string_view word) {
  std::string& out = field.piece() += before;
  append_word(out, word);
}

/// TCP-info of RFC 5321 section 4.4.
void add_peer(FoldedField& field, const Arrival& arrival) {
  std::string& out = field.piece();
  out += '(';
  if (!arrival.peer_name.empty()) {
    append_word(out, arrival.peer_name);
    out += ' ';
  }
  out += arrival.peer_ip.contains(':') ? "[IPv6:" : "[";
  append_word(out, arrival.peer_ip);
  out += "])";
}

} // namespace

std::string transmission_type(const Arrival& arrival) {
  if (arrival.http) return arrival.tls ? "HTTPS" : "HTTP";
  std::string type = arrival.smtputf8 ? "UTF8" : "";
  if (arrival.lmtp) {
    type += "LMTP";
  } else {
    type += arrival.extended && !arrival.smtputf8 ? "ESMTP" : "SMTP";
  }
  // SMTP without EHLO has neither TLS nor logins.
  if (!arrival.extended && !arrival.lmtp && !arrival.smtputf8) return type;
  if (arrival.tls) type += 'S';
  if (arrival.authenticated) type += 'A';
  return type;
}

std::string compose_received(const Arrival& arrival) {
  FoldedField field("Received");
  const bool from_network = !arrival.peer_ip.empty();
  const bool from_client = from_network || !arrival.helo.empty();
  if (from_client) add_word(field, "from ", arrival.helo.empty() ? std::string_view("unknown") : arrival.helo);
  if (from_network) add_peer(field, arrival);
  add_word(field, "by ", arrival.host);
  if (from_client) add_word(field, "with ", transmission_type(arrival));
  if (arrival.tls && !arrival.tls_version.empty()) {
    add_word(field, "(", arrival.tls_version);
    field.extend(")");
  }
  if (!arrival.id.empty()) add_word(field, "id ", arrival.id);
  // An international address has no place in a message that is not (RFC 6532 section 3.2).
  if (arrival.recipient && (arrival.smtputf8 || !arrival.recipient->international()))
    field.piece() += "for <" + arrival.recipient->to_string() + ">";
  if (arrival.priority != 0) field.piece() += "PRIORITY " + std::to_string(arrival.priority); // RFC 6710 section 7
  // RFC 8314 section 4.3; RFC 5321 section 4.4: such clauses are the last ones.
  if (arrival.tls && !arrival.tls_cipher.empty()) add_word(field, "tls ", arrival.tls_cipher);
  field.extend(";");
  field.piece() += format_date(arrival.when);
  return field.finish();
}

std::size_t count_received(const Head& head) { return head.count("Received"); }

} // namespace paquebot::mail
