#include "mail/received.h"

#include "mail/date.h"

#include <algorithm>
#include <array>
#include <vector>

namespace paquebot::mail {
namespace {

constexpr std::size_t kFoldAt = 78;

/// A host name, literal or word of the protocol: nothing in it can end a comment or a line.
std::string clean_word(std::string_view text) {
  static constexpr auto kPlain = [] {
    std::array<bool, 256> plain{};
    for (const char c : std::string_view(".-_:[]0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
      plain[static_cast<unsigned char>(c)] = true;
    return plain;
  }();
  std::string out(text.substr(0, kMaxDomain));
  std::ranges::replace_if(out, [](char c) { return !kPlain[static_cast<unsigned char>(c)]; }, '?');
  return out;
}

/// TCP-info of RFC 5321 section 4.4.
std::string peer_info(const Arrival& arrival) {
  const std::string ip = clean_word(arrival.peer_ip);
  const std::string literal = ip.find(':') == std::string::npos ? "[" + ip + "]" : "[IPv6:" + ip + "]";
  return arrival.peer_name.empty() ? "(" + literal + ")" : "(" + clean_word(arrival.peer_name) + " " + literal + ")";
}

/// The pieces between which the field may be folded.
std::vector<std::string> pieces_of(const Arrival& arrival) {
  std::vector<std::string> pieces;
  pieces.reserve(10);
  const bool from_network = !arrival.peer_ip.empty();
  if (from_network || !arrival.helo.empty()) {
    pieces.push_back("from " + (arrival.helo.empty() ? "unknown" : clean_word(arrival.helo)));
  }
  if (from_network) pieces.push_back(peer_info(arrival));
  pieces.push_back("by " + clean_word(arrival.host));
  if (from_network || !arrival.helo.empty()) pieces.push_back("with " + transmission_type(arrival));
  if (arrival.tls && !arrival.tls_version.empty()) pieces.push_back("(" + clean_word(arrival.tls_version) + ")");
  if (!arrival.id.empty()) pieces.push_back("id " + clean_word(arrival.id));
  // An international address has no place in a message that is not (RFC 6532 section 3.2).
  if (arrival.recipient && (arrival.smtputf8 || !arrival.recipient->international())) {
    pieces.push_back("for <" + arrival.recipient->to_string() + ">");
  }
  if (arrival.priority != 0) pieces.push_back("PRIORITY " + std::to_string(arrival.priority)); // RFC 6710 section 7
  // RFC 8314 section 4.3; RFC 5321 section 4.4: such clauses are the last ones.
  if (arrival.tls && !arrival.tls_cipher.empty()) pieces.push_back("tls " + clean_word(arrival.tls_cipher));
  pieces.back() += ';';
  pieces.push_back(format_date(arrival.when));
  return pieces;
}

} // namespace

std::string transmission_type(const Arrival& arrival) {
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
  std::string out = "Received:";
  out.reserve(300);
  std::size_t line = out.size();
  for (const std::string& piece : pieces_of(arrival)) {
    if (line + 1 + piece.size() > kFoldAt) {
      out += "\r\n\t";
      line = 8;
    } else {
      out += ' ';
      line += 1;
    }
    out += piece;
    line += piece.size();
  }
  return out += "\r\n";
}

std::size_t count_received(const Head& head) { return head.count("Received"); }

} // namespace paquebot::mail
