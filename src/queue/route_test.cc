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

TEST(RouteTable, WhatHasChanged) {
  const auto route = [](const char* name, const char* host, const char* password = "") {
    Route made;
    made.name = name;
    made.to = name;
    made.host = host;
    made.password = password;
    return made;
  };
  const RouteTable before({route("a", "h"), route("b", "h"), route("c", "h", "old"), route("gone", "h")});
  const RouteTable after({route("c", "h", "new"), route("a", "h"), route("b", "other"), route("fresh", "h")});
  EXPECT_EQ(after.changed_since(before), (std::vector<std::string>{"route:c", "route:b", "route:fresh"}));
  EXPECT_TRUE(after.changed_since(after).empty());
}

} // namespace
} // namespace paquebot::queue
