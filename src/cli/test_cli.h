#pragma once

// For tests only: the command line on a data directory of its own, with the server down.

#include "cli/cli.h"
#include "cli/test_support.h"
#include "cli/verbs.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <vector>

namespace paquebot::cli::test {

class CliTest : public ::testing::Test {
protected:
  CliTest() {
    unsetenv("PAQUEBOT_PASSWORD");
    unsetenv("PAQUEBOT_CONFIG");
    environment.version = "0.1.0";
    environment.locate = [this](const std::string& config) -> Result<ServerPlace> {
      configs.push_back(config);
      if (config == "missing") return fail(Errc::not_found, "no configuration there");
      if (config == "broken") return fail(Errc::invalid, "broken:1: one\nbroken:2: \x1b two");
      ServerPlace place{folder.path("data"), folder.path("control.sock"), folder.path("drop"), "mx.example.org", ""};
      place.origin = origin;
      place.message_size = message_size;
      return place;
    };
    environment.serve = [this](const std::string& config) { return served = config, 0; };
    environment.check = [this](const std::string&) { return checked; };
    environment.defaults = [] { return std::string("DEFAULTS\n"); };
    environment.reference = [](bool json) { return std::string(json ? "{}\n" : "TABLES\n"); };
  }

  int run(std::vector<std::string> arguments, const std::string& input = {}) {
    out.str("");
    err.str("");
    std::istringstream in(input);
    Console console{in, out, err, false};
    if (arguments.empty() || arguments[0].find("sendmail") == std::string::npos)
      arguments.insert(arguments.begin(), "paquebot");
    return cli::run(arguments, environment, console);
  }
  json::value out_json() { return control::parse_json(out.str(), "x").value_or(json::value()); }

  test::Folder folder;
  Environment environment;
  std::vector<std::string> configs;
  std::string served;
  CheckReport checked;            ///< what `check` finds
  std::string origin;             ///< of the configuration
  std::uint64_t message_size = 0; ///< likewise
  std::ostringstream out, err;
};

} // namespace paquebot::cli::test
