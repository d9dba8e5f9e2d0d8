#include "http_engine.h"

#include "base/text.h"
#include "http/fake_site.h"
#include "session_engine.h"

#include <utility>

namespace paquebot::dialogs {
namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (const std::string_view word : split(text, ',')) words.emplace_back(word);
  return words;
}

std::shared_ptr<const http::ServerOptions> http_options_of(const Dialog& dialog) {
  auto options = std::make_shared<http::ServerOptions>();
  options->encrypted = dialog.option("tls", "none") != "none";
  options->http10 = dialog.option("http10", "yes") == "yes";
  if (const auto hosts = dialog.option("hosts", ""); !hosts.empty()) options->hosts = words_of(hosts);
  if (const auto methods = dialog.option("methods", ""); !methods.empty()) options->methods = words_of(methods);
  read_number(dialog, "max_requests", options->max_requests);
  read_number(dialog, "max_drain", options->max_drain);
  read_number(dialog, "max_head", options->head.head);
  read_number(dialog, "max_field", options->head.field);
  read_number(dialog, "max_fields", options->head.fields);
  return options;
}

class HttpEngine final : public SessionEngine<http::ServerSession> {
public:
  explicit HttpEngine(const Dialog& dialog) : SessionEngine(http_options_of(dialog)) {
    read_number(dialog, "max_content", site_.most);
    run();
  }

  bool set_answer(std::string_view) override { return false; }
  /// Our direction is closed; what the client says from then on is dropped.
  bool closed() const override { return site_.ended || site_.closed; }

private:
  bool deaf() const override { return site_.closed; }
  void run() override {
    site_.perform(session_);
    output += std::exchange(site_.sent, {});
    for (std::string& content : std::exchange(site_.accepted, {})) accepted.push_back(std::move(content));
    for (std::string& promise : std::exchange(site_.broken, {})) broken.push_back(std::move(promise));
  }

  http::FakeSite site_;
};

} // namespace

std::unique_ptr<Engine> make_http_engine(const Dialog& dialog) { return std::make_unique<HttpEngine>(dialog); }

} // namespace paquebot::dialogs
