// [authentication.reports]: the aggregate reports of DMARC that we send.

#include "app/toml_reader.h"
#include "mail/address.h"

namespace paquebot::app {

void read_reports(Reader& read, const toml::table& authentication, Config& config) {
  delivery::DmarcSending& into = config.dmarc_reports;
  into.org_name = config.hostname;
  const toml::table& t = section(read, authentication, "reports");
  read.only(t, "[authentication.reports]", {"send", "from", "org_name", "contact"});
  read.flag(t, "send", into.send);
  read.text(t, "org_name", into.org_name);
  std::string from;
  read.text(t, "from", from);
  if (!from.empty()) {
    auto address = mail::parse_address(from, false);
    if (address && !address->domain.empty() && !address->is_literal())
      into.from = std::move(*address);
    else
      read.error(*t.get("from"), fmt::format("\"{}\" is not an address; write from = \"dmarc-reports@your.domain\"",
                                             printable(from, 60)));
  }
  into.contact = from;
  read.text(t, "contact", into.contact);
  if (into.send && from.empty())
    read.error(*t.get("send"), "reports need a sender: write from = \"dmarc-reports@your.domain\" beside send");
}

} // namespace paquebot::app
