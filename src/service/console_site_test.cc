#include "directory/test_server.h"
#include "service/console_site.h"
#include "web/assets.h"

#include <gmock/gmock.h>

namespace paquebot::service {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

http::Answer open_console(const std::string& path, http::Fields fields = {}, const std::string& method = "GET") {
  ConsoleSite site;
  http::Exchange exchange;
  exchange.request.method = method;
  exchange.request.path = exchange.request.target = path;
  exchange.request.fields = std::move(fields);
  return directory::run_task(site.answer(std::move(exchange)));
}

std::string field_of(const http::Answer& answer, std::string_view name) {
  const std::string* value = http::find_field(answer.response.fields, name);
  return value == nullptr ? "" : *value;
}

TEST(ConsoleSite, ServesThePageUnderEveryPath) {
  const http::Answer page = open_console("/console/");
  EXPECT_EQ(page.response.status, 200U);
  EXPECT_THAT(field_of(page, "Content-Type"), HasSubstr("text/html"));
  EXPECT_THAT(page.response.content, HasSubstr("<html"));
  EXPECT_EQ(open_console("/console/trail/01ARZ3NDEKTSV4RRFFQ69G5FAV").response.content, page.response.content);
  const http::Answer led = open_console("/console");
  EXPECT_EQ(led.response.status, 302U);
  EXPECT_EQ(field_of(led, "Location"), "/console/");
}

TEST(ConsoleSite, RulesForBrowsersAreStrict) {
  const std::string policy = field_of(open_console("/console/"), "Content-Security-Policy");
  for (const char* rule : {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'",
                           "require-trusted-types-for 'script'"})
    EXPECT_THAT(policy, HasSubstr(rule));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_THAT(policy, Not(HasSubstr("data:")));
}

TEST(ConsoleSite, FilesAreThereByNameOnly) {
  for (const web::Asset& asset : web::assets()) {
    const http::Answer answer = open_console("/console/assets/" + std::string(asset.name));
    EXPECT_EQ(answer.response.status, 200U) << asset.name;
    EXPECT_EQ(field_of(answer, "Content-Type"), asset.type);
  }
  for (const char* path :
       {"/console/assets/", "/console/assets/none.js", "/console/assets/../index.html", "/console/assets//etc/passwd"})
    EXPECT_EQ(open_console(path).response.status, 404U) << path;
  const http::Answer refused = open_console("/console/", {}, "POST");
  EXPECT_EQ(refused.response.status, 405U);
  EXPECT_EQ(field_of(refused, "Allow"), "GET, HEAD");
}

TEST(ConsoleSite, CompressedForWhoTakesIt) {
  const http::Answer plain = open_console("/console/");
  const http::Answer packed = open_console("/console/", {{"accept-encoding", "br, gzip;q=0.5"}});
  EXPECT_EQ(field_of(packed, "Content-Encoding"), "gzip");
  EXPECT_EQ(field_of(plain, "Content-Encoding"), "");
  EXPECT_EQ(unpack_gzip(packed.response.content), plain.response.content);
  EXPECT_EQ(field_of(plain, "Vary"), "Accept-Encoding");
  EXPECT_EQ(field_of(open_console("/console/", {{"accept-encoding", "gzip;q=0"}}), "Content-Encoding"), "");
  EXPECT_EQ(field_of(open_console("/console/", {{"accept-encoding", "br"}}), "Content-Encoding"), "");
  EXPECT_EQ(unpack_gzip("nothing of the kind"), "");
  EXPECT_EQ(unpack_gzip(packed.response.content.substr(0, 20)), "") << "cut off";
}

TEST(ConsoleSite, NothingComesTwice) {
  const http::Answer first = open_console("/console/", {{"accept-encoding", "gzip"}});
  const std::string tag = field_of(first, "ETag");
  const http::Answer again = open_console("/console/", {{"accept-encoding", "gzip"}, {"if-none-match", tag}});
  EXPECT_EQ(again.response.status, 304U);
  EXPECT_EQ(again.response.content, "");
  EXPECT_EQ(open_console("/console/", {{"if-none-match", tag}}).response.status, 200U)
      << "unpacked it is something else";
}

} // namespace
} // namespace paquebot::service
