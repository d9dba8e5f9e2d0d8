#include "control/content.h"

#include "base/encoding.h"
#include "base/text.h"
#include "control/handlers.h"
#include "http/grammar.h"
#include "http/path.h"
#include "mail/charset.h"
#include "mail/head.h"
#include "mail/transfer_encoding.h"

#include <algorithm>

namespace paquebot::control {
namespace {

constexpr std::size_t kBodyPiece = 256u << 10;
constexpr unsigned kMostPieces = 100; // of a parameter (RFC 2231 section 3)
constexpr std::size_t kMostField = 10'000;

/// Base 64 of others: what is none of the alphabet is passed over (RFC 2045 section 6.8).
std::string lenient_base64(std::string_view text) {
  std::string bare;
  bare.reserve(text.size());
  for (const char c : text) {
    if (c == '=') break;
    if (is_alnum(c) || c == '+' || c == '/') bare += c;
  }
  constexpr std::size_t group = 4;
  if (bare.size() % group == 1) bare.pop_back();
  while (bare.size() % group != 0) bare += '=';
  return base64_decode(bare).value_or("");
}

void add_leaves(const mail::MimePart& part, const std::string& number, std::vector<LeafPart>& out) {
  if (part.is_multipart()) {
    for (std::size_t i = 0; i < part.parts.size(); ++i)
      add_leaves(*part.parts[i], (number.empty() ? "" : number + ".") + std::to_string(i + 1), out);
    return;
  }
  const bool said = iequals(part.disposition.token, "attachment");
  const bool readable = part.type == "text" && (part.subtype == "plain" || part.subtype == "html");
  out.push_back({number.empty() ? "1" : number, &part, said || !readable});
}

/// "utf-8'en'caf%C3%A9" (RFC 2231 section 4).
std::string extended_value(std::string_view value) {
  const auto first = value.find('\'');
  const auto second = first == value.npos ? first : value.find('\'', first + 1);
  if (second == value.npos) return mail::to_utf8(value, "utf-8");
  const auto octets = http::percent_decode(value.substr(second + 1));
  return octets ? mail::to_utf8(*octets, value.substr(0, first)) : mail::to_utf8(value.substr(second + 1), "utf-8");
}

/// The pieces "name*0", "name*1*" … as one; empty when there is none.
std::string joined_value(const std::vector<std::pair<std::string, std::string>>& parameters, std::string_view name) {
  std::string joined;
  bool extended = false;
  for (unsigned i = 0; i < kMostPieces; ++i) {
    const std::string plain = std::string(name) + "*" + std::to_string(i);
    const auto found = std::ranges::find_if(
        parameters, [&](const auto& one) { return iequals(one.first, plain) || iequals(one.first, plain + "*"); });
    if (found == parameters.end()) break;
    extended = extended || found->first.ends_with('*');
    joined += found->second;
  }
  return extended ? extended_value(joined) : mail::words_in_utf8(joined);
}

Task<Found<std::unique_ptr<mail::MimePart>>> find_parts(Context& context, const std::string& head,
                                                        const store::BodyRef& body) {
  mail::MimeParser parser(head);
  for (std::uint64_t offset = 0; offset < body.size;) {
    const auto piece = co_await context.store.content().read_body(body, offset, kBodyPiece);
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) break;
    parser.feed(*piece);
    offset += piece->size();
  }
  co_return parser.finish();
}

json::object present_leaf(const LeafPart& leaf) {
  const mail::MimePart& part = *leaf.part;
  const std::uint64_t octets = part.encoding == "base64" ? part.body_size / 4 * 3 : part.body_size;
  return {{"part", leaf.number},
          {"name", name_of_part(part).substr(0, kMostField)},
          {"type", mail::to_utf8(part.type + "/" + part.subtype, "us-ascii")},
          {"octets", octets}};
}

} // namespace

Task<Found<Readable>> open_readable(Context& context, store::Id own, Ulid id) {
  const auto trace = co_await context.store.trail().trace(id);
  if (!trace && trace.error().code == Errc::not_found) co_return std::unexpected(no_message(id.to_string()));
  if (!trace) co_return std::unexpected(trace.error());
  Readable message;
  auto entry = co_await context.store.mailboxes().read_delivered(own, id);
  if (!entry && entry.error().code != Errc::not_found) co_return std::unexpected(entry.error());
  if (entry) {
    message.head = std::move(entry->head);
    message.body = entry->body;
  } else if (trace->message.head != 0) {
    auto head = co_await context.store.content().read_head(trace->message.head);
    if (!head) co_return std::unexpected(head.error());
    message.head = std::move(*head);
    message.body = trace->message.body;
  } else {
    co_return refuse(Errc::not_found, "the content of the message is not here any more");
  }
  auto root = co_await find_parts(context, message.head, message.body);
  if (!root) co_return std::unexpected(root.error());
  message.root = std::move(*root);
  co_return Found<Readable>(std::move(message));
}

