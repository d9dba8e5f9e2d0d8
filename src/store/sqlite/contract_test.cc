#include "store/sqlite/open.h"
#include "store/test_contract.h"
#include "store/test_suppression.h"

namespace paquebot::store::sqlite {
namespace {

Result<std::unique_ptr<Store>> open_at(const std::string& place, const Clock& clock) {
  SqliteOptions options;
  options.directory = place;
  options.clock = &clock;
  return open_sqlite(std::move(options));
}

Result<std::unique_ptr<Store>> open_without_threads(const std::string& place, const Clock& clock) {
  SqliteOptions options;
  options.directory = place;
  options.clock = &clock;
  options.carrier = [](std::move_only_function<void()> step) { step(); };
  return open_sqlite(std::move(options));
}

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreContract, testing::Values(Backend{"sqlite", open_at}));
INSTANTIATE_TEST_SUITE_P(Sqlite, SuppressionContract, testing::Values(Backend{"sqlite", open_at}));
INSTANTIATE_TEST_SUITE_P(SqliteWithoutThreads, StoreContract,
                         testing::Values(Backend{"sqlite-without-threads", open_without_threads}));

} // namespace
} // namespace paquebot::store::sqlite
