#include "store/sqlite/open.h"
#include "store/test_contract.h"

namespace paquebot::store::sqlite {
namespace {

Result<std::unique_ptr<Store>> open_at(const std::string& place, const Clock& clock) {
  SqliteOptions options;
  options.directory = place;
  options.clock = &clock;
  return open_sqlite(std::move(options));
}

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreContract, testing::Values(Backend{"sqlite", open_at}));

} // namespace
} // namespace paquebot::store::sqlite
