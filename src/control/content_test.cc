// A message as its owner reads it: its text, its HTML in a frame that can do nothing, and its pictures, once each.
#include "base/fake_clock.h"
#include "base/text.h"
#include "control/content.h"
#include "control/message_site.h"
#include "control/part_source.h"
#include "control/test_world.h"
#include "control/token.h"
#include "control/web_session.h"
#include "mail/transfer_encoding.h"

#include <gmock/gmock.h>

namespace paquebot::control {
namespace {

using test::outcome_of;
using test::run_task;
using test::World;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kLetterHead = "From: =?utf-8?q?Ann_=C3=A9?= <ann@example.org>\r\n"
                                         "To: bob@example.net\r\n"
                                         "Subject: =?iso-8859-1?q?caf=E9?= <script>\r\n"
                                         "MIME-Version: 1.0\r\n"
                                         "Content-Type: multipart/mixed; boundary=\"m\"\r\n"
                                         "\r\n";
constexpr std::string_view kLetterBody =
    "--m\r\n"
    "Content-Type: multipart/related; boundary=\"r\"\r\n"
    "\r\n"
    "--r\r\n"
    "Content-Type: multipart/alternative; boundary=\"a\"\r\n"
    "\r\n"
    "--a\r\n"
    "Content-Type: text/plain; charset=iso-8859-1\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n"
    "\r\n"
    "Un caf=E9\r\n"
    "--a\r\n"
    "Content-Type: text/html; charset=utf-8\r\n"
    "\r\n"
    "<script>alert(1)</script><img src=\"cid:pic%40x\"><img src='CID:none@x'><img src=cid:pic@x>"
    "<img src=\"http://far.example/p.png\">\r\n"
    "--a--\r\n"
    "--r\r\n"
    "Content-Type: image/png\r\n"
    "Content-ID: <pic@x>\r\n"
    "Content-Transfer-Encoding: base64\r\n"
    "\r\n"
    "iVBO\r\nRw==\r\n"
    "--r\r\n"
    "Content-Type: image/svg+xml\r\n"
    "Content-ID: <none@x>\r\n"
    "\r\n"
    "<svg onload='alert(1)'/>\r\n"
    "--r--\r\n"
    "--m\r\n"
    "Content-Type: application/octet-stream\r\n"
    "Content-Disposition: attachment; filename*=utf-8''r%C3%A9sum%C3%A9.html\r\n"
    "\r\n"
    "<b>x</b>\r\n"
    "--m--\r\n";

class ContentTest : public ::testing::Test {
protected:
  /// Ann's message to bob and to somebody elsewhere.
  std::string letter(std::string_view head, std::string_view body) {
    auto request = std::make_shared<store::AcceptRequest>();
    request->id = world.ids.next();
    request->klass = store::MessageClass::submitted;
    request->account = world.ann.id;
    request->sender.reverse_path = {"ann", "example.org"};
    request->accepted_at = request->expires_at = millis(system_clock().wall());
    request->head = head;
    request->body.bytes = body;
    request->body.size = body.size();
    store::NewRecipient recipient;
    recipient.address = world.bob.login;
    recipient.handling = store::Handling::mailbox;
    recipient.account = world.bob.id;
    request->recipients.push_back(recipient);
    recipient = {};
    recipient.address = "out@far.example";
    recipient.destination = "far.example";
    request->recipients.push_back(recipient);
    EXPECT_EQ(run_task(world.server.store().acceptance().accept(request)).status, store::AcceptStatus::accepted);
    return request->id.to_string();
  }
  std::string cookie_of(const store::Account& account) {
    const std::string cookie(32, static_cast<char>('a' + ++count));
    store::WebSession session;
    session.hash = hash_of_token(cookie);
    session.account = account.id;
    EXPECT_TRUE(run_task(world.server.store().access().add_session(std::move(session))));
    return std::string(kSessionCookie) + "=" + cookie;
  }
  http::Answer get(const std::string& path, const std::string& cookie, const std::string& query = {},
                   const std::string& from = "same-origin") {
    http::Exchange exchange;
    exchange.request.method = "GET";
    exchange.request.path = exchange.request.target = path;
    exchange.request.query = query;
    exchange.request.host = "mx.example.org";
    exchange.request.fields = {{"sec-fetch-site", from}};
    if (!cookie.empty()) exchange.request.fields.push_back({"cookie", cookie});
    exchange.visitor.address = "198.51.100.7";
    exchange.visitor.encrypted = true;
    return run_task(site.answer(std::move(exchange)));
  }
  static std::string field(const http::Answer& answer, std::string_view name) {
    const std::string* value = http::find_field(answer.response.fields, name);
    return value == nullptr ? "" : *value;
  }

