#include "service/web.h"

#include <gtest/gtest.h>

namespace paquebot::service {
namespace {

TEST(Web, AConsoleIsReachedWhereItIsServed) {
  const WebListener everywhere{{"::", 443}, true, false}, other{{"0.0.0.0", 8443}, true, false},
      plain{{"0.0.0.0", 80}, false, true}, here{{"127.0.0.1", 8080}, false, false},
      here_tls{{"::1", 8443}, true, false}, behind{{"10.0.0.1", 8080}, false, false},
      local{{"/run/x.sock", 0}, false, false};
  const auto url = [](const std::vector<WebListener>& all) { return console_url("mx.example.org", all); };
  EXPECT_EQ(url({}), "");
  EXPECT_EQ(url({plain, local}), "");
  EXPECT_EQ(url({here, plain, other, everywhere}), "https://mx.example.org");
  EXPECT_EQ(url({here, other}), "https://mx.example.org:8443");
  EXPECT_EQ(url({here_tls, here}), "http://127.0.0.1:8080");
  EXPECT_EQ(url({here_tls}), "https://[::1]:8443");
  EXPECT_EQ(url({behind}), "https://mx.example.org");
  EXPECT_EQ(https_port({}), 0);
  EXPECT_EQ(https_port({plain, other}), 8443);
  EXPECT_EQ(https_port({other, everywhere}), 443);
}

} // namespace
} // namespace paquebot::service
