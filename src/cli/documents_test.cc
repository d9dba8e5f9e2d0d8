// What is written down about the command line must be true: the manual page and the packaged completion scripts.
#include "cli/verbs.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
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
