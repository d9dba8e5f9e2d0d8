#pragma once

#include "cli/client_driver.h"

#include <iosfwd>
#include <vector>

namespace paquebot::cli {

struct FetchOptions {
  Target target;
  bool json = false;
  bool remove = false;      ///< delete what was shown or saved, once all of it was, and is where it was written to
  std::uint32_t newest = 0; ///< list: only so many of the last ones; 0: all
  std::string folder = "."; ///< save: where to
};

/// A table of the messages: number, size, date, from, subject. As JSON an array of objects.
Result<> fetch_list(const FetchOptions& options, std::ostream& out);
/// The decoded head, the text and a list of the attachments of each message. At most 1 MiB of text is shown.
Result<> fetch_show(const FetchOptions& options, const std::vector<std::uint32_t>& numbers, std::ostream& out);
/// Saves each message as .eml, and its attachments beside; all messages when `numbers` is empty. Prints the paths.
/// Names are made safe and nothing is overwritten. Files are synced before anything is deleted from the mailbox.
Result<> fetch_save(const FetchOptions& options, const std::vector<std::uint32_t>& numbers, std::ostream& out);
/// Deletes messages.
Result<> fetch_delete(const FetchOptions& options, const std::vector<std::uint32_t>& numbers, std::ostream& out);

} // namespace paquebot::cli
