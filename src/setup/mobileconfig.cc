#include "setup/mobileconfig.h"

#include "setup/digest.h"
#include "setup/xml.h"

namespace paquebot::setup {
namespace {

constexpr std::string_view kHead =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">";

/// The types of a property list's values.
class Dict {
public:
  explicit Dict(XmlWriter& xml) : xml_(xml) { xml_.open("dict"); }
  ~Dict() { xml_.close(); }
  Dict(const Dict&) = delete;
  Dict& operator=(const Dict&) = delete;

  Dict& text(std::string_view key, std::string_view value) {
    xml_.leaf("key", key).leaf("string", value);
    return *this;
  }
  Dict& number(std::string_view key, unsigned value) {
    xml_.leaf("key", key).leaf("integer", std::to_string(value));
    return *this;
  }
  Dict& flag(std::string_view key, bool value) {
    xml_.leaf("key", key).empty(value ? "true" : "false");
    return *this;
  }

private:
  XmlWriter& xml_;
};

/// "org.example.mx", as Apple names things.
std::string reversed(std::string_view host) {
  std::string out;
  for (std::size_t end = host.size();;) {
    const std::size_t dot = end == 0 ? std::string_view::npos : host.rfind('.', end - 1);
    const std::size_t begin = dot == std::string_view::npos ? 0 : dot + 1;
    out += host.substr(begin, end - begin);
    if (begin == 0) return out;
    out += '.';
    end = dot;
  }
}

void write_account(XmlWriter& xml, const ClientSettings& settings, const std::string& address, std::string_view name,
                   const std::string& identifier) {
  const Offer* const imap = settings.best(Protocol::imap);
  const Offer& in = imap != nullptr ? *imap : *settings.best(Protocol::pop3);
  const Offer& out = *settings.best(Protocol::submission);
  Dict dict(xml);
  dict.text("PayloadType", "com.apple.mail.managed")
      .number("PayloadVersion", 1)
      .text("PayloadIdentifier", identifier + ".mail")
      .text("PayloadUUID", uuid_of("mailto:" + address + "#mail"))
      .text("PayloadDisplayName", address)
      .text("EmailAccountDescription", address)
      .text("EmailAccountName", name)
      .text("EmailAccountType", imap != nullptr ? "EmailTypeIMAP" : "EmailTypePOP")
      .text("EmailAddress", address)
      .text("IncomingMailServerAuthentication", "EmailAuthPassword")
      .text("IncomingMailServerHostName", settings.host)
      .number("IncomingMailServerPortNumber", in.port)
      .flag("IncomingMailServerUseSSL", true) // STARTTLS is found out by the program
      .text("IncomingMailServerUsername", address)
      .text("OutgoingMailServerAuthentication", "EmailAuthPassword")
      .text("OutgoingMailServerHostName", settings.host)
      .number("OutgoingMailServerPortNumber", out.port)
      .flag("OutgoingMailServerUseSSL", true)
      .text("OutgoingMailServerUsername", address)
      .flag("OutgoingPasswordSameAsIncomingPassword", true);
}

} // namespace

Result<std::string> mobileconfig(const ClientSettings& settings, const mail::Address& of, std::string_view name) {
  const bool incoming = settings.best(Protocol::imap) != nullptr || settings.best(Protocol::pop3) != nullptr;
  if (!incoming || settings.best(Protocol::submission) == nullptr)
    return fail(Errc::unsupported,
                "a profile needs a listener with TLS for imap or pop3 and one for submission, and one of them is "
                "not there: see [[listener]] in the configuration");
  const std::string address = of.to_string();
  const std::string uuid = uuid_of("mailto:" + address);
  const std::string identifier = reversed(settings.host) + "." + uuid;
  XmlWriter xml(kHead);
  xml.open("plist", "version=\"1.0\"");
  {
    Dict dict(xml);
    dict.text("PayloadType", "Configuration")
        .number("PayloadVersion", 1)
        .text("PayloadIdentifier", identifier)
        .text("PayloadUUID", uuid)
        .text("PayloadDisplayName", "Mail of " + address)
        .text("PayloadOrganization", mail::display_domain(of.domain))
        .text("PayloadDescription", "Sets up " + address + " with the server " + settings.host + ".")
        .flag("PayloadRemovalDisallowed", false);
    xml.leaf("key", "PayloadContent").open("array");
    write_account(xml, settings, address, name, identifier);
    xml.close();
  }
  return xml.finish();
}

} // namespace paquebot::setup