  World world;
  FakeClock clock;
  std::shared_ptr<ApiSite> api =
      std::make_shared<ApiSite>(ApiParts{world.control, world.server.directory(), world.guard});
  MessageSite site{api, clock};
  int count = 0;
};

TEST_F(ContentTest, ItsOwnersReadIt) {
  const std::string id = letter(kLetterHead, kLetterBody);
  for (const auto& who : {world.ann, world.bob}) {
    const json::value told = world.ok(world.asker(who), "GET", "/v1/messages/" + id + "/content");
    EXPECT_EQ(get_text(told, "text"), "Un café") << who.login;
    EXPECT_TRUE(get_bool(told, "html"));
    EXPECT_FALSE(get_bool(told, "cut"));
    EXPECT_EQ(get_text(told, "from"), "Ann é <ann@example.org>");
    EXPECT_EQ(get_text(told, "subject"), "café <script>");
    ASSERT_EQ(get_list(told, "attachments").size(), 3U);
    EXPECT_EQ(get_text(get_list(told, "attachments").at(0), "type"), "image/png");
    const json::value& last = get_list(told, "attachments").at(2);
    EXPECT_EQ(get_text(last, "name"), "résumé.html");
    EXPECT_EQ(get_text(last, "part"), "2");
  }
}

TEST_F(ContentTest, NobodyElseReadsIt) {
  const std::string id = letter(kLetterHead, kLetterBody), path = "/v1/messages/" + id + "/content";
  for (const auto& who : {world.dora, world.dave, world.olga}) {
    EXPECT_EQ(world.outcome(world.asker(who), "GET", path), "404 not_found") << who.login;
    EXPECT_EQ(get("/console/message/" + id + "/html", cookie_of(who)).response.status, 404U) << who.login;
  }
  EXPECT_EQ(world.outcome(root_asker("root"), "GET", path), "404 not_found");
  EXPECT_EQ(world.outcome(world.asker(world.dora), "GET", "/v1/messages/" + id), "200") << "its trail she sees";
  EXPECT_EQ(get("/console/message/" + id + "/html", "").response.status, 401U);
  EXPECT_EQ(get("/console/message/" + id + "/html", cookie_of(world.bob), "", "cross-site").response.status, 403U);
  EXPECT_EQ(get("/console/message/x/html", cookie_of(world.bob)).response.status, 400U);
  EXPECT_EQ(get("/console/message/", cookie_of(world.bob)).response.status, 404U);
  // What is deleted is not read any more, and the sender has it while it waits.
  const auto inbox = run_task(world.server.store().mailboxes().open(world.bob.id, "INBOX")).value();
  const auto entries = run_task(world.server.store().mailboxes().list_entries(inbox.id, 0, 100)).value();
  ASSERT_TRUE(run_task(world.server.store().mailboxes().expunge(inbox.id, {entries.back().uid}, "bob")));
  EXPECT_EQ(world.outcome(world.asker(world.ann), "GET", path), "200");
}

TEST_F(ContentTest, ItsHtmlCanDoNothing) {
  const std::string id = letter(kLetterHead, kLetterBody), cookie = cookie_of(world.bob);
  const http::Answer page = get("/console/message/" + id + "/html", cookie);
  ASSERT_EQ(page.response.status, 200U) << page.response.content;
  EXPECT_EQ(field(page, "Content-Type"), "text/html; charset=utf-8");
  const std::string policy = field(page, "Content-Security-Policy");
  EXPECT_THAT(policy, ::testing::StartsWith("sandbox; default-src 'none'; "));
  EXPECT_THAT(policy, HasSubstr("img-src https://mx.example.org/console/picture/;"));
  EXPECT_THAT(policy, HasSubstr("frame-ancestors 'self'"));
  EXPECT_THAT(policy, Not(HasSubstr("allow-")));
  EXPECT_THAT(policy, Not(HasSubstr("script-src")));
  EXPECT_THAT(page.response.content, HasSubstr("<script>alert(1)</script>")) << "it is as it came, and not run";
  EXPECT_THAT(page.response.content, HasSubstr("CID:none@x")) << "no picture that could be more than one";
  const http::Answer wider = get("/console/message/" + id + "/html", cookie, "pictures=1");
  EXPECT_THAT(field(wider, "Content-Security-Policy"), HasSubstr("/console/picture/ https: http:;"));
  EXPECT_THAT(field(wider, "Content-Security-Policy"), ::testing::StartsWith("sandbox; "));
}

TEST_F(ContentTest, APictureIsShownOnce) {
  const std::string id = letter(kLetterHead, kLetterBody);
  const std::string content = get("/console/message/" + id + "/html", cookie_of(world.bob)).response.content;
  constexpr std::string_view place = "/console/picture/";
  std::vector<std::string> urls;
  for (auto at = content.find(place); at != content.npos; at = content.find(place, at + 1))
    urls.push_back(content.substr(at, place.size() + 32));
  ASSERT_EQ(urls.size(), 2U) << content;
  EXPECT_NE(urls[0], urls[1]);
  const http::Answer picture = get(urls[0], "", "", "cross-site");
  EXPECT_EQ(picture.response.status, 200U);
  EXPECT_EQ(field(picture, "Content-Type"), "image/png");
  EXPECT_EQ(picture.response.content, "\x89PNG");
  EXPECT_EQ(field(picture, "Content-Security-Policy"), "sandbox; default-src 'none'");
  EXPECT_EQ(get(urls[0], "").response.status, 404U) << "once more";
  EXPECT_EQ(get(std::string(place) + std::string(32, 'a'), "").response.status, 404U);
  clock.advance(std::chrono::minutes(5));
  EXPECT_EQ(get(urls[1], "").response.status, 404U) << "too late";
}

/// All that a part of a message gives when it is saved.
std::string saved(http::Answer& answer) {
  std::string all;
  while (answer.source) {
    const auto piece = run_task(answer.source->next());
    EXPECT_TRUE(piece);
    if (!piece || piece->empty()) break;
    all += *piece;
  }
  return all;
}

TEST_F(ContentTest, APartIsSavedByWhoseItIsAndShownToNobody) {
  const std::string id = letter(kLetterHead, kLetterBody), path = "/console/message/" + id + "/part/";
  const std::string bob = cookie_of(world.bob);
  http::Answer file = get(path + "2", bob);
  EXPECT_EQ(file.response.status, 200U);
  EXPECT_EQ(saved(file), "<b>x</b>");
  EXPECT_EQ(file.response.length, std::optional<std::uint64_t>(8));
  EXPECT_EQ(field(file, "Content-Type"), "application/octet-stream");
  EXPECT_EQ(field(file, "Content-Disposition"),
            "attachment; filename=\"r_sum_.html\"; filename*=UTF-8''r%C3%A9sum%C3%A9.html");
  EXPECT_EQ(field(file, "X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(field(file, "Content-Security-Policy"), "sandbox; default-src 'none'");
  EXPECT_EQ(field(file, "Cache-Control"), "no-store");
  http::Answer picture = get(path + "1.2", bob);
  EXPECT_EQ(saved(picture), "\x89PNG");
  EXPECT_EQ(field(picture, "Content-Type"), "image/png");
  EXPECT_EQ(field(picture, "Content-Disposition"), "attachment; filename=\"part-1.2\"");
  http::Answer drawing = get(path + "1.3", bob), html = get(path + "1.1.2", bob), plain = get(path + "1.1.1", bob);
  EXPECT_EQ(field(drawing, "Content-Type"), "application/octet-stream");
  EXPECT_EQ(field(html, "Content-Type"), "application/octet-stream");
  EXPECT_EQ(saved(plain), "Un caf\xE9");
  EXPECT_EQ(saved(*std::make_unique<http::Answer>(get(path + "2", cookie_of(world.ann)))), "<b>x</b>") << "who sent it";
  for (const char* number :
       {"", "0", "1", "1.1", "3", "2.1", "1.2.1", "two", "2/", "2/x", "-1", "999999999999999999999"})
    EXPECT_EQ(get(path + number, bob).response.status, 404U) << number;
}

TEST_F(ContentTest, NobodyElseSavesAPart) {
  const std::string path = "/console/message/" + letter(kLetterHead, kLetterBody) + "/part/2";
  for (const store::Account& other : {world.dora, world.dave, world.olga})
    EXPECT_EQ(get(path, cookie_of(other)).response.status, 404U) << other.login;
  EXPECT_EQ(get(path, "").response.status, 401U);
  EXPECT_EQ(get(path, cookie_of(world.bob), {}, "cross-site").response.status, 403U);
  EXPECT_EQ(get("/console/message/01ARZ3NDEKTSV4RRFFQ69G5FAV/part/2", cookie_of(world.bob)).response.status, 404U);
  EXPECT_EQ(get("/console/message/nonsense/part/2", cookie_of(world.bob)).response.status, 400U);
}

TEST_F(ContentTest, APartIsDecodedHoweverItIsCut) {
  const std::string bob = cookie_of(world.bob);
  const auto part = [&](const std::string& head, const std::string& body) {
    http::Answer answer = get("/console/message/" + letter(head + "\r\n", body) + "/part/1", bob);
    EXPECT_EQ(answer.response.status, 200U);
    return saved(answer);
  };
  std::string octets; // more than a piece of the store's
  for (int i = 0; octets.size() < 900'001; ++i) octets += "line " + std::to_string(i) + " \xFF=\r\n";
  std::string coded;
  mail::Base64Encoder encoder;
  encoder.feed(octets, coded);
  encoder.finish(coded);
  EXPECT_EQ(part("Content-Transfer-Encoding: base64\r\n", coded), octets);
  coded.clear();
  mail::QuotedPrintableEncoder quoted;
  quoted.feed(octets, coded);
  quoted.finish(coded);
  EXPECT_EQ(part("Content-Transfer-Encoding: quoted-printable\r\n", coded), octets);
  EXPECT_EQ(part("", octets), octets);
  std::string escapes;
  for (int i = 0; i < 300'000; ++i) escapes += "=41";
  EXPECT_EQ(part("Content-Transfer-Encoding: quoted-printable\r\n", escapes), std::string(300'000, 'A'))
      << "a line without an end";
  EXPECT_EQ(part("Content-Transfer-Encoding: base64\r\n", "aGVs bG8*!\r\n=aaaa"), "hello");
  EXPECT_EQ(part("Content-Transfer-Encoding: base64\r\n", "a"), "");
  EXPECT_EQ(part("Content-Type: application/x; name=x\r\n", ""), "");
}

TEST(Content, NamesOfSavedFilesAreHarmless) {
  const auto name = [](std::string_view text) { return file_name(text, "2.1"); };
  EXPECT_EQ(name("report.pdf"), "report.pdf");
  EXPECT_EQ(name("été 2026.pdf"), "été 2026.pdf");
  EXPECT_EQ(name("../../etc/passwd"), "_.._etc_passwd");
  EXPECT_EQ(name("..\\..\\x.exe"), "_.._x.exe");
  EXPECT_EQ(name("C:\\x"), "C__x");
  EXPECT_EQ(name(".bashrc"), "bashrc");
  EXPECT_EQ(name("a\r\nSet-Cookie: x=1"), "a__Set-Cookie_ x=1");
  EXPECT_EQ(name(std::string("a\0.txt", 6)), "a_.txt");
  EXPECT_EQ(name("gpj.\u202Eexe"), "gpj._exe");
  EXPECT_EQ(name("\xFF\xC3"), "__");
  EXPECT_EQ(name("x\u0085y"), "x_y");
  EXPECT_EQ(name("CON"), "_CON");
  EXPECT_EQ(name("com1.txt"), "_com1.txt");
  EXPECT_EQ(name("x. . "), "x");
  for (const char* none : {"", ".", "..", " . "}) EXPECT_EQ(name(none), "part-2.1") << none;
  std::string longest;
  for (int i = 0; i < 300; ++i) longest += "é";
  const std::string cut = name(longest + ".tar");
  EXPECT_LE(cut.size(), 200U);
  EXPECT_TRUE(cut.ends_with("é.tar") && is_utf8(cut)) << cut;
  EXPECT_EQ(attachment_field("a\"b\\c%41.txt"),
            "attachment; filename=\"a_b_c_41.txt\"; filename*=UTF-8''a%22b%5Cc%2541.txt");
  EXPECT_EQ(attachment_field("plain.txt"), "attachment; filename=\"plain.txt\"");
}

TEST_F(ContentTest, OddMessagesAreReadAllTheSame) {
  const Asker bob = world.asker(world.bob);
  const auto content = [&](std::string_view head, std::string_view body) {
    return world.ok(bob, "GET", "/v1/messages/" + letter(head, body) + "/content");
  };
  EXPECT_EQ(get_text(content("Subject: x\r\n\r\n", "plain\r\n"), "text"), "plain\r\n");
  EXPECT_EQ(get_text(content("\r\n", "no head\r\n"), "text"), "no head\r\n");
  EXPECT_EQ(get_text(content("Content-Type: text/html\r\n\r\n", "<p>x"), "text"), "");
  EXPECT_EQ(get_text(content("Content-Transfer-Encoding: base64\r\n\r\n", "aGVs bG8*!"), "text"), "hello");
  EXPECT_EQ(get_text(content("Content-Type: text/plain; charset=utf-8\r\n\r\n", "a\xff"), "text"), "a\xEF\xBF\xBD");
  const json::value wide = content("Content-Type: text/plain\r\n\r\n", std::string(120'000, 'x'));
  EXPECT_EQ(get_text(wide, "text").size(), 120'000U);
}

TEST_F(ContentTest, AMessageIsFoundByItsMessageId) {
  const std::string id = letter("Message-ID: <17@far.example>\r\n\r\n", "x\r\n");
  const auto found = [&](const store::Account& who, const std::string& query) {
    std::string all;
    const json::value answer = world.ok(world.asker(who), "GET", "/v1/messages?" + query);
    for (const auto& one : get_list(answer, "messages")) all += get_text(one, "id");
    return all;
  };
  for (const store::Account& who : {world.ann, world.bob, world.dora, world.olga})
    EXPECT_EQ(found(who, "message_id=%3C17%40far.example%3E"), id) << who.login;
  EXPECT_EQ(found(world.ann, "message_id=17%40far.example&address=bob%40example.net"), id);
  EXPECT_EQ(found(world.ann, "message_id=17%40far.example&address=dave%40example.net"), "");
  EXPECT_EQ(found(world.ann, "message_id=18%40far.example"), "");
  const store::Account eve = world.account("eve@example.com");
  EXPECT_EQ(found(eve, "message_id=17%40far.example"), "") << "it is not hers";
  for (const char* none : {"", "message_id=%3C%3E", "message_id=%20", "address="})
    EXPECT_EQ(world.outcome(world.asker(world.ann), "GET", std::string("/v1/messages?") + none), "400 invalid") << none;
}

TEST(Content, ReferencesAreReplaced) {
  const auto url = [](const std::string& id) { return id == "a@b" ? std::string("/x") : std::string(); };
  EXPECT_EQ(replace_references("<img src=\"cid:a@b\"> cid:c url(cid:a%40b) CID:a@b", url),
            "<img src=\"/x\"> cid:c url(/x) /x");
  EXPECT_EQ(replace_references("cid:", url), "cid:");
  EXPECT_EQ(replace_references("", url), "");
}

TEST(Content, NamesOfFilesAreRead) {
  using List = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(parameter_text(List{{"filename", "=?utf-8?q?=C3=A9?="}}, "filename"), "é");
  EXPECT_EQ(parameter_text(List{{"FileName*", "iso-8859-1'fr'caf%E9"}}, "filename"), "café");
  EXPECT_EQ(parameter_text(List{{"filename*1", "b"}, {"filename*0", "a"}}, "filename"), "ab");
  EXPECT_EQ(parameter_text(List{{"filename*0*", "utf-8''caf%C3"}, {"filename*1*", "%A9"}}, "filename"), "café");
  EXPECT_EQ(parameter_text(List{{"filename*", "broken%"}}, "filename"), "broken%");
  EXPECT_EQ(parameter_text({}, "filename"), "");
}

} // namespace
} // namespace paquebot::control
