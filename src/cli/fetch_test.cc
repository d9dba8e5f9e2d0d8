#include "cli/fake_servers.h"
#include "cli/fetch.h"
#include "cli/mime_view.h"
#include "cli/safe_folder.h"
#include "cli/test_support.h"

#include <array>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <streambuf>
#include <unistd.h>

namespace paquebot::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string kPlain =
    "From: Bob <bob@example.net>\r\nTo: anna@example.org\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    "Date: Mon, 23 Nov 2026 12:00:00 +0000\r\n\r\nHi Anna\r\n.dot\r\n\x1b[31mred\r\n";
const std::string kMixed =
    "From: eve@example.net\r\nSubject: files\x1b[2J\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; "
    "boundary=x\r\n\r\n"
    "--x\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: "
    "quoted-printable\r\n\r\nGr=FC=DFe\r\n"
    "--x\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=\"../../etc/passwd\"\r\n\r\nroot\r\n"
    "--x\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename*=utf-8''b%C3%BC%0A.png\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--x--\r\n";
const std::string kHtml = "Subject: page\r\nContent-Type: text/html\r\n\r\n<b>x</b>\r\n";

class Fetch : public testing::Test {
protected:
  Fetch() {
    mailbox.messages = {kPlain, kMixed, kHtml};
    mailbox.piece = 1000;
    options->hostname = "mx.test";
    options->login_in_clear = true;
    fetch.target.server = server.where();
    fetch.target.tls = TlsMode::none;
    fetch.target.user = "anna";
    fetch.target.password = "secret";
    fetch.folder = folder.path();
  }

  pop3::FakeMailbox mailbox;
  std::shared_ptr<pop3::ServerOptions> options = std::make_shared<pop3::ServerOptions>();
  test::FakeServer server{[this] { return std::make_unique<test::FakePop3>(mailbox, options, false); }};
  test::Folder folder;
  FetchOptions fetch;
  std::ostringstream out;
};

TEST_F(Fetch, Lists) {
  ASSERT_TRUE(fetch_list(fetch, out));
  EXPECT_THAT(out.str(), HasSubstr("Bob <bob@example.net>"));
  EXPECT_THAT(out.str(), HasSubstr("Grüße\n"));
  EXPECT_THAT(out.str(), Not(HasSubstr("\x1b")));
  EXPECT_EQ(std::ranges::count(out.str(), '\n'), 4);
  out.str("");
  fetch.newest = 1;
  ASSERT_TRUE(fetch_list(fetch, out));
  EXPECT_THAT(out.str(), HasSubstr("page"));
  EXPECT_EQ(std::ranges::count(out.str(), '\n'), 2);
}

TEST_F(Fetch, ListsAsJson) {
  fetch.json = true;
  fetch.newest = 1;
  ASSERT_TRUE(fetch_list(fetch, out));
  EXPECT_THAT(out.str(), HasSubstr("\"subject\":\"page\""));
  EXPECT_THAT(out.str(), HasSubstr("\"uidl\":\"uid3\""));
}

TEST_F(Fetch, ListsAnEmptyMailbox) {
  mailbox.messages.clear();
  ASSERT_TRUE(fetch_list(fetch, out));
  EXPECT_EQ(out.str(), "no messages\n");
}

TEST_F(Fetch, ShowsSafely) {
  ASSERT_TRUE(fetch_show(fetch, {1, 2, 3}, out));
  EXPECT_THAT(out.str(), HasSubstr("Hi Anna\n.dot\n\\x1b[31mred\n"));
  EXPECT_THAT(out.str(), HasSubstr("\n\nGrüße\n"));
  EXPECT_THAT(out.str(), HasSubstr("[1] ../../etc/passwd (text/plain, "));
  EXPECT_THAT(out.str(), HasSubstr("HTML only"));
  EXPECT_THAT(out.str(), Not(HasSubstr("\x1b")));
  EXPECT_TRUE(mailbox.committed.empty());
}

TEST_F(Fetch, ShowsAsJson) {
  fetch.json = true;
  ASSERT_TRUE(fetch_show(fetch, {2}, out));
  EXPECT_THAT(out.str(), HasSubstr("\"text\":\"Grüße\""));
  EXPECT_THAT(out.str(), HasSubstr("\"type\":\"image/png\""));
}

TEST_F(Fetch, SavesAndDeletes) {
  fetch.remove = true;
  folder.write("uid1.eml", "mine");
  auto done = fetch_save(fetch, {}, out);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(folder.read("uid1.eml"), "mine") << "nothing is overwritten";
  EXPECT_EQ(folder.read("uid1-2.eml"), kPlain);
  EXPECT_EQ(folder.read("uid2.eml"), kMixed);
  EXPECT_EQ(folder.read("_.._etc_passwd"), "root");
  EXPECT_EQ(folder.read("bü_.png"), std::string("\0\1\2", 3));
  EXPECT_EQ(folder.read("part.html"), "<b>x</b>\r\n");
  EXPECT_THAT(mailbox.committed, ElementsAre(1u, 2u, 3u));
}

/// Takes `room` octets and then none, as a full disk or a closed pipe does; tells so only when its buffer is written.
class FullDisk : public std::streambuf {
public:
  explicit FullDisk(std::size_t room) : room_(room) { setp(buffer_.data(), buffer_.data() + buffer_.size()); }

protected:
  int_type overflow(int_type c) override {
    if (sync() != 0) return traits_type::eof();
    if (!traits_type::eq_int_type(c, traits_type::eof())) sputc(traits_type::to_char_type(c));
    return traits_type::not_eof(c);
  }
  int sync() override {
    const auto size = static_cast<std::size_t>(pptr() - pbase());
    setp(buffer_.data(), buffer_.data() + buffer_.size());
    if (size > room_) return -1;
    room_ -= size;
    return 0;
  }

private:
  std::size_t room_;
  std::array<char, 4096> buffer_{};
};

TEST_F(Fetch, DeletesNothingThatDidNotArrive) {
  fetch.remove = true;
  for (const bool json : {false, true}) {
    fetch.json = json;
    FullDisk disk(10);
    std::ostream full(&disk);
    auto shown = fetch_show(fetch, {1}, full);
    ASSERT_FALSE(shown);
    EXPECT_EQ(shown.error().code, Errc::io);
    EXPECT_TRUE(mailbox.committed.empty());
    EXPECT_FALSE(fetch_save(fetch, {1}, full));
    EXPECT_TRUE(mailbox.committed.empty());
  }
  FullDisk disk(100'000);
  std::ostream enough(&disk);
  EXPECT_TRUE(fetch_show(fetch, {1}, enough));
  EXPECT_THAT(mailbox.committed, ElementsAre(1u));
}

TEST_F(Fetch, DeletesNothingOfWhichItShowedAPart) {
  fetch.remove = true;
  std::string line(70, 'x');
  line += "\r\n";
  std::string text = "Subject: long\r\n\r\n";
  while (text.size() < (1U << 20) + 100) text += line;
  mailbox.messages = {text, kPlain, kMixed};
  auto shown = fetch_show(fetch, {1, 2, 3}, out);
  ASSERT_FALSE(shown);
  EXPECT_THAT(shown.error().message, HasSubstr("1, 3"));
  EXPECT_THAT(out.str(), HasSubstr("[cut here"));
  EXPECT_THAT(mailbox.committed, ElementsAre(2u));
}

TEST_F(Fetch, SavesThousandsOfAttachmentsOfOneName) {
  std::string many = "Subject: many\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n";
  for (int i = 0; i < 11'000; ++i)
    many += "--x\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\n" + std::to_string(i) + "\r\n";
  mailbox.messages = {many + "--x--\r\n", kPlain};
  auto done = fetch_save(fetch, {}, out);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(folder.read("uid2.eml"), kPlain);
  // What MimeView tells of; the rest is in the message.
  const auto files = static_cast<std::size_t>(std::ranges::count(out.str(), '\n'));
  EXPECT_GE(files, 10'000u);
  EXPECT_EQ(folder.read("a-10000.txt"), "9999");
}

TEST_F(Fetch, DeletesAndFailsInWords) {
  ASSERT_TRUE(fetch_delete(fetch, {2}, out));
  EXPECT_THAT(mailbox.committed, ElementsAre(2u));
  auto missing = fetch_show(fetch, {9}, out);
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("no such message"));
  fetch.target.password = "wrong";
  auto refused = fetch_list(fetch, out);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::permission);
}

TEST_F(Fetch, UnderStls) {
  options->login_in_clear = false;
  options->tls_available = true;
  fetch.target.tls = TlsMode::starttls;
  fetch.target.verify = false;
  auto done = fetch_list(fetch, out);
  EXPECT_TRUE(done) << done.error().message;
}

TEST_F(Fetch, BrokenMessagesSaveNothingHalf) {
  mailbox.fail_after = 0;
  auto done = fetch_save(fetch, {1}, out);
  EXPECT_FALSE(done);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(MimeView, SurvivesHostileNesting) {
  std::string message = "Subject: deep\r\n";
  for (int i = 0; i < 20'000; ++i)
    message +=
        "Content-Type: multipart/mixed; boundary=b" + std::to_string(i) + "\r\n\r\n--b" + std::to_string(i) + "\r\n";
  message += "\r\nx\r\n";
  auto file = TempFile::make();
  ASSERT_TRUE(file->append(message));
  auto view = MimeView::open(*file);
  EXPECT_TRUE(!view || view->attachments().size() <= 10'000u);
}

TEST(SafeFolder, MakesNamesHarmless) {
  struct {
    std::string name, safe;
  } cases[] = {
      {"report.pdf", "report.pdf"},
      {"../../etc/passwd", "_.._etc_passwd"},
      {"/abs", "_abs"},
      {"..", "fallback"},
      {"", "fallback"},
      {".bashrc", "bashrc"},
      {"a\nb\x1b", "a_b_"},
      {"C:\\x", "C__x"},
      {"gr\xc3\xbc\xc3\x9f", "grüß"},
      {"\xff\xfe", "__"},
      {"a\xe2\x80\xae"
       "fdp.exe",
       "a_fdp.exe"},
      {"x ", "x"},
      {std::string(300, 'a') + ".txt", std::string(116, 'a') + ".txt"},
  };
  for (const auto& c : cases) EXPECT_EQ(safe_name(c.name, "fallback"), c.safe) << c.name;
  EXPECT_LE(safe_name(std::string(300, '\xc3') + "\xbc", "x").size(), 120u);
}

TEST(SafeFolder, NeverOverwritesOrFollowsLinks) {
  test::Folder folder;
  std::filesystem::create_symlink("/nonexistent/target", folder.path("a.txt"));
  auto safe = SafeFolder::open(folder.path());
  ASSERT_TRUE(safe);
  for (const char* expected : {"a-2.txt", "a-3.txt"}) {
    auto file = safe->make("a.txt", "x");
    ASSERT_TRUE(file);
    close(file->descriptor);
    EXPECT_EQ(file->path, folder.path(expected));
  }
  EXPECT_TRUE(SafeFolder::open(folder.path("made")));
  EXPECT_TRUE(std::filesystem::is_directory(folder.path("made")));
  EXPECT_FALSE(SafeFolder::open(folder.path("missing/below")));
  EXPECT_FALSE(SafeFolder::open(folder.path("a-2.txt")));
  EXPECT_TRUE(safe->sync());
}

TEST(SafeFolder, FollowsNoLinkOfAnother) {
  test::Folder folder;
  std::filesystem::create_directory(folder.path("target"));
  std::filesystem::create_directory_symlink(folder.path("target"), folder.path("own"));
  EXPECT_TRUE(SafeFolder::open(folder.path("own"))) << "whoever made the link wants it followed";
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a link away";
  std::filesystem::create_directory_symlink(folder.path("target"), folder.path("theirs"));
  ASSERT_EQ(lchown(folder.path("theirs").c_str(), 1234, 1234), 0);
  for (const char* path : {"theirs", "theirs/", "theirs/new", "theirs/../made"}) {
    auto opened = SafeFolder::open(folder.path(path));
    ASSERT_FALSE(opened) << path;
    EXPECT_THAT(opened.error().message, HasSubstr("is a link that user 1234 made"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path("target")));
  EXPECT_FALSE(std::filesystem::exists(folder.path("made")));
}

} // namespace
} // namespace paquebot::cli
