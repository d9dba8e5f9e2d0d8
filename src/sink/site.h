#pragma once

#include "http/query.h"
#include "http/site.h"
#include "sink/changes.h"
#include "sink/faults.h"
#include "sink/inboxes.h"
#include "sink/search.h"

#include <string>
#include <string_view>
#include <vector>

namespace paquebot::sink {

/// What the sink tells of itself.
struct SinkFacts {
  std::string version;
  std::vector<std::string> smtp, http, pop3; ///< addresses
  Instant started{};
  std::string certificate_pem; ///< of the authority of what STARTTLS shows
  /// Names under which it may be asked, beside addresses and "localhost": a foreign name that leads here is a page that
  /// wants to read other people's mail (DNS rebinding).
  std::vector<std::string> hosts;
};

struct SiteParts {
  Inboxes& inboxes;
  Faults& faults;
  Changes& changes;
  const SinkFacts& facts;
};

/// A request on its way to who answers it.
struct Ask {
  std::string method;                 ///< "GET" for HEAD, too
  std::vector<std::string_view> path; ///< of Exchange::request.path, behind the inbox
  std::string inbox;                  ///< of "/inbox/NAME/…"; empty: all
  std::string base;                   ///< "" or "/inbox/NAME"
  http::Query query;
  std::string content;
  bool json = false; ///< the client takes nothing else
  bool gzip = false; ///< the client takes what is compressed so

  /// The value, or "".
  std::string_view get(std::string_view name) const;
};

/// The page and the API of the sink: Mailpit's paths below /api/v1/ and /view/, for all inboxes and below /inbox/NAME/
/// for one; ours beside them. Who can connect may do everything; pages of others can't, neither read nor write.
class SinkSite : public http::Site {
public:
  explicit SinkSite(SiteParts parts) : parts_(parts) {}

  std::uint64_t most_content(const http::Request& request, const http::Visitor& visitor) const override;
  Task<http::Answer> answer(http::Exchange exchange) override;

private:
  Task<bool> await_mail(std::string inbox, std::string query, std::size_t count, std::string newer, Instant until);
  Task<http::Answer> hear(Ask ask);

  SiteParts parts_;
};

} // namespace paquebot::sink