std::vector<LeafPart> leaves_of(const Readable& message) {
  std::vector<LeafPart> out;
  add_leaves(*message.root, "", out);
  return out;
}

const LeafPart* text_of(const std::vector<LeafPart>& leaves, std::string_view subtype) {
  const auto found = std::ranges::find_if(
      leaves, [&](const LeafPart& leaf) { return !leaf.attached && leaf.part->subtype == subtype; });
  return found == leaves.end() ? nullptr : &*found;
}

const LeafPart* find_leaf(const std::vector<LeafPart>& leaves, std::string_view number) {
  const auto found = std::ranges::find(leaves, number, &LeafPart::number);
  return found == leaves.end() ? nullptr : &*found;
}

std::string name_of_part(const mail::MimePart& part) {
  std::string name = parameter_text(part.disposition.parameters, "filename");
  if (name.empty()) name = parameter_text(part.parameters, "name");
  return name;
}

PartPlace part_place(const Readable& message, const mail::MimePart& part) {
  const std::uint64_t head = message.head.size();
  PartPlace place{message.body, part.body_offset - std::min(head, part.body_offset), part.body_size, part.encoding};
  place.offset = std::min(place.offset, place.body.size);
  place.size = std::min(place.size, place.body.size - place.offset);
  return place;
}

Task<Result<std::string>> read_part(Context& context, PartPlace place, std::size_t most) {
  std::string octets;
  const std::uint64_t wanted = std::min<std::uint64_t>(place.size, most);
  while (octets.size() < wanted) {
    const std::uint64_t offset = place.offset + octets.size();
    const std::size_t length = std::min<std::uint64_t>(wanted - octets.size(), kBodyPiece);
    const auto piece = co_await context.store.content().read_body(place.body, offset, length);
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) break;
    octets += *piece;
  }
  if (place.encoding == "base64") co_return lenient_base64(octets);
  if (place.encoding == "quoted-printable") co_return mail::quoted_printable_decode(octets);
  co_return octets;
}

std::string parameter_text(const std::vector<std::pair<std::string, std::string>>& parameters, std::string_view name) {
  const std::string extended = std::string(name) + "*";
  for (const auto& [key, value] : parameters)
    if (iequals(key, extended)) return extended_value(value);
  if (std::string joined = joined_value(parameters, name); !joined.empty()) return joined;
  for (const auto& [key, value] : parameters)
    if (iequals(key, name)) return mail::words_in_utf8(value);
  return {};
}

std::string replace_references(std::string_view html, const std::function<std::string(const std::string& id)>& url) {
  constexpr std::string_view scheme = "cid:";
  std::string out;
  out.reserve(html.size());
  for (std::size_t at = 0; at < html.size();) {
    if (!istarts_with(html.substr(at), scheme)) {
      out += html[at++];
      continue;
    }
    const std::size_t begin = at + scheme.size();
    const std::size_t end = std::min(html.find_first_of("\"'<>) \t\r\n", begin), html.size());
    const std::string_view written = html.substr(begin, end - begin);
    const std::string made = url(http::percent_decode(written).value_or(std::string(written)));
    out += made.empty() ? html.substr(at, end - at) : std::string_view(made);
    at = end;
  }
  return out;
}

Task<Answer> show_content(Context& context, Call call) {
  const auto id = read_id(call.names[0]);
  if (!id) co_return std::unexpected(id.error());
  const Ulid wanted = *id;
  const store::Id own = call.asker.grants.account;
  const auto message = co_await open_readable(context, own, wanted);
  if (!message) co_return std::unexpected(message.error());
  const std::vector<LeafPart> leaves = leaves_of(*message);
  const LeafPart* plain = text_of(leaves, "plain");
  std::string text;
  bool cut = false;
  if (plain != nullptr) {
    PartPlace place = part_place(*message, *plain->part);
    cut = place.size > kMostText;
    const auto octets = co_await read_part(context, std::move(place), kMostText);
    if (!octets) co_return std::unexpected(octets.error());
    text = mail::to_utf8(*octets, parameter_text(plain->part->parameters, "charset"));
  }
  json::array attachments;
  const LeafPart* html = text_of(leaves, "html");
  for (const LeafPart& leaf : leaves)
    if (&leaf != plain && &leaf != html) attachments.push_back(present_leaf(leaf));
  json::object out{{"id", wanted.to_string()}, {"text", text}, {"cut", cut}, {"html", html != nullptr}};
  const auto head = mail::Head::parse(message->head);
  for (const char* name : {"from", "to", "cc", "subject", "date"}) {
    const std::string value = head ? head->value(name) : std::string();
    out[name] = mail::words_in_utf8(value.substr(0, kMostField));
  }
  out["attachments"] = std::move(attachments);
  co_return out;
}

} // namespace paquebot::control
