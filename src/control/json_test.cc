#include "control/json.h"

#include <gtest/gtest.h>

namespace paquebot::control {
namespace {

TEST(Json, ParseBounds) {
  EXPECT_TRUE(parse_object("", "x"));
  EXPECT_TRUE(parse_object("{\"a\":1}", "x"));
  for (const char* bad : {"[1]", "{", "nul", "{\"a\":1} x", "1"}) EXPECT_FALSE(parse_object(bad, "the request")) << bad;
  const std::string deep = std::string(1000, '[') + std::string(1000, ']');
  EXPECT_FALSE(parse_json(deep, "x"));
}

TEST(Json, ANameStandsInAnObjectOnce) {
  for (const char* good : {"", "{}", R"({"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]})", R"({"":1})"})
    EXPECT_TRUE(names_once(good, "the request")) << good;
  EXPECT_EQ(names_once(R"({"a":1,"b":2,"a":3})", "the request").error().message,
            "the request has the field \"a\" twice");
  for (const char* bad : {R"({"":1,"":1})", R"([{"x":{"k":1,"k":1}}])", R"({"pass":1,"p\u0061ss":2})", "{", "nul"})
    EXPECT_FALSE(names_once(bad, "the request")) << bad;
}

TEST(Json, Fields) {
  const auto object =
      parse_object(R"({"t":"x","b":true,"n":5,"l":["a","b"],"neg":-1,"half":1.5,"null":null})", "x").value();
  EXPECT_EQ(text_field(object, "t").value(), "x");
  EXPECT_EQ(text_field(object, "null").value(), std::nullopt);
  EXPECT_EQ(text_field(object, "absent").value(), std::nullopt);
  EXPECT_EQ(text_field(object, "n").error().message, "\"n\" must be a text");
  EXPECT_EQ(bool_field(object, "b").value(), true);
  EXPECT_FALSE(bool_field(object, "t"));
  EXPECT_EQ(number_field(object, "n").value(), 5U);
  EXPECT_FALSE(number_field(object, "neg"));
  EXPECT_FALSE(number_field(object, "half"));
  EXPECT_EQ(texts_field(object, "l").value().size(), 2U);
  EXPECT_FALSE(texts_field(object, "t"));
  EXPECT_EQ(only_fields(object, {"t", "b"}).error().message, "unknown field \"n\"");
}

TEST(Json, HostileText) {
  json::object object;
  object["x"] = std::string("a\"b\\c\r\n\0\x1b", 9);
  EXPECT_EQ(to_text(object), R"({"x":"a\"b\\c\r\n\u0000\u001b"})");
  object["x"] = "\xff\xfe ok";
  EXPECT_EQ(to_text(object), R"({"x":"?? ok"})");
}

TEST(Json, NothingTurnsTheTerminal) {
  json::object object;
  object["x"] = "\xC2\x9B[31m \x7F a\u202Etxt.exe\u2066b\u2069 \u061C\u2028 \u200C é 😀 \xff";
  const std::string line = to_text(object);
  EXPECT_EQ(line, R"({"x":"\u009b[31m \u007f a\u202etxt.exe\u2066b\u2069 \u061c\u2028 )"
                  "\u200C é 😀 ?\"}");
  EXPECT_EQ(to_pretty_text(object), "{\n  " + line.substr(1, 4) + " " + line.substr(5, line.size() - 6) + "\n}\n");
  const auto back = parse_json(line, "x").value();
  EXPECT_TRUE(
      get_text(back, "x").starts_with("\xC2\x9B[31m \x7F a\u202Etxt.exe\u2066b\u2069 \u061C\u2028 \u200C é 😀"));
}

TEST(Json, Pretty) {
  const auto value = parse_json(R"({"a":[1,{"b":"x"}],"c":[],"d":{}})", "x").value();
  EXPECT_EQ(to_pretty_text(value),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x\"\n    }\n  ],\n  \"c\": [],\n  \"d\": {}\n}\n");
}

TEST(Json, TolerantReading) {
  const auto value = parse_json(R"({"t":"x","n":7,"b":true,"l":[1]})", "x").value();
  EXPECT_EQ(get_text(value, "t"), "x");
  EXPECT_EQ(get_text(value, "n"), "");
  EXPECT_EQ(get_number(value, "n"), 7);
  EXPECT_EQ(get_number(value, "t"), 0);
  EXPECT_TRUE(get_bool(value, "b"));
  EXPECT_EQ(get_list(value, "l").size(), 1U);
  EXPECT_EQ(get_list(value, "t").size(), 0U);
  EXPECT_EQ(get_list(json::value(5), "t").size(), 0U);
}

} // namespace
} // namespace paquebot::control
