#include "imap/command_reader.h"
#include "imap/envelope.h"
#include "imap/fetch_items.h"
#include "imap/flags.h"
#include "imap/lexer.h"
#include "imap/list_query.h"
#include "imap/mailbox_name.h"
#include "imap/message_reader.h"
#include "imap/search_program.h"
#include "imap/texts.h"
#include "imap/utf7.h"
#include "imap/write.h"

#include <gtest/gtest.h>

namespace paquebot::imap {
namespace {

TEST(Utf7, NamesGoBothWays) {
  const std::pair<const char*, const char*> names[] = {
      {"INBOX", "INBOX"},
      {"a&-b", "a&b"},
      {"&ANw-bung", "\xC3\x9C"
                    "bung"},
      {"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/\xE5\x8F\xB0\xE5\x8C\x97/\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E"},
      {"&2D3eAA-", "\xF0\x9F\x98\x80"},
      {"", ""},
      {"&-", "&"},
      {"&-&AOQ-&-", "&\xC3\xA4&"}};
  for (const auto& [wire, utf8] : names) {
    EXPECT_EQ(utf7_decode(wire).value_or("none"), utf8) << wire;
    EXPECT_EQ(utf7_encode(utf8), wire) << utf8;
  }
}

TEST(Utf7, WhatIsMalformedOrWrittenOtherwiseIsNoName) {
  for (const char* bad :
       {"&", "&ANw", "&AN-", "&AGE-", "&2D0-", "&3gA-", "&ANw-&ANw-", "&ANx-", "\xC3\x9C", "a\x01", "&!-", "&ANwA-"})
    EXPECT_FALSE(utf7_decode(bad)) << bad;
}

TEST(MailboxName, InboxIsOneNameInAnyCase) {
  EXPECT_EQ(read_name("inbox", false), "INBOX");
  EXPECT_EQ(read_name("InBox/Sub", false), "INBOX/Sub");
  EXPECT_EQ(read_name("inboxes", false), "inboxes");
  EXPECT_FALSE(read_name("", false));
  EXPECT_FALSE(read_name("\xC3", true));
}

TEST(MailboxName, PatternsMatch) {
  EXPECT_TRUE(name_matches("*", "a/b"));
  EXPECT_TRUE(name_matches("%", "a"));
  EXPECT_FALSE(name_matches("%", "a/b"));
  EXPECT_TRUE(name_matches("%/%", "a/b"));
  EXPECT_TRUE(name_matches("a%c*e", "abc/d/e"));
  EXPECT_FALSE(name_matches("", "a"));
  EXPECT_TRUE(name_matches("a/b", "a/b"));
  EXPECT_FALSE(name_matches("a/b", "a/bc"));
  EXPECT_FALSE(name_matches("a/bc%", "a/b"));
  EXPECT_TRUE(name_matches("a/b%", "a/b"));
  EXPECT_TRUE(name_matches("**%", "x/y"));
  EXPECT_FALSE(name_matches(std::string(500, '*') + "b", std::string(1000, 'a'))) << "in reasonable time";
}

TEST(ListQuery, PatternsAreBoundedByWhatTheyCost) {
  Folders folders;
  for (int i = 0; i < 1000; ++i) {
    folders.mailboxes.emplace_back();
    folders.mailboxes.back().name = std::to_string(i) + std::string(900, 'a');
  }
  const auto count = [&](std::vector<std::string> patterns) {
    ListQuery query;
    query.patterns = std::move(patterns);
    const auto lines = list_lines(query, folders);
    return lines ? static_cast<int>(lines->size()) : -1;
  };
  EXPECT_EQ(count({"*"}), 1000);
  EXPECT_EQ(count({folders.mailboxes[7].name, "9*", "%"}), 1000);
  EXPECT_EQ(count({folders.mailboxes[7].name}), 1);
  EXPECT_EQ(count(std::vector<std::string>(50, std::string(60'000, 'a'))), 0);
  EXPECT_EQ(count({std::string(60'000, 'a') + "*"}), 0);
  EXPECT_EQ(count({std::string(60'000, '*')}), -1);
  EXPECT_EQ(count(std::vector<std::string>(50, "*" + std::string(6'000, 'a'))), -1);
}

TEST(MailboxName, WhatCanNotBeMade) {
  for (const char* bad : {"a//b", "/a", "a/", "a*b", "a%", "a\nb", "\xC2\x85"})
    EXPECT_TRUE(refusal_of_name(bad)) << bad;
  EXPECT_TRUE(refusal_of_name(std::string(1001, 'a')));
  EXPECT_FALSE(refusal_of_name("Fr\xC3\xBChling & Sommer/2026"));
}

TEST(ImapLexer, ReadsWords) {
  Lexer lexer("A1 LOGIN \"a\\\"b\" {3}\r\nxyz NIL (\\Seen)");
  EXPECT_EQ(lexer.tag(), "A1");
  EXPECT_TRUE(lexer.space());
  EXPECT_EQ(lexer.atom(), "LOGIN");
  EXPECT_TRUE(lexer.space());
  EXPECT_EQ(lexer.astring(), "a\"b");
  EXPECT_TRUE(lexer.space());
  EXPECT_EQ(lexer.astring(), "xyz");
  EXPECT_TRUE(lexer.space());
  EXPECT_EQ(lexer.nstring(), "");
  EXPECT_TRUE(lexer.space());
  EXPECT_EQ(parse_flags(lexer)->flags, kSeen);
  EXPECT_TRUE(lexer.at_end());
  EXPECT_FALSE(Lexer("{4}\r\nabc").string());
  EXPECT_FALSE(Lexer("\"abc").string());
  EXPECT_FALSE(Lexer("\"a\\bc\"").string());
  EXPECT_FALSE(Lexer("99999999999999999999").number());
}

TEST(ImapReader, GivesTheSameHoweverItIsCut) {
  const std::string input = "a NOOP\r\nb LOGIN {3+}\r\nx\ny {2}\r\n zz\r\n\r\nc NOOP\n";
  for (std::size_t cut = 1; cut <= input.size(); ++cut) {
    CommandReader reader;
    std::string said;
    for (std::size_t at = 0; at < input.size(); at += cut) {
      reader.append(std::string_view(input).substr(at, cut));
      for (;;) {
        const auto status = reader.next(100);
        if (status == CommandReader::Status::none) break;
        if (status == CommandReader::Status::literal)
          reader.take();
        else
          said += std::string(reader.text()) + "|";
      }
    }
    EXPECT_EQ(said, "a NOOP|b LOGIN {3+}\r\nx\ny {2}\r\n zz||c NOOP|") << cut;
  }
}

TEST(ImapReader, IsBounded) {
  CommandReader reader;
  reader.append(std::string(200, 'x'));
  EXPECT_EQ(reader.next(100), CommandReader::Status::too_long);
  EXPECT_EQ(reader.next(100), CommandReader::Status::none);
  reader.append("x {5+}\r\nabcdeb NOOP");
  EXPECT_EQ(reader.next(100), CommandReader::Status::none);
  reader.append("\r\nc NOOP\r\n");
  EXPECT_EQ(reader.next(100), CommandReader::Status::command) << "the rest of the first went with its literal";
  EXPECT_EQ(reader.text(), "c NOOP");
}

TEST(ImapWrite, Strings) {
  const auto text = [](std::string_view from) {
    std::string out;
    put_string(out, from);
    return out;
  };
  EXPECT_EQ(text("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(text(""), "\"\"");
  EXPECT_EQ(text("\xC3\xA4"), "{2}\r\n\xC3\xA4");
  EXPECT_EQ(text("a\r\n* BYE"), "{8}\r\na\r\n* BYE") << "nothing from outside makes a line of its own";
  EXPECT_EQ(text(std::string_view("a\0b", 3)), "{2}\r\nab");
}

TEST(ImapWrite, Dates) {
  std::string out;
  put_date_time(out, 1'795'435'200'000);
  EXPECT_EQ(out, "\"23-Nov-2026 12:00:00 +0000\"");
  EXPECT_EQ(parse_date_time("23-Nov-2026 13:00:00 +0100"), 1'795'435'200'000);
  EXPECT_EQ(parse_date_time(" 1-Jan-1970 00:00:00 +0000"), 0);
  EXPECT_EQ(parse_date_time("1-Jan-1970 00:00:00 +0000"), 0);
  for (const char* bad : {"", "31-Feb-2026 10:00:00 +0000", "23-Nov-2026 24:00:00 +0000", "23-Nov-2026 10:00:00 UTC",
                          "23-Nov-2026 10:00:00 +0060", "23-Nov-26 10:00:00 +0000 "})
    EXPECT_FALSE(parse_date_time(bad)) << bad;
  EXPECT_EQ(parse_date("1-Jan-1970"), 0);
  EXPECT_EQ(day_of(-1), -1);
  EXPECT_FALSE(parse_date("32-Jan-2026"));
}

TEST(ImapEnvelope, AddressesInTheirForms) {
  const auto all = [](std::string_view value) {
    std::string out;
    for (const EnvelopeAddress& one : envelope_addresses(value))
      out += one.group_ends     ? "]"
             : one.group_begins ? one.mailbox + "["
                                : "<" + one.name + "|" + one.mailbox + "|" + one.host + ">";
    return out;
  };
  EXPECT_EQ(all("ann@example.org"), "<|ann|example.org>");
  EXPECT_EQ(all("\"Doe, Jane\" <jane@example.org>, b@c"), "<Doe, Jane|jane|example.org><|b|c>");
  EXPECT_EQ(all("Ann  Other (work) <ann@example.org>"), "<Ann Other|ann|example.org>");
  EXPECT_EQ(all("ann@example.org (Ann)"), "<Ann|ann|example.org>");
  EXPECT_EQ(all("team: a@b, c@d; e@f"), "team[<|a|b><|c|d>]<|e|f>");
  EXPECT_EQ(all("undisclosed-recipients:;"), "undisclosed-recipients[]");
  EXPECT_EQ(all("<@relay,@other:ann@example.org>"), "<|ann|example.org>");
  EXPECT_EQ(all("\"a b\"@example.org"), "<|a b|example.org>");
  EXPECT_EQ(all("broken"), "<|broken|>");
  EXPECT_EQ(all("<unclosed@example.org"), "<|unclosed|example.org>");
  EXPECT_EQ(all(""), "");
  EXPECT_EQ(all(", ,"), "");
  EXPECT_EQ(envelope_addresses(std::string(100'000, ',') + "a@b").size(), 1u);
}

TEST(ImapFetch, Items) {
  const auto labels = [](std::string_view text) {
    Lexer lexer(text);
    const auto items = parse_fetch_items(lexer);
    FetchModifiers modifiers;
    const bool good = items && parse_fetch_modifiers(lexer, modifiers);
    std::string out = good ? "" : "none";
    if (good)
      for (const FetchItem& one : *items) out += one.label + ";";
    return out;
  };
  EXPECT_EQ(labels("FLAGS"), "FLAGS;");
  EXPECT_EQ(labels("(uid body.peek[1.2.mime]<3.4>)"), "UID;BODY[1.2.MIME]<3>;");
  EXPECT_EQ(labels("(BODY BODYSTRUCTURE RFC822.SIZE RFC822)"), "BODY;BODYSTRUCTURE;RFC822.SIZE;RFC822;");
  EXPECT_EQ(labels("BODY[HEADER.FIELDS (\"a b\" To)]"), "BODY[HEADER.FIELDS (\"a b\" To)];");
  EXPECT_EQ(labels("BINARY[1]<0.9>"), "BINARY[1]<0>;");
  EXPECT_EQ(labels("BODY[1.TEXT]"), "BODY[1.TEXT];");
  EXPECT_EQ(labels("(PREVIEW (LAZY) MODSEQ EMAILID) (CHANGEDSINCE 5)"), "PREVIEW;MODSEQ;EMAILID;");
  EXPECT_EQ(labels("PREVIEW (CHANGEDSINCE 5 VANISHED)"), "PREVIEW;");
  for (const char* bad : {"", "()", "BODY[1.]", "BODY[4294967296]", "BINARY[1.MIME]", "BINARY.SIZE[1]<0.1>", "(FLAGS",
                          "FLAGS (VANISHED)", "PREVIEW (EAGER)", "FLAGS (CHANGEDSINCE)", "ALL x"})
    EXPECT_EQ(labels(bad), "none") << bad;
  std::string deep = "BODY[1";
  for (int i = 0; i < 50; ++i) deep += ".1";
  EXPECT_EQ(labels(deep + "]"), "none");
}

TEST(ImapDecoder, DecodesWhateverTheChunks) {
  const auto decoded = [](PartDecoder::Encoding encoding, std::string_view text, std::size_t cut) {
    PartDecoder decoder(encoding);
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += cut) decoder.feed(text.substr(at, cut), out);
    decoder.finish(out);
    return out;
  };
  for (std::size_t cut = 1; cut < 20; ++cut) {
    EXPECT_EQ(decoded(PartDecoder::Encoding::base64, "aGVs\r\nbG8gd29ybGQ=\r\n", cut), "hello world");
    EXPECT_EQ(decoded(PartDecoder::Encoding::quoted_printable, "na=C3=AFve =\r\nx  \r\ny", cut),
              "na\xC3\xAFve x  \r\ny");
    EXPECT_EQ(decoded(PartDecoder::Encoding::none, "as it is", cut), "as it is");
  }
}

TEST(ImapSearch, TextsAreComparedWithoutCase) {
  EXPECT_EQ(fold_text("\xC3\x84rger \xCE\xA9 ABC \xFF"), "\xC3\xA4rger \xCF\x89 abc \xFF");
  EXPECT_EQ(fold_value("=?utf-8?B?w4RyZ2Vy?=\r\n more"), "\xC3\xA4rger more");
}

} // namespace
} // namespace paquebot::imap
