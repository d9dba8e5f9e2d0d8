// What is written down about the command line must be true: the manual page and the packaged completion scripts.
#include "base/text.h"
#include "cli/verbs.h"
#include "control/action.h"
#include "control/describe.h"

#include <algorithm>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>
#include <sstream>

namespace paquebot::cli {
namespace {

using ::testing::HasSubstr;

std::string read(const std::string& path) {
  std::ifstream file(std::string(PAQUEBOT_SOURCE_DIR) + "/" + path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_TRUE(file) << path;
  return text.str();
}

TEST(Documents, ManualNamesEveryVerbAndOption) {
  const std::string manual = read("docs/paquebot.1");
  for (const auto& verb : verbs()) {
    EXPECT_THAT(manual, HasSubstr(".It Nm Cm " + std::string(verb.name))) << verb.name;
    for (const auto& option : verb.options)
      EXPECT_THAT(manual, HasSubstr("Fl " + std::string(option.name.substr(1)))) << verb.name;
  }
}

TEST(Documents, EveryActionHasAVerbAndNoVerbNamesAnother) {
  std::set<std::string, std::less<>> named;
  for (const auto& verb : verbs())
    for (const auto id : split(verb.actions, ' '))
      if (!id.empty()) named.emplace(id);
  for (const auto& action : control::actions())
    if (action.page.empty() || named.contains(std::string(action.id)))
      EXPECT_EQ(named.erase(std::string(action.id)), 1U) << action.id << " has no verb (Verb::actions), and no page";
    else
      EXPECT_TRUE(std::ranges::find(control::kPages, action.page) != control::kPages.end()) << action.id;
  for (const auto& id : named) ADD_FAILURE() << id << " is no action";
}

/// Tables between headings of the same name are those that the program prints.
TEST(Documents, ApiTellsOfEveryAction) {
  const std::string document = read("docs/api.md");
  std::istringstream lines(control::reference());
  for (std::string line; std::getline(lines, line);) EXPECT_THAT(document, HasSubstr(line + "\n"));
  std::istringstream told(document);
  const std::string reference = control::reference();
  for (std::string line; std::getline(told, line);) {
    if (!line.starts_with("| ") || line.find(" /v1/") == std::string::npos) continue;
    EXPECT_THAT(reference, HasSubstr(line + "\n")) << "make it anew: tools/reference --write PROGRAM";
  }
}

/// mdoc(7): Op, Pq and Dq take the rest of their line, so that another one behind the first would be inside of it.
TEST(Documents, ManualNestsNothing) {
  std::istringstream lines(read("docs/paquebot.1"));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('.')) continue;
    std::istringstream words(line.substr(1));
    int taking = 0, open = 0;
    for (std::string word; words >> word;) {
      taking += word == "Op" || word == "Pq" || word == "Dq" ? 1 : 0;
      open += word == "Oo" ? 1 : word == "Oc" ? -1 : 0;
      EXPECT_GE(open, 0) << line;
    }
    EXPECT_LE(taking, 1) << line;
    EXPECT_EQ(open, 0) << line;
  }
}

TEST(Documents, CompletionScriptsAreTheGeneratedOnes) {
  const struct {
    const char* shell;
    const char* path;
  } scripts[] = {{"bash", "packaging/completion/paquebot.bash"},
                 {"zsh", "packaging/completion/_paquebot"},
                 {"fish", "packaging/completion/paquebot.fish"}};
  for (const auto& script : scripts) {
    EXPECT_EQ(read(script.path), completion_script(script.shell).value())
        << "make it anew: paquebot completion " << script.shell << " > " << script.path;
  }
}

} // namespace
} // namespace paquebot::cli
