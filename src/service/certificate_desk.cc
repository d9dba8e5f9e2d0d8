#include "service/certificate_desk.h"

#include "dns/update.h"
#include "net/http_client.h"

#include <utility>

namespace paquebot::service {
namespace {

constexpr std::chrono::milliseconds kUpdateTime{15'000};
constexpr std::chrono::milliseconds kNap{250}; ///< so soon a wait notices that the server stops

/// The addresses of an authority's host.
Task<Result<std::vector<std::string>>> authority_addresses(std::shared_ptr<dns::Resolver> resolver, std::string host) {
  std::vector<std::string> addresses;
  std::string why;
  for (const dns::Type type : {dns::Type::aaaa, dns::Type::a}) {
    std::string name = host;
    const auto answer = co_await resolver->query(std::move(name), type);
    for (const dns::Record& record : answer->records) addresses.push_back(record.text);
    if (answer->status == dns::Status::servfail) why = answer->why;
  }
  if (addresses.empty()) co_return fail(Errc::not_found, host + " has no address" + (why.empty() ? "" : ": " + why));
  co_return addresses;
}

class HttpTransport final : public acme::Transport {
public:
  HttpTransport(const CertificateDesk::Parts& parts, const CertificateOptions& options)
      : client_(
            parts.executor, parts.wheel,
            [resolver = parts.resolver](std::string host) { return authority_addresses(resolver, std::move(host)); },
            client_options(options)) {}

  Task<Result<acme::Reply>> request(acme::Request request) override {
    net::HttpRequest asked;
    asked.method = std::move(request.method);
    asked.url = std::move(request.url);
    asked.fields = {{"User-Agent", "paquebot"}, {"Accept-Language", "en"}}; // RFC 8555 section 6.1
    if (!request.type.empty()) asked.fields.push_back({"Content-Type", std::move(request.type)});
    asked.content = std::move(request.content);
    auto reply = co_await client_.send(std::move(asked));
    if (!reply) co_return std::unexpected(reply.error());
    co_return acme::Reply{reply->status, std::move(reply->fields), std::move(reply->content)};
  }

private:
  static net::HttpClientOptions client_options(const CertificateOptions& options) {
    net::HttpClientOptions out;
    out.ca_pem = options.ca_pem;
    out.also = options.allow;
    out.answer.max_content = acme::kMostAnswer;
    return out;
  }

  net::HttpClient client_;
};

class UpdatedZone final : public ProofZone {
public:
  explicit UpdatedZone(const ZoneServer& server) : server_(server) {}

  Task<Result<>> add(std::string name, std::string text) override {
    return change(std::move(name), std::move(text), true);
  }
  Task<Result<>> remove(std::string name, std::string text) override {
    return change(std::move(name), std::move(text), false);
  }

private:
  Task<Result<>> change(std::string name, std::string text, bool add) {
    dns::TextChange change{.zone = server_.zone, .name = name, .text = std::move(text), .add = add};
    net::Endpoint where = server_.address;
    const auto time = kUpdateTime;
    if (change.zone.empty()) {
      auto zone = co_await dns::find_zone(where, std::move(name), time);
      if (!zone) co_return std::unexpected(zone.error());
      change.zone = std::move(*zone);
    }
    dns::TsigKey key = server_.key;
    co_return co_await dns::send_update(std::move(where), std::move(change), std::move(key), time);
  }

  const ZoneServer server_;
};

} // namespace

/// What options make, kept until others come.
struct CertificateDesk::Ways {
  Ways(const Parts& parts, CertificateShelf& shelf, std::shared_ptr<const CertificateOptions> how,
       std::function<Task<void>(std::chrono::milliseconds)> sleep, const std::atomic<bool>& stopping)
      : options(std::move(how)), transport(parts, *options),
        zone(options->zone ? std::make_unique<UpdatedZone>(*options->zone) : nullptr),
        keeper({parts.store, shelf, transport, *parts.resolver, system_clock(), std::move(sleep), zone.get()},
               parts.hostname, stopping) {}
  const std::shared_ptr<const CertificateOptions> options;
  HttpTransport transport;
  const std::unique_ptr<UpdatedZone> zone;
  CertificateKeeper keeper;
};

CertificateDesk::CertificateDesk(Parts parts)
    : parts_(std::move(parts)), shelf_(parts_.store.certificates(), parts_.shown) {}

CertificateDesk::~CertificateDesk() = default;

void CertificateDesk::configure(std::shared_ptr<const CertificateOptions> options) {
  const std::lock_guard lock(mutex_);
  options_ = std::move(options);
}

Task<void> CertificateDesk::sleep(std::chrono::milliseconds time) {
  for (auto left = time; left.count() > 0 && !stopping_; left -= kNap) {
    auto nap = std::min(left, kNap);
    co_await net::sleep_for(nap);
  }
}

Task<void> CertificateDesk::round() {
  {
    const std::lock_guard lock(mutex_);
    if (!options_ || !options_->agree_tos) co_return;
    if (!ways_ || ways_->options != options_)
      ways_ = std::make_shared<Ways>(
          parts_, shelf_, options_, [this](std::chrono::milliseconds time) { return sleep(time); }, stopping_);
  }
  const auto ways = ways_; // this executor alone changes it
  auto options = ways->options;
  co_await ways->keeper.round(std::move(options));
}

} // namespace paquebot::service
