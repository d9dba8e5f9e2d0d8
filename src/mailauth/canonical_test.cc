#include "base/encoding.h"
#include "mailauth/canonical.h"

#include <gtest/gtest.h>

namespace paquebot::mailauth {
namespace {

struct CanonicalCase {
  const char* body;
  const char* simple;
  const char* relaxed;
};

Digest hashed(Canonical form, std::string_view body, std::size_t chunk, std::uint64_t* size = nullptr) {
  BodyHash hash(form);
  for (std::size_t i = 0; i < body.size(); i += chunk) hash.feed(body.substr(i, chunk));
  const Digest digest = hash.finish();
  if (size) *size = hash.size();
  return digest;
}

TEST(Canonical, Body) {
  const CanonicalCase cases[] = {
      {"", "\r\n", ""},
      {"\r\n", "\r\n", ""},
      {"\r\n\r\n\r\n", "\r\n", ""},
      {" \r\n\t\r\n", " \r\n\t\r\n", ""},
      {" ", " \r\n", ""},
      {"a", "a\r\n", "a\r\n"},
      {"a\r\n", "a\r\n", "a\r\n"},
      {"a\r\n\r\n\r\n", "a\r\n", "a\r\n"},
      {" C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n"}, // RFC 6376 section 3.4.5
      {"a\r\n \r\nb", "a\r\n \r\nb\r\n", "a\r\n\r\nb\r\n"},
      {"\r\n\r\na", "\r\n\r\na\r\n", "\r\n\r\na\r\n"},
      {"a\rb\nc", "a\rb\nc\r\n", "a\rb\nc\r\n"},
      {"a\r\r\n", "a\r\r\n", "a\r\r\n"},
      {"a\r", "a\r\r\n", "a\r\r\n"},
      {"a \rb", "a \rb\r\n", "a \rb\r\n"},
      {"a\r\n\r", "a\r\n\r\r\n", "a\r\n\r\r\n"},
      {"a \t \r\n", "a \t \r\n", "a\r\n"},
      {"\ta", "\ta\r\n", " a\r\n"},
  };
  for (const auto& c : cases) {
    for (std::size_t chunk = 1; chunk <= 4; ++chunk) {
      EXPECT_EQ(hashed(Canonical::simple, c.body, chunk), sha256(c.simple)) << c.body;
      EXPECT_EQ(hashed(Canonical::relaxed, c.body, chunk), sha256(c.relaxed)) << c.body;
    }
  }
}

TEST(Canonical, LargeBody) {
  std::string body, relaxed;
  for (int i = 0; i < 5000; ++i) {
    body += "line  " + std::to_string(i) + " \t of text \r\n";
    relaxed += "line " + std::to_string(i) + " of text\r\n";
  }
  for (const std::size_t chunk : {1u, 7u, 8192u, 1000000u}) {
    EXPECT_EQ(hashed(Canonical::simple, body, chunk), sha256(body));
    EXPECT_EQ(hashed(Canonical::relaxed, body, chunk), sha256(relaxed));
  }
}

/// The relaxed form of section 3.4.4, line by line.
std::string relaxed_slowly(std::string_view body) {
  std::string out, line;
  const auto end_line = [&] {
    while (line.ends_with(' ')) line.pop_back();
    out += line + "\r\n";
    line.clear();
  };
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (body.substr(i).starts_with("\r\n")) {
      end_line();
      ++i;
    } else if (const char c = body[i]; c != ' ' && c != '\t') {
      line += c;
    } else if (!line.ends_with(' ')) {
      line += ' ';
    }
  }
  if (!line.empty()) end_line();
  while (out.ends_with("\r\n\r\n")) out.resize(out.size() - 2);
  return out == "\r\n" ? "" : out;
}

/// What is changed, at each place in and between the blocks that are looked at together.
TEST(Canonical, AtEachPlace) {
  const char* pieces[] = {" ",     "  ",     "\t", " \t", "\r\n",   " \r\n",   "\r\n\r\n",
                          "\r\n ", "\r\n\t", "\r", "\n",  "\r\r\n", "\xc3\xa9"};
  for (const char* piece : pieces) {
    for (std::size_t at = 0; at < 70; ++at) {
      std::string body = std::string(at, 'x') + piece + std::string(40, 'y') + "\r\nlast words" + piece;
      for (const std::size_t chunk : {1u, 33u, 1000u})
        EXPECT_EQ(hashed(Canonical::relaxed, body, chunk), sha256(relaxed_slowly(body))) << body;
    }
  }
}

TEST(Canonical, Limit) {
  for (const std::uint64_t limit : {0u, 1u, 5u, 8191u, 8192u, 8193u, 20000u, 99999u}) {
    const std::string body = std::string(20000, 'x');
    BodyHash hash(Canonical::relaxed, limit);
    hash.feed(body);
    EXPECT_EQ(hash.finish(), sha256((body + "\r\n").substr(0, limit))) << limit;
    EXPECT_EQ(hash.size(), 20002u);
  }
}

TEST(Canonical, RfcEmptyBodyHashes) { // RFC 6376 sections 3.4.3 and 3.4.4
  EXPECT_EQ(base64_encode(view(hashed(Canonical::simple, "", 1))), "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=");
  EXPECT_EQ(base64_encode(view(hashed(Canonical::relaxed, "", 1))), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

TEST(Canonical, Fields) {
  const auto head = mail::Head::parse("A: X\r\nB : Y\t\r\n\tZ  \r\nc:\r\nD: \r\n\r\n");
  std::string simple, relaxed;
  for (const auto& field : *head) {
    append_canonical(simple, field, Canonical::simple);
    append_canonical(relaxed, field, Canonical::relaxed);
  }
  EXPECT_EQ(simple, "A: X\r\nB : Y\t\r\n\tZ  \r\nc:\r\nD: \r\n");
  EXPECT_EQ(relaxed, "a:X\r\nb:Y Z\r\nc:\r\nd:\r\n");
}

TEST(Canonical, OwnField) {
  const std::pair<const char*, const char*> cases[] = {
      {"Sig: v=1; b=abc;\r\n\tbh=x\r\n", "Sig: v=1; b=;\r\n\tbh=x"},
      {"Sig: v=1; bh=x; b = a b\r\n\tc \r\n", "Sig: v=1; bh=x; b ="},
      {"Sig: b=;c=d\r\n", "Sig: b=;c=d"},
      {"Sig: bb=b=c\r\n", "Sig: bb=b=c"},
  };
  for (const auto& [raw, simple] : cases) {
    std::string out;
    append_canonical_signature(out, mail::Field{raw, 3}, Canonical::simple);
    EXPECT_EQ(out, simple);
  }
  std::string out;
  append_canonical_signature(out, mail::Field{"Sig:  v=1;\r\n\tb=abc\r\n", 3}, Canonical::relaxed);
  EXPECT_EQ(out, "sig:v=1; b=");
}

TEST(Canonical, PicksFromTheBottom) {
  const auto head = mail::Head::parse("A: 1\r\nB: 2\r\na: 3\r\n\r\n");
  const FieldIndex index(*head);
  FieldPicker picker(index);
  EXPECT_TRUE(picker.left().empty()); // none was taken
  EXPECT_EQ(picker.take("a")->value(), " 3");
  const auto left = picker.left();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].name, "a");
  EXPECT_EQ(left[0].top, &head->fields()[0]);
  EXPECT_EQ(picker.take("a")->value(), " 1");
  EXPECT_EQ(picker.take("a"), nullptr);
  EXPECT_EQ(picker.take("c"), nullptr);
  EXPECT_EQ(picker.take("z"), nullptr);
  EXPECT_TRUE(picker.left().empty());
}

} // namespace
} // namespace paquebot::mailauth
