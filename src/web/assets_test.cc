#include "web/assets.h"

#include <gmock/gmock.h>
#include <string>
#include <zlib.h>

namespace paquebot::web {
namespace {

using testing::HasSubstr;
using testing::Not;

/// What is compressed there; fails the test when it is not whole.
std::string unpacked(std::string_view gzip) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string in(gzip);
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  std::string out;
  int result = Z_OK;
  while (result == Z_OK) {
    std::string part(65536, '\0');
    stream.next_out = reinterpret_cast<Bytef*>(part.data());
    stream.avail_out = static_cast<uInt>(part.size());
    result = inflate(&stream, Z_NO_FLUSH);
    out.append(part, 0, part.size() - stream.avail_out);
  }
  EXPECT_EQ(result, Z_STREAM_END);
  inflateEnd(&stream);
  return out;
}

TEST(Assets, ArePackedWhole) {
  ASSERT_EQ(assets().size(), 4u);
  for (const Asset& asset : assets()) {
    EXPECT_FALSE(unpacked(asset.gzip).empty()) << asset.name;
    EXPECT_EQ(asset.etag.size(), 22u);
    EXPECT_EQ(find_asset(asset.name), &asset);
  }
  EXPECT_EQ(find_asset("index.htm"), nullptr);
  EXPECT_EQ(find_asset(""), nullptr);
}

TEST(Assets, FirstLoadIsSmall) {
  std::size_t total = 0;
  for (const Asset& asset : assets()) total += asset.gzip.size();
  EXPECT_LE(total, 150u * 1024);
}

TEST(Assets, PageNamesEveryOtherFileAndHasNothingInline) {
  const std::string page = unpacked(find_asset("index.html")->gzip);
  for (const Asset& asset : assets())
    if (asset.name != "index.html") EXPECT_THAT(page, HasSubstr("\"/console/assets/" + std::string(asset.name) + '"'));
  EXPECT_THAT(page, Not(HasSubstr("style=")));
  EXPECT_THAT(page, Not(HasSubstr("<style")));
  EXPECT_THAT(page, HasSubstr("></script>"));
}

TEST(Assets, ReactIsTheOneForProduction) {
  const std::string script = unpacked(find_asset("console.js")->gzip);
  EXPECT_THAT(script, Not(HasSubstr("process.env")));
  EXPECT_THAT(script, Not(HasSubstr("Download the React DevTools")));
}

} // namespace
} // namespace paquebot::web
