#pragma once

#include "http/site.h"

#include <string>
#include <string_view>

namespace paquebot::service {

/// The console's files (web/assets.h), for everybody who comes: the pages ask the API for all that they show, and that
/// knows who asks.
///
///   GET /console/assets/NAME   one file
///   GET /console/…             the page, whatever follows: its own code reads the path
///
/// Answers have strict rules for browsers: no content but ours, no inline script or style, no frame of others around
/// it, Trusted Types. Compressed for whoever takes gzip; an entity tag, so that nothing comes twice.
class ConsoleSite final : public http::Site {
public:
  std::uint64_t most_content(const http::Request&, const http::Visitor&) const override { return 0; }
  Task<http::Answer> answer(http::Exchange exchange) override;
};

/// What a page of the console may do in a browser.
std::string_view console_policy();

/// Whether who asked takes an answer that is compressed with gzip (RFC 9110 section 12.5.3).
bool takes_gzip(const http::Request& request);
/// Undoes gzip (RFC 1952). Empty on what is none.
std::string unpack_gzip(std::string_view packed);

} // namespace paquebot::service
