#pragma once

#include "control/control.h"
#include "search/index.h"

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>

namespace paquebot::service {

/// Waits until it is filled, half a second at most.
Task<void> let_fill(search::Index& index);
/// What operators may do with an index that is being filled; it must outlive these.
control::SearchHooks search_hooks(search::Index& index);

/// The index for searches, and the thread that fills it and gives way to all others.
class SearchDesk {
public:
  /// `store` must outlive it.
  SearchDesk(store::Store& store, const std::string& directory);
  ~SearchDesk();

  search::Index index;

  /// Begins the thread, for index.run(). Call once.
  boost::asio::any_io_executor begin();
  /// Once that has ended. Waits for the thread.
  void end();

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace paquebot::service
