#include "cli/test_support.h"
#include "cli/transport.h"
#include "cli/verbs.h"
#include "control/api_site.h"
#include "directory/directory.h"
#include "net/listener.h"
#include "net/wheel.h"
#include "service/http_session.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <thread>

namespace paquebot::cli {
namespace {

using ::testing::HasSubstr;

/// A control socket with a real Control behind it, on a thread of its own.
class LiveControl {
public:
  explicit LiveControl(const test::Folder& folder)
      : store_(store::open_store(make(folder.path("data"))).value()),
        directory_(*store_, cpu_, {.hostname = "mx.example.org"}),
        control_(*store_, directory_,
                 {.status =
                      [] {
                        return std::string(
                            R"({"version":"0.1.0","hostname":"mx.example.org","pid":7,"uptime_seconds":7300,)"
                            R"("connections":1,"listeners":["[::]:25","[::]:587"],"queue":{"destinations":0,)"
                            R"("ready":0,"workers":0},"disk":{"free":1073741824,"size":2147483648},)"
                            R"("certificate":{"file":"/c","not_after":0,"problems":["ends soon"]},)"
                            R"("news":{"open":1,"list":[]}})");
                      },
                  .reload = [] { return refuse(); }}),
        wheel_(context_.get_executor()), listener_(net::Listener::open(folder.path("control.sock")).value()) {
    auto accept = [this](int descriptor, const net::Endpoint&) {
      net::Stream stream(context_.get_executor(), descriptor, wheel_);
      auto connection = std::make_shared<service::HttpConnection>(service::HttpParts{site_, sessions_, nullptr},
                                                                  service::control_socket_options(), std::move(stream),
                                                                  context_.get_executor());
      boost::asio::co_spawn(context_, service::HttpConnection::serve(connection), boost::asio::detached);
    };
    boost::asio::co_spawn(context_, listener_.serve(context_.get_executor(), accept), boost::asio::detached);
    thread_ = std::thread([this] { context_.run(); });
  }
  ~LiveControl() {
    boost::asio::post(context_, [this] { listener_.stop(); });
    thread_.join();
  }
  LiveControl(const LiveControl&) = delete;
  LiveControl& operator=(const LiveControl&) = delete;

private:
  static Task<control::Reloaded> refuse() {
    co_return control::Reloaded{.refused = "paquebot.toml:3: no such role", .restart = {}, .warnings = {}};
  }
  static std::string make(const std::string& path) {
    std::filesystem::create_directory(path);
    return path;
  }

  std::unique_ptr<store::Store> store_;
  directory::CpuPool cpu_{1};
  directory::Directory directory_;
  control::Control control_;
  directory::LoginThrottle guard_;
  control::ApiSite site_{{control_, directory_, guard_}};
  service::Sessions sessions_;
  boost::asio::io_context context_;
  net::Wheel wheel_;
  net::Listener listener_;
  std::thread thread_;
};

class TransportTest : public ::testing::Test {
protected:
  TransportTest() {
    environment.locate = [this](const std::string&) -> Result<ServerPlace> {
      return ServerPlace{folder.path("data"), folder.path("control.sock"), "", "mx.example.org", ""};
    };
  }
  int run(std::vector<std::string> arguments) {
    out.str("");
    err.str("");
    std::istringstream in;
    Console console{in, out, err, false};
    arguments.insert(arguments.begin(), "paquebot");
    return cli::run(arguments, environment, console);
  }

  test::Folder folder;
  Environment environment;
  std::ostringstream out, err;
};

TEST_F(TransportTest, SameVerbsWithTheServerUpAndDown) {
  {
    const LiveControl live(folder);
    EXPECT_EQ(run({"domain", "add", "example.org"}), kOk) << err.str();
    EXPECT_EQ(run({"account", "add", "ann@example.org", "--generate"}), kOk) << err.str();
    EXPECT_EQ(run({"account", "add", "ann@example.org", "--generate"}), kRefused);
    EXPECT_THAT(err.str(), HasSubstr("ann@example.org exists already"));
  }
  EXPECT_EQ(run({"account", "list"}), kOk) << err.str();
  EXPECT_THAT(out.str(), HasSubstr("ann@example.org  active"));
}

TEST_F(TransportTest, StatusAndReloadOfALiveServer) {
  const LiveControl live(folder);
  EXPECT_EQ(run({"status"}), kOk);
  EXPECT_EQ(out.str(), "Paquebot 0.1.0 on mx.example.org, process 7, up 2 h\n"
                       "Listeners:    [::]:25, [::]:587\n"
                       "Connections:  1\n"
                       "Queue:        0 recipients waiting, 0 destinations, 0 being delivered\n"
                       "Disk:         1.0 GiB free of 2.0 GiB\n"
                       "Certificate:  /c, until -\n"
                       "              Warning: it ends soon\n"
                       "news: \n  open: 1\n  list: none\n");
  EXPECT_EQ(run({"reload"}), kConfiguration);
  EXPECT_THAT(err.str(), HasSubstr("paquebot.toml:3: no such role"));
}

TEST_F(TransportTest, LargeImportOverTheSocket) {
  const LiveControl live(folder);
  run({"domain", "add", "example.org"});
  run({"account", "add", "ann@example.org", "--no-password"});
  std::string mbox;
  for (int i = 0; i < 20; ++i) mbox += "From a@b Thu Jan  1 00:00:00 2026\nSubject: small\n\ntext\n\n";
  mbox += "From a@b Thu Jan  1 00:00:01 2026\nSubject: large\n\n";
  for (int i = 0; i < 30'000; ++i) mbox += "a line of a large message, number " + std::to_string(i) + "\n";
  EXPECT_EQ(run({"import", "mail", "ann@example.org", folder.write("inbox", mbox)}), kOk) << err.str();
  EXPECT_EQ(out.str(), "21 messages imported.\n");
}

TEST_F(TransportTest, NobodyListens) {
  const auto none = connect_transport(folder.path("control.sock"));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::not_found);
  EXPECT_FALSE(connect_transport("/" + std::string(200, 'x')));
}

} // namespace
} // namespace paquebot::cli
