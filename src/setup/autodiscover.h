#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "setup/client_settings.h"

#include <string>
#include <string_view>

/// "Plain old XML" Autodiscover of Microsoft's programs, as far as mail servers without Exchange answer it
/// (MS-OXDSCLI).
namespace paquebot::setup {

/// Octets of a request at most.
inline constexpr std::size_t kMaxAutodiscover = 8192;

struct AutodiscoverRequest {
  std::string address; ///< as it came, without white space around it; may be anything
  std::string schema;  ///< the form of answer that is wanted
};

/// `invalid` on what is no XML, longer than kMaxAutodiscover, has a document type (and with it entities of its own), is
/// nested deeper than eight elements, or has no address. The reader never looks at anything outside of the text.
Result<AutodiscoverRequest> read_autodiscover(std::string_view xml);

/// Whether we can answer in that form: Outlook's, which is what an empty one means, too.
bool knows_schema(std::string_view schema);

/// The answer for an address, the same whether there is such a user or not.
std::string autodiscover(const ClientSettings& settings, std::string_view address);

/// Why there is none, with the numbers of MS-OXDSCLI section 2.2.4.1.2.1.
enum class AutodiscoverFault : std::uint16_t { unknown_address = 500, bad_request = 600, unknown_schema = 601 };
/// `now` is told in it.
std::string autodiscover_error(AutodiscoverFault fault, WallTime now);

} // namespace paquebot::setup
