#include "mailauth/dmarc_row.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <optional>

namespace paquebot::mailauth {
namespace {

constexpr std::size_t kMaxRowName = 255;

/// A text with its length in front: whatever it holds, it can be read again.
void put(std::string& out, std::string_view text) {
  text = text.substr(0, kMaxRowName);
  out += std::to_string(text.size()) + ':';
  out += text;
}

std::optional<std::string> take(std::string_view& packed) {
  const auto colon = packed.substr(0, 5).find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto size = parse_u64(packed.substr(0, colon));
  if (!size || *size > packed.size() - colon - 1) return std::nullopt;
  std::string text(packed.substr(colon + 1, *size));
  packed.remove_prefix(colon + 1 + *size);
  return text;
}

/// The fixed fields, in the order in which they are packed.
template <class Row>
auto fields_of(Row& row) {
  return std::array{&row.disposition, &row.dkim,          &row.spf,        &row.override_type, &row.override_comment,
                    &row.header_from, &row.envelope_from, &row.spf_domain, &row.spf_result};
}

/// The less, the more it says of where the message is from.
int rank(const DmarcReport::Dkim& signature, std::string_view author) {
  if (signature.result != "pass") return 3;
  if (signature.domain == author) return 0;
  const std::string_view domain = signature.domain;
  const auto below = [](std::string_view name, std::string_view parent) {
    return name.size() > parent.size() && name.ends_with(parent) && name[name.size() - parent.size() - 1] == '.';
  };
  return below(domain, author) || below(author, domain) ? 1 : 2;
}

} // namespace

std::string pack_dmarc_row(DmarcReport::Row row, std::size_t most) {
  std::string out;
  for (const std::string* field : fields_of(row)) put(out, *field);
  std::ranges::stable_sort(row.signatures, {}, [&row](const auto& s) { return rank(s, row.header_from); });
  for (const DmarcReport::Dkim& signature : row.signatures) {
    std::string more;
    put(more, signature.domain);
    put(more, signature.selector);
    put(more, signature.result);
    if (out.size() + more.size() <= most) out += more;
  }
  return out;
}

Result<DmarcReport::Row> unpack_dmarc_row(std::string_view packed) {
  const auto broken = [] { return fail(Errc::invalid, "a row for a DMARC report is damaged"); };
  DmarcReport::Row row;
  for (std::string* field : fields_of(row)) {
    auto text = take(packed);
    if (!text) return broken();
    *field = std::move(*text);
  }
  while (!packed.empty()) {
    DmarcReport::Dkim signature;
    for (std::string* field : {&signature.domain, &signature.selector, &signature.result}) {
      auto text = take(packed);
      if (!text) return broken();
      *field = std::move(*text);
    }
    row.signatures.push_back(std::move(signature));
  }
  return row;
}

std::string compose_dmarc_record(const DmarcRecord& record) {
  std::string text = "v=DMARC1; p=" + std::string(to_string(record.p));
  if (record.sp) text += "; sp=" + std::string(to_string(*record.sp));
  if (record.np) text += "; np=" + std::string(to_string(*record.np));
  if (record.strict_dkim) text += "; adkim=s";
  if (record.strict_spf) text += "; aspf=s";
  if (record.testing) text += "; t=y";
  for (std::size_t i = 0; i < record.rua.size(); ++i) text += (i == 0 ? "; rua=" : ",") + record.rua[i];
  return text;
}

} // namespace paquebot::mailauth
