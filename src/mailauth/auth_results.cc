#include "mailauth/auth_results.h"

#include "base/text.h"

#include <algorithm>

namespace paquebot::mailauth {
namespace {

constexpr std::size_t kMaxFieldsLooked = 64;
constexpr int kMaxComments = 50;
constexpr std::size_t kMaxReason = 200;

/// RFC 2045 section 5.1.
constexpr std::string_view kTspecials = "()<>@,;:\\\"/[]?=";

bool is_token_char(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u > ' ' && u != 127 && kTspecials.find(c) == std::string_view::npos;
}

/// What a pvalue may be without quotes: a token, or an address of token characters.
bool needs_quotes(std::string_view value) {
  return value.empty() || !std::ranges::all_of(value, [](char c) { return is_token_char(c) || c == '@'; });
}

std::string quoted(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    const auto u = static_cast<unsigned char>(c);
    if (u < ' ' || u == 127) continue;
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out += '"';
}

std::string word(std::string_view value) { return needs_quotes(value) ? quoted(value) : std::string(value); }

/// Reads tokens, quoted strings and comments.
class Reader {
public:
  explicit Reader(std::string_view text) : text_(text) {}

  /// CFWS; false when a comment does not end or goes too deep.
  bool skip() {
    int depth = 0;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '(') {
        if (++depth > kMaxComments) return false;
      } else if (depth > 0) {
        if (c == ')') --depth;
        if (c == '\\') ++at_;
      } else if (!is_space(c)) {
        return true;
      }
    }
    at_ = std::min(at_, text_.size());
    return depth == 0;
  }
  bool done() const { return at_ == text_.size(); }
  bool at(char c) const { return !done() && text_[at_] == c; }
  bool take(char c) {
    if (!at(c)) return false;
    ++at_;
    return true;
  }
  /// Characters of a token but those in `stop`; empty when there are none.
  std::string token(std::string_view stop = {}) {
    const std::size_t start = at_;
    while (!done() && is_token_char(text_[at_]) && stop.find(text_[at_]) == std::string_view::npos) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }
  /// A token or a quoted string; with `address`, also "@", "/" and "=" of pvalues seen in the wild.
  std::optional<std::string> value(bool address) {
    if (!take('"')) {
      const std::size_t start = at_;
      while (!done() && (is_token_char(text_[at_]) ||
                         (address && std::string_view("@/:=+[]").find(text_[at_]) != std::string_view::npos)))
        ++at_;
      if (at_ == start) return std::nullopt;
      return std::string(text_.substr(start, at_ - start));
    }
    std::string out;
    for (; !done(); ++at_) {
      if (text_[at_] == '"') {
        ++at_;
        return out;
      }
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      if (text_[at_] != '\r' && text_[at_] != '\n') out += text_[at_];
    }
    return std::nullopt;
  }

private:
  std::string_view text_;
  std::size_t at_ = 0;
};

std::unexpected<Error> malformed_results(std::string_view what) {
  return fail(Errc::invalid, "malformed Authentication-Results: " + std::string(what));
}

/// ptype "." property "=" pvalue, or reason "=" value.
Result<> read_property(Reader& in, AuthResult& into) {
  AuthResult::Property property;
  property.type = to_lower(in.token("."));
  if (property.type.empty() || !in.skip()) return malformed_results("a property");
  const bool reason = !in.at('.');
  if (!reason) {
    in.take('.');
    if (!in.skip()) return malformed_results("a comment");
    property.name = to_lower(in.token());
    if (property.name.empty() || !in.skip()) return malformed_results("a property");
  } else if (property.type != "reason") {
    return malformed_results("a property");
  }
  if (!in.take('=') || !in.skip()) return malformed_results("a property");
  auto value = in.value(!reason);
  if (!value) return malformed_results("a value");
  if (reason) {
    into.reason = std::move(*value);
    return {};
  }
  property.value = std::move(*value);
  into.properties.push_back(std::move(property));
  return {};
}

/// [CFWS] method ["/" version] "=" result and what belongs to it.
Result<> read_result(Reader& in, AuthResults& into) {
  AuthResult result;
  result.method = to_lower(in.token());
  if (!in.skip()) return malformed_results("a comment");
  if (in.take('/')) {
    if (!in.skip() || in.token().empty() || !in.skip()) return malformed_results("a method's version");
  }
  if (into.results.empty() && result.method == "none" && !in.at('=')) return {};
  if (result.method.empty() || !in.take('=') || !in.skip()) return malformed_results("a method");
  result.result = to_lower(in.token());
  if (result.result.empty()) return malformed_results("a result");
  while (true) {
    if (!in.skip()) return malformed_results("a comment");
    if (in.done() || in.at(';')) break;
    if (auto read = read_property(in, result); !read) return read;
  }
  into.results.push_back(std::move(result));
  return {};
}

/// Reads the authserv-id and the version, up to the first semicolon or the end.
Result<std::string> read_id(Reader& in) {
  if (!in.skip()) return malformed_results("a comment");
  auto id = in.value(true);
  if (!id || !in.skip()) return malformed_results("the server's name");
  if (!in.done() && !in.at(';')) {
    const std::string version = in.token();
    if (version.empty() || !in.skip() || (!in.done() && !in.at(';'))) return malformed_results("the version");
    if (version != "1") return fail(Errc::unsupported, "Authentication-Results of another version");
  }
  return std::move(*id);
}

std::string normal_id(std::string_view id) {
  while (id.ends_with('.')) id.remove_suffix(1);
  return mail::normalize_domain(id).value_or(to_lower(id));
}

