#include "control/control.h"
#include "directory/test_server.h"

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

TEST_F(Import, NeedsNoServer) {
  Control control(server_.store(), server_.directory(), Hooks());
  EXPECT_EQ(import_into(control), 200u);
  EXPECT_EQ(messages(), 1u);
}

} // namespace
} // namespace paquebot::control
