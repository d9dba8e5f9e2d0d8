#include "control/action.h"
#include "control/describe.h"
#include "control/schema.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>
#include <stdexcept>

namespace paquebot::control {
namespace {

using ::testing::HasSubstr;

std::string checked(std::string_view schema, const std::string& request) {
  const auto object = parse_object(request, "x");
  const auto done = Schema::parse(schema).check(*object);
  return done ? "" : done.error().message + " (" + done.error().field + ")";
}

TEST(Schema, ChecksRequests) {
  const struct {
    const char* schema;
    const char* request;
    const char* says;
  } cases[] = {
      {"a:text", R"({"a":"x"})", ""},
      {"a:text", R"({"a":7})", "\"a\" must be a text (a)"},
      {"a:text", R"({})", "\"a\" is missing (a)"},
      {"a?:text", R"({"a":null})", ""},
      {"a:text", R"({"a":"x","b":1})", "unknown field \"b\" (b)"},
      {"a:number", R"({"a":-1})", "\"a\" must be a whole number from 0 (a)"},
      {"a:number", R"({"a":1.5})", "\"a\" must be a whole number from 0 (a)"},
      {"a:number", R"({"a":18446744073709551615})", "\"a\" must be a whole number from 0 (a)"},
      {"a:integer", R"({"a":-1})", ""},
      {"a:bool", R"({"a":1})", "\"a\" must be true or false (a)"},
      {"a:[text]", R"({"a":["x",7]})", "\"a\" must be a list of texts (a)"},
      {"a:x/y", R"({"a":"z"})", "\"a\" must be one of x, y (a)"},
      {"a:time", R"({"a":"2026-11-30T09:41:07Z"})", ""},
      {"a:time", R"({"a":"yesterday"})", "\"a\" must be a time like 2026-11-30T09:41:07Z (a)"},
      {"*:number|null", R"({"a":null,"b":7})", ""},
      {"*:number|null", R"({"a":"x"})", "\"a\" must be a whole number from 0 (a)"},
  };
  for (const auto& c : cases) EXPECT_EQ(checked(c.schema, c.request), c.says) << c.schema << " " << c.request;
}

TEST(Schema, FindsWhatAnAnswerHasTooMuchOrTooLittle) {
  const Schema schema = Schema::parse("list:[Voice] at:time");
  const auto told = [&](const char* text) { return schema.mismatch(parse_json(text, "x").value()); };
  EXPECT_EQ(told(R"({"list":[{"code":1,"status":"","text":""}],"at":null})"), "");
  EXPECT_EQ(told(R"({"list":[{"code":1,"status":""}],"at":null})"), "list.0.text: is missing");
  EXPECT_EQ(told(R"({"list":[{"code":"1","status":"","text":""}],"at":null})"),
            "list.0.code: is not a whole number from 0");
  EXPECT_EQ(told(R"({"list":[],"at":7})"), "at: is not a time like 2026-11-30T09:41:07Z");
  EXPECT_EQ(told(R"({"list":[],"at":null,"more":1})"), "more: is not in the schema");
}

TEST(Schema, WrongNotationIsABug) {
  EXPECT_THROW(Schema::parse("a"), std::logic_error);
  EXPECT_THROW(Schema::parse("=Nothing"), std::logic_error);
}

TEST(Actions, AreSound) {
  std::set<std::string_view> ids;
  std::set<std::string> places;
  for (const Action& action : actions()) {
    EXPECT_TRUE(ids.insert(action.id).second) << action.id;
    EXPECT_TRUE(places.insert(std::string(action.method) + " " + std::string(action.path)).second) << action.id;
    EXPECT_TRUE(action.scope.empty() || is_scope(action.scope)) << action.id;
    EXPECT_EQ(action.scope.ends_with(".read"),
              action.method == "GET" && !action.scope.empty() && action.id != "import.known")
        << action.id << " reads with a scope to write, or the other way round";
    EXPECT_NE(action.summary.back(), '.') << action.id;
    EXPECT_TRUE(action.object.whose != Whose::server || action.least >= Role::operator_) << action.id;
    const Schema query = Schema::parse(action.query), request = Schema::parse(action.request);
    EXPECT_FALSE(Schema::parse(action.answer).empty()) << action.id;
    const auto names = path_names(action);
    const auto known = [&](std::string_view name) {
      return name.empty() || std::ranges::find(names, name) != names.end() || query.find(name) != nullptr ||
             request.find(name) != nullptr;
    };
    EXPECT_TRUE(known(action.object.by)) << action.id << " " << action.object.by;
    EXPECT_TRUE(known(action.object.also)) << action.id;
    // A list of things that are somebody's is kept to what is within reach.
    const bool own = action.path.starts_with("/v1/me/"); // whoever asks, and nobody else's
    const bool somebodys = action.object.whose == Whose::open && !action.list.empty() && !own;
    EXPECT_TRUE(!somebodys || !action.owner.empty()) << action.id;
    EXPECT_TRUE(action.method == "GET" || action.audit == Audit::bulk || !action.subject.empty() ||
                action.object.whose == Whose::server)
        << action.id << " does not say what it was about";
    EXPECT_THAT(std::string(action.subject), ::testing::Not(HasSubstr("password"))) << action.id;
    EXPECT_THAT(help_of(action), HasSubstr(std::string(action.path)));
  }
  EXPECT_EQ(find_action("nothing"), nullptr);
  for (const Scope& scope : scopes())
    EXPECT_TRUE(std::ranges::any_of(actions(), [&](const Action& one) { return one.scope == scope.name; }))
        << scope.name << " lets nobody do anything";
}

TEST(Actions, AreDescribedAsOpenApi) {
  const json::object document = openapi();
  const auto& path = document.at("paths").at("/v1/accounts/{login}");
  EXPECT_EQ(get_text(path.at("patch"), "operationId"), "account.change");
  EXPECT_EQ(get_text(path.at("patch"), "x-scope"), "accounts.write");
  EXPECT_TRUE(get_bool(path.at("patch"), "x-idempotent"));
  EXPECT_FALSE(get_bool(document.at("paths").at("/v1/domains").at("post"), "x-idempotent"));
  EXPECT_EQ(path.at("patch")
                .at("requestBody")
                .at("content")
                .at("application/json")
                .at("schema")
                .at("properties")
                .at("quota")
                .at("type")
                .as_string(),
            "integer");
  std::size_t operations = 0;
  for (const auto& [name, methods] : document.at("paths").as_object()) operations += methods.as_object().size();
  EXPECT_EQ(operations, actions().size());
  // Every reference leads somewhere.
  const std::string text = to_text(document);
  const auto& schemas = document.at("components").at("schemas").as_object();
  const std::string mark = "#/components/schemas/";
  for (auto at = text.find(mark); at != text.npos; at = text.find(mark, at + 1)) {
    const auto end = text.find('"', at);
    EXPECT_TRUE(schemas.contains(text.substr(at + mark.size(), end - at - mark.size())));
  }
}

TEST(Schema, ShapesHaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (const Shape& shape : shapes()) EXPECT_TRUE(names.insert(std::string(shape.name)).second) << shape.name;
}

} // namespace
} // namespace paquebot::control