/// What stands where the server's name should, without comments, blanks, quotes and escapes: readers differ in what
/// they make of it.
std::string bare_id(std::string_view value) {
  std::string out;
  int depth = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == '\\')
      ++i; // and what it escapes
    else if (c == '(')
      ++depth;
    else if (c == ')')
      depth = std::max(0, depth - 1);
    else if (depth == 0 && c == ';')
      break;
    else if (depth == 0 && c != '"' && !is_space(c))
      out += c; // also what is of no name: may_name() tells
    if (c == '\\' && depth == 0 && i < value.size()) out += value[i];
  }
  return out;
}

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool has_word(std::string_view text, std::string_view ours) {
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && is_host_char(text[end])) ++end;
    if (end > at && normal_id(text.substr(at, end - at)) == ours) return true;
    at = end + 1;
  }
  return false;
}

/// Whether some reader may take the field for one with our name: a version glued to it ("mx.example.org/1"), words
/// around it, or octets that are of no host name, which readers take for an end of it or pass over.
bool may_name(std::string_view value, std::string_view ours) {
  std::string id = bare_id(value);
  if (normal_id(id) == ours || has_word(id, ours)) return true;
  const auto removed = std::erase_if(id, [](unsigned char c) { return c <= ' ' || c >= 127; });
  // Of an international name of ours nobody can tell what is left.
  return removed > 0 && (has_word(id, ours) || ours.find("xn--") != std::string_view::npos);
}

} // namespace

AuthResult auth_result(const SpfOutcome& spf, const SpfQuestion& question) {
  AuthResult r{"spf", std::string(to_string(spf.result)), spf.result == SpfResult::pass ? "" : spf.reason, {}};
  if (question.helo_identity)
    r.properties.push_back({"smtp", "helo", question.helo});
  else
    r.properties.push_back(
        {"smtp", "mailfrom", question.local.empty() ? spf.domain : question.local + "@" + spf.domain});
  return r;
}

AuthResult auth_result(const DkimVerdict& dkim) {
  AuthResult r{"dkim", std::string(to_string(dkim.result)), dkim.reason, {}};
  if (!dkim.domain.empty()) r.properties.push_back({"header", "d", dkim.domain});
  if (!dkim.identity.empty()) r.properties.push_back({"header", "i", dkim.identity});
  if (!dkim.selector.empty()) r.properties.push_back({"header", "s", dkim.selector});
  if (!dkim.algorithm.empty()) r.properties.push_back({"header", "a", dkim.algorithm});
  if (!dkim.tag.empty()) r.properties.push_back({"header", "b", dkim.tag});
  return r;
}

AuthResult auth_result(const DmarcOutcome& dmarc) {
  AuthResult r{
      "dmarc", std::string(to_string(dmarc.result)), dmarc.result == DmarcResult::pass ? "" : dmarc.reason, {}};
  if (!dmarc.author.domain.empty()) r.properties.push_back({"header", "from", dmarc.author.domain});
  if (dmarc.record) r.properties.push_back({"policy", "dmarc", std::string(to_string(dmarc.policy))});
  return r;
}

AuthResult auth_result(const ArcOutcome& arc) {
  AuthResult r{"arc", std::string(to_string(arc.result)), arc.result == ArcResult::pass ? "" : arc.reason, {}};
  if (arc.result == ArcResult::pass) // RFC 8617 section 10.2
    r.properties.push_back({"header", "oldest-pass", std::to_string(arc.oldest_pass)});
  return r;
}

std::string ascii_text(std::string_view text, std::size_t most) {
  std::string out;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (out.size() == most) break;
    if (u < 0x80)
      out += c;
    else if (u >= 0xC0)
      out += '?'; // the octets that follow it belong to it
  }
  return out;
}

std::string compose_auth_results(const AuthResults& all) {
  std::string out = word(all.authserv_id);
  if (all.results.empty()) return out + "; none";
  for (const auto& r : all.results) {
    out += ";\r\n\t" + r.method + "=" + r.result;
    if (!r.reason.empty()) out += "\r\n\treason=" + quoted(ascii_text(r.reason, kMaxReason));
    for (const auto& p : r.properties) out += "\r\n\t" + p.type + "." + p.name + "=" + word(p.value);
  }
  return out;
}

Result<AuthResults> parse_auth_results(std::string_view value) {
  Reader in(value);
  AuthResults all;
  auto id = read_id(in);
  if (!id) return std::unexpected(id.error());
  all.authserv_id = std::move(*id);
  while (in.take(';')) {
    if (!in.skip()) return malformed_results("a comment");
    if (in.done()) break; // a final semicolon
    if (all.results.size() == kMaxAuthResults) return malformed_results("too many results");
    if (auto read = read_result(in, all); !read) return std::unexpected(read.error());
  }
  if (!in.done()) return malformed_results("something follows the results");
  return all;
}

std::size_t remove_forged_results(mail::Head& head, std::string_view our_id) {
  constexpr std::string_view name = "Authentication-Results";
  if (head.count(name) > kMaxFieldsLooked) return head.remove_alike(name);
  const std::string ours = normal_id(our_id);
  return head.remove_if([&](const mail::Field& field) {
    if (!field.is(name)) return field.resembles(name);
    Reader in(field.value());
    const auto id = read_id(in);
    return !id || normal_id(*id) == ours || may_name(field.value(), ours);
  });
}

} // namespace paquebot::mailauth
