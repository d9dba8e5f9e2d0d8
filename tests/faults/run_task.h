#pragma once

#include "base/task.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>
#include <utility>

namespace paquebot::faults {

/// Contexts live as long as the process: a store's thread may still be leaving post().
inline boost::asio::io_context& context() {
  static auto* const one = new boost::asio::io_context;
  return *one;
}

/// Runs a task to its end, with whatever else was started in the context.
template <class T>
T run(Task<T> task) {
  std::optional<T> result;
  boost::asio::co_spawn(context(), std::move(task), [&result](const std::exception_ptr& error, T value) {
    if (error) std::rethrow_exception(error);
    result = std::move(value);
  });
  context().restart();
  context().run();
  return std::move(*result);
}

} // namespace paquebot::faults
