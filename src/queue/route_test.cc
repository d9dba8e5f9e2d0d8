#include "queue/route.h"

#include <gtest/gtest.h>

namespace paquebot::queue {
namespace {

TEST(RouteTable, TheNarrowestRouteWins) {
  RouteTable table({{.name = "all", .to = "*"},
                    {.name = "sub", .to = ".example.org"},
                    {.name = "subsub", .to = ".b.example.org"},
                    {.name = "one", .to = "example.org"}});
  struct Case {
    const char *domain, *destination;
  } cases[] = {{"example.org", "route:one"},
               {"a.example.org", "route:sub"},
               {"a.b.example.org", "route:subsub"},
               {"notexample.org", "route:all"},
               {"[192.0.2.1]", "route:all"}};
  for (auto c : cases) EXPECT_EQ(table.destination(c.domain), c.destination) << c.domain;
}

TEST(RouteTable, WithoutRoutesTheDomainIsTheDestination) {
  EXPECT_EQ(RouteTable().destination("example.org"), "example.org");
  EXPECT_EQ(RouteTable().by_name("x"), nullptr);
}

} // namespace
} // namespace paquebot::queue
