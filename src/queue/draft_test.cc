#include "queue/draft.h"

#include <gtest/gtest.h>

namespace paquebot::queue {
namespace {

using Way = store::NewRecipient::Route;

TEST(Draft, ExpandsRoutesAndHandsNotifyOn) {
  Draft draft;
  draft.sender.reverse_path = {"s", "example.net"};
  DraftRecipient team;
  team.recipient.address = {"team", "example.org"};
  team.recipient.notify = mail::kNotifySuccess;
  team.nodes = {{.address = "team@example.org", .route = Way::expanded},
                {.address = "alice@example.org", .route = Way::mailbox, .account = 7, .parent = 0},
                {.address = "out@Example.com", .route = Way::remote, .parent = 0}};
  DraftRecipient again = team;
  draft.recipients = {team, again};
  RouteTable routes(std::vector<Route>{{.name = "com", .to = "example.com"}});
  Schedule schedule;
  auto request = build_request(std::move(draft), routes, schedule, from_millis(1000));
  ASSERT_EQ(request->recipients.size(), 3u);
  EXPECT_EQ(request->recipients[0].route, Way::expanded);
  EXPECT_EQ(request->recipients[1].account, 7);
  EXPECT_EQ(request->recipients[1].parent, 0);
  EXPECT_EQ(request->recipients[1].owed, store::Owed::success);
  EXPECT_EQ(request->recipients[2].via, "team@example.org");
  EXPECT_EQ(request->recipients[2].destination, "route:com");
  EXPECT_EQ(request->recipients[2].orcpt, "rfc822;team@example.org");
  EXPECT_EQ(request->recipients[2].owed, store::Owed::none);
  EXPECT_EQ(request->recipients[2].due, 1000);
  EXPECT_EQ(request->expires_at, 1000 + 5LL * 86400 * 1000);
}

} // namespace
} // namespace paquebot::queue
