#pragma once

#include "store/sqlite/schema.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <string>

namespace paquebot::store::sqlite {

/// The text of a file of samples/: a store of a released schema.
inline std::string sample(int version, const std::string& file) {
  std::ifstream in(std::string(PAQUEBOT_SOURCE_DIR) + "/src/store/samples/schema-" + std::to_string(version) + "-" +
                   file + ".sql");
  EXPECT_TRUE(in) << "the sample of schema " << version << " is missing: every schema has one (tools/sample)";
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// Makes a data directory as a program of that schema of paquebot.db left it (bulk.db has had one only). What every
/// sample holds: two accounts of example.test, an alias, mail small and large, a message that waits for far.test; and
/// rows of all that its own step and those before brought.
inline void build_sample(const std::string& directory, int version) {
  std::filesystem::create_directory(directory);
  for (const char* name : {"paquebot", "bulk"}) {
    Db db(directory + "/" + name + ".db", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    db.exec("PRAGMA page_size = 16384; PRAGMA auto_vacuum = INCREMENTAL");
    const int own = std::string_view(name) == "bulk" ? 1 : version;
    db.exec(sample(own, name).c_str());
  }
}

} // namespace paquebot::store::sqlite
