#include "control/control.h"
#include "control/json.h"
#include "directory/test_server.h"
#include "imap/flags.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace paquebot::control {
namespace {

using directory::run_task;

class Import : public testing::Test {
protected:
  Import() {
    server_.domain("example.org");
    account_ = server_.account("ann@example.org");
  }
  unsigned import_into(Control& control) {
    return run_task(control.handle(
                        {"POST", "/v1/accounts/ann@example.org/messages", "Subject: old\r\n\r\nHello.\r\n", "a test"}))
        .status;
  }
  std::uint64_t messages() { return run_task(server_.store().mailboxes().open(account_.id, "INBOX")).value().count; }

  directory::TestServer server_;
  store::Account account_;
};

TEST_F(Import, GoesTheWayOfAllOtherMail) {
  std::size_t taken = 0;
  Hooks hooks;
  hooks.accept = [&taken](queue::Draft draft) -> Task<store::AcceptResult> {
    ++taken;
    EXPECT_EQ(draft.klass, store::MessageClass::imported);
    EXPECT_EQ(draft.recipients.size(), 1u);
    store::AcceptResult result;
    result.status = store::AcceptStatus::accepted;
    co_return result;
  };
  Control control(server_.store(), server_.directory(), std::move(hooks));
  EXPECT_EQ(import_into(control), 200u);
  EXPECT_EQ(taken, 1u);
  EXPECT_EQ(messages(), 0u) << "it is for the queue to take it";
}

class ImportedFolders : public Import {
protected:
  /// The answer's folder, or its code.
  std::string post(const std::string& body) {
    const auto answer = run_task(control_.handle({"POST", "/v1/accounts/ann@example.org/folders", body, "a test"}));
    const auto value = json::parse(answer.body);
    return get_text(value, answer.status == 200 ? "folder" : "code");
  }
  /// "Sent \\Sent subscribed" of each, as the export tells.
  std::string shown(const std::string& name) {
    const auto list = run_task(server_.store().mailboxes().list_folders(account_.id)).value();
    for (const store::Folder& one : list.folders)
      if (one.name == name)
        return name + imap::special_use_text(one.special_use) +
               (std::ranges::count(list.subscribed, name) == 1 ? " subscribed" : "");
    return "";
  }
  Control control_{server_.store(), server_.directory(), Hooks()};
};

TEST_F(ImportedFolders, GoIntoTheOneWithTheirUse) {
  EXPECT_EQ(post(R"({"folder": "Gesendet", "use": "\\Sent"})"), "Sent");
  EXPECT_EQ(shown("Gesendet"), "");
  EXPECT_EQ(post(R"({"folder": "INBOX", "use": "\\Sent"})"), "INBOX");
  ASSERT_TRUE(run_task(server_.store().mailboxes().remove_folder(account_.id, "Archive")));
  EXPECT_EQ(post(R"({"folder": "Old", "use": "\\Archive \\Flagged"})"), "Old");
  EXPECT_EQ(shown("Old"), "Old \\Archive \\Flagged subscribed");
  EXPECT_EQ(post(R"({"folder": "Older", "use": "\\Archive"})"), "Old");
  EXPECT_EQ(post(R"({"folder": "x", "use": "\\Wrong"})"), "invalid");
  EXPECT_EQ(shown("x"), "");
}

TEST_F(ImportedFolders, AreSubscribedAsElsewhere) {
  EXPECT_EQ(post(R"({"folder": "a"})"), "a");
  EXPECT_EQ(shown("a"), "a subscribed");
  EXPECT_EQ(post(R"({"folder": "b", "subscribed": false})"), "b");
  EXPECT_EQ(shown("b"), "b");
  EXPECT_EQ(post(R"({"folder": "Junk", "subscribed": false})"), "Junk");
  EXPECT_EQ(shown("Junk"), "Junk \\Junk");
  EXPECT_EQ(post(R"({"folder": "Junk"})"), "Junk");
  EXPECT_EQ(shown("Junk"), "Junk \\Junk") << "nothing is known of it";
  EXPECT_EQ(import_into(control_), 200u);
  EXPECT_EQ(post(R"({"folder": "INBOX", "subscribed": false})"), "INBOX");
  EXPECT_EQ(shown("INBOX"), "INBOX subscribed") << "there is mail in it: what its owner chose since stays";
}

TEST_F(Import, NeedsNoServer) {
  Control control(server_.store(), server_.directory(), Hooks());
  EXPECT_EQ(import_into(control), 200u);
  EXPECT_EQ(messages(), 1u);
}

} // namespace
} // namespace paquebot::control
