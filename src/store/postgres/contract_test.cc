#include "store/postgres/open.h"
#include "store/postgres/test_server.h"

#include <iostream>

namespace paquebot::store::postgres {
namespace {

constexpr const char* kModel = "model"; // the tables are made once, and copied for each test

std::string database_of(const std::string& place) { return "t" + place.substr(place.rfind('/') + 1); }

Result<std::unique_ptr<Store>> open_database(const std::string& place, const Clock& clock) {
  TestServer& server = TestServer::get();
  [[maybe_unused]] static const bool modelled = [&server] {
    server.make(kModel);
    return open_postgres(server.url(kModel), {}).has_value();
  }();
  server.make(database_of(place), kModel);
  StoreOptions options;
  options.clock = &clock;
  return open_postgres(server.url(database_of(place)), std::move(options));
}

std::vector<Backend> backends() {
  if (TestServer::programs()) return {Backend{"postgres", open_database}};
  std::cerr << "PostgreSQL is not installed (tools/setup test): the contract of its store is skipped\n";
  return {};
}

INSTANTIATE_TEST_SUITE_P(Postgres, StoreContract, testing::ValuesIn(backends()));

} // namespace
} // namespace paquebot::store::postgres
