#include "intake/drop.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <unistd.h>

namespace paquebot::intake {
namespace {

class Drop : public testing::Test {
protected:
  void SetUp() override {
    std::string form = testing::TempDir() + "drop-XXXXXX";
    ASSERT_NE(mkdtemp(form.data()), nullptr);
    directory_ = form + "/drop";
    ASSERT_TRUE(make_drop_directory(directory_));
  }
  void TearDown() override { std::filesystem::remove_all(std::filesystem::path(directory_).parent_path()); }
  std::string directory_;
};

std::string read_all(DropFile& file) {
  std::string all;
  for (;;) {
    auto piece = file.read();
    if (!piece || piece->empty()) return all;
    all += *piece;
  }
}

TEST_F(Drop, ComesBackAsItWasWritten) {
  DropEnvelope envelope;
  envelope.sender.reverse_path = {"root", "example.test"};
  envelope.sender.ret = mail::Ret::headers;
  envelope.sender.envid = "a=b c";
  envelope.recipients = {{.address = {"a b", "example.test"}, .notify = mail::kNotifySuccess, .orcpt = "rfc822;a+b"},
                         {.address = {"bob", "example.org"}}};
  std::string text = "Subject: x\r\n\r\n" + std::string(200'000, 'y') + "\r\n";
  std::istringstream in(text);
  auto id = drop_message(directory_, envelope, in);
  ASSERT_TRUE(id) << id.error().message;
  auto names = list_drops(directory_, 10);
  ASSERT_EQ(names.size(), 1u);
  EXPECT_EQ(names[0], id->to_string());
  auto file = DropFile::open(directory_, names[0]);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->envelope().sender.reverse_path, envelope.sender.reverse_path);
  ASSERT_EQ(file->envelope().recipients.size(), 2u);
  EXPECT_EQ(file->envelope().recipients[0].address.local, "a b");
  EXPECT_EQ(file->envelope().sender.ret, mail::Ret::headers);
  EXPECT_EQ(file->envelope().sender.envid, "a=b c");
  EXPECT_EQ(file->envelope().recipients[0].notify, mail::kNotifySuccess);
  EXPECT_EQ(file->envelope().recipients[0].orcpt, "rfc822;a+b");
  EXPECT_EQ(file->envelope().recipients[1].notify, mail::kNotifyUnspecified);
  EXPECT_EQ(file->uid(), getuid());
  EXPECT_EQ(read_all(*file), text);
  remove_drop(directory_, names[0]);
  EXPECT_TRUE(list_drops(directory_, 10).empty());
}

TEST_F(Drop, RefusesWhatIsNoDroppedMessage) {
  const std::string id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  for (const char* text : {"", "hello\n\n", "paquebot-drop 1\n\n", "paquebot-drop 1\nfrom:\nto:nonsense here\n\nx",
                           "paquebot-drop 1\nfrom:a@b.example\n\nx", "paquebot-drop 1\nwhat:x\n\n",
                           "paquebot-drop 1\nfrom:\nto:a@b.example\nnotify:3\n\nx",
                           "paquebot-drop 1\nfrom:\nnotify:2\nto:a@b.example\n\nx",
                           "paquebot-drop 1\nfrom:\nto:a@b.example\norcpt:+0A\n\nx"}) {
    std::ofstream(directory_ + "/" + id) << text;
    EXPECT_FALSE(DropFile::open(directory_, id)) << text;
  }
  std::filesystem::remove(directory_ + "/" + id);
  std::filesystem::create_symlink("/etc/passwd", directory_ + "/" + id);
  EXPECT_FALSE(DropFile::open(directory_, id));
}

} // namespace
} // namespace paquebot::intake
