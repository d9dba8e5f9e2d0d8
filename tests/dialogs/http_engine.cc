#include "http_engine.h"

#include "base/text.h"
#include "http/fake_site.h"

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
  const auto number = [&](const char* name, auto& into) {
    if (const auto value = parse_u64(dialog.option(name, ""))) into = static_cast<std::decay_t<decltype(into)>>(*value);
  };
  number("max_requests", options->max_requests);
  number("max_drain", options->max_drain);
  number("max_head", options->head.head);
  number("max_field", options->head.field);
  number("max_fields", options->head.fields);
  return options;
}

class HttpEngine final : public Engine {
public:
  explicit HttpEngine(const Dialog& dialog) : session_(http_options_of(dialog)) {
    if (const auto most = parse_u64(dialog.option("max_content", ""))) site_.most = *most;
    run();
  }

  void feed(std::string_view bytes) override {
    if (site_.closed) return;
    session_.feed(bytes);
    run();
  }
  void tls() override { broken.emplace_back("no handshake is due"); }
  void eof() override {
    session_.eof();
    run();
  }
  void timeout() override {
    session_.timed_out();
    run();
  }
  bool set_answer(std::string_view) override { return false; }
  /// Our direction is closed; what the client says from then on is dropped.
  bool closed() const override { return site_.ended || site_.closed; }

private:
  void run() {
    site_.perform(session_);
    output += std::exchange(site_.sent, {});
    for (std::string& content : std::exchange(site_.accepted, {})) accepted.push_back(std::move(content));
    for (std::string& promise : std::exchange(site_.broken, {})) broken.push_back(std::move(promise));
  }

  http::FakeSite site_;
  http::ServerSession session_;
};

} // namespace

std::unique_ptr<Engine> make_http_engine(const Dialog& dialog) { return std::make_unique<HttpEngine>(dialog); }

} // namespace paquebot::dialogs
