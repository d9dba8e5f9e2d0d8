#include "imap/fetch_work.h"
#include "imap/preview.h"
#include "imap/write.h"
#include "mail/head.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <utility>

/// What FETCH writes of one message.
namespace paquebot::imap {

void ServerSession::Fetcher::Work::simple(const FetchItem& one, const Row& row) {
  std::string& out = session.out;
  out += one.label;
  out += ' ';
  switch (one.kind) {
    case FetchItem::Kind::flags:
      fmt::format_to(std::back_inserter(out), "({})", flags_text(row.flags, session.selected.keywords()));
      break;
    case FetchItem::Kind::uid: fmt::format_to(std::back_inserter(out), "{}", row.uid); break;
    case FetchItem::Kind::internal_date: put_date_time(out, row.internal_date); break;
    case FetchItem::Kind::save_date: put_date_time(out, row.saved); break;
    case FetchItem::Kind::modseq: fmt::format_to(std::back_inserter(out), "({})", row.modseq); break;
    case FetchItem::Kind::email_id: out.append("(").append(email_id(row.email)).append(")"); break;
    case FetchItem::Kind::thread_id: out += "NIL"; break; // there are no threads
    default: fmt::format_to(std::back_inserter(out), "{}", row.size); break;
  }
}

/// Where what is asked for is: a range, or with fields to choose from `text`. False: there is no such part.
bool ServerSession::Fetcher::Work::locate(const FetchItem& one) {
  using Text = FetchItem::Text;
  const std::uint64_t head = reader.content().head.size();
  from = 0;
  to = reader.size();
  if (one.part.empty()) {
    if (one.text == Text::text) from = head;
    if (one.text != Text::text && one.text != Text::whole) to = head;
    return true;
  }
  const mail::MimePart* part = find_part(reader.structure(), one.part);
  if (part == nullptr) return false;
  if (one.text == Text::mime || one.text == Text::whole) {
    const bool mime = one.text == Text::mime;
    from = mime ? part->head_offset : part->body_offset;
    to = from + (mime ? part->head_size : part->body_size);
    return true;
  }
  if (!part->is_message()) return false;
  const mail::MimePart& inner = *part->parts[0];
  from = one.text == Text::text ? inner.body_offset : inner.head_offset;
  to = from + (one.text == Text::text ? inner.body_size : inner.head_size);
  return true;
}

bool ServerSession::Fetcher::Work::section(const FetchItem& one) {
  using Text = FetchItem::Text;
  const bool chosen = one.text == Text::header_fields || one.text == Text::header_fields_not;
  if (stage == Stage::begin) {
    session.out += one.label + " ";
    if (!locate(one)) {
      session.out += "NIL";
      return true;
    }
    text.clear();
    at = from;
    stage = chosen ? Stage::measure : Stage::write;
    if (!chosen) {
      if (one.offset) from = std::min(from + *one.offset, to);
      if (one.offset) to = from + std::min(one.most, to - from);
      at = from;
      fmt::format_to(std::back_inserter(session.out), "{{{}}}\r\n", to - from);
    }
  }
  if (stage == Stage::write) return write_range();
  if (!collect(text)) return false;
  std::string fields = chosen_fields(text, one);
  if (one.offset) fields = fields.substr(std::min<std::uint64_t>(*one.offset, fields.size()), one.most);
  fmt::format_to(std::back_inserter(session.out), "{{{}}}\r\n", fields.size());
  session.out += fields;
  std::string().swap(text);
  return true;
}

/// A header block, of which no more than the largest that we take is looked at.
bool ServerSession::Fetcher::Work::collect(std::string& into) {
  to = std::min(to, from + mail::kMaxHead + 4096);
  while (at < to) {
    std::string_view bytes;
    if (!reader.piece(at, to, bytes, resume)) return false;
    into += bytes;
    at += bytes.size();
  }
  return true;
}

bool ServerSession::Fetcher::Work::write_range() {
  while (at < to) {
    // Nothing more is asked for while much waits to be sent: next() sends before it asks.
    std::string_view bytes;
    if (!reader.piece(at, to, bytes, resume)) return false;
    session.out += bytes;
    at += bytes.size();
  }
  return true;
}

// ---- BINARY (RFC 3516): decoded once to know its size, and once more to be sent ----

bool ServerSession::Fetcher::Work::begin_binary(const FetchItem& one) {
  session.out += one.label + " ";
  encoding = PartDecoder::Encoding::none;
  from = 0;
  to = reader.size();
  if (!one.part.empty()) {
    const mail::MimePart* part = find_part(reader.structure(), one.part);
    if (part == nullptr) {
      session.out += one.kind == FetchItem::Kind::binary_size ? "0" : "NIL";
      return false;
    }
    if (!part->is_multipart()) encoding = PartDecoder::encoding_of(*part);
    from = part->body_offset;
    to = from + part->body_size;
  }
  if (encoding == PartDecoder::Encoding::unknown) {
    session.out += one.kind == FetchItem::Kind::binary_size ? "0" : "NIL";
    fault = Fault::refused; // told at the end: UNKNOWN-CTE
    return false;
  }
  stage = Stage::measure;
  at = from;
  passed = 0;
  decoder.emplace(encoding);
  return true;
}

bool ServerSession::Fetcher::Work::binary(const FetchItem& one) {
  if (stage == Stage::begin && !begin_binary(one)) return true;
  for (;;) {
    std::string decoded;
    while (at < to) {
      std::string_view bytes;
      if (!reader.piece(at, to, bytes, resume)) return false;
      at += bytes.size();
      decoded.clear();
      decoder->feed(bytes, decoded);
      if (at == to) decoder->finish(decoded);
      const std::uint64_t begins = std::exchange(passed, passed + decoded.size());
      if (stage != Stage::write || begins >= window_to || passed <= window_from) continue;
      const std::uint64_t skip = window_from > begins ? window_from - begins : 0;
      session.out += std::string_view(decoded).substr(skip, std::min(passed, window_to) - begins - skip);
    }
    if (stage == Stage::write) return true;
    if (one.kind == FetchItem::Kind::binary_size) {
      session.out += fmt::format("{}", passed);
      return true;
    }
    window_from = one.offset ? std::min(*one.offset, passed) : 0;
    window_to = one.offset ? window_from + std::min(one.most, passed - window_from) : passed;
    session.out += fmt::format("~{{{}}}\r\n", window_to - window_from);
    stage = Stage::write;
    at = from;
    passed = 0;
    decoder.emplace(encoding);
  }
}

// ---- PREVIEW (RFC 8970) ----

bool ServerSession::Fetcher::Work::preview(const FetchItem& one) {
  if (stage == Stage::begin) {
    session.out += one.label + " ";
    const mail::MimePart* part = find_readable(reader.structure());
    if (part == nullptr) {
      session.out += "\"\"";
      return true;
    }
    at = part->body_offset;
    to = at + std::min<std::uint64_t>(part->body_size, kPreviewedOctets);
    decoder.emplace(PartDecoder::encoding_of(*part));
    text.clear();
    stage = Stage::measure;
  }
  while (at < to) {
    std::string_view bytes;
    if (!reader.piece(at, to, bytes, resume)) return false;
    at += bytes.size();
    decoder->feed(bytes, text);
  }
  decoder->finish(text);
  put_string(session.out, preview_of(*find_readable(reader.structure()), text));
  std::string().swap(text);
  return true;
}

} // namespace paquebot::imap
